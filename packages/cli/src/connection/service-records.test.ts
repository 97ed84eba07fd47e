import { describe, expect, it } from 'vitest';
import { serversOf } from './service-records.js';

const record = (name: string, priority: number, weight: number, port = 1883) => ({ name, priority, weight, port });

async function found(records: ReturnType<typeof record>[], random: () => number, url = 'mqtt://example.org') {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    return records;
  };
  return { servers: (await serversOf(new URL(url), resolve, random)).map(({ href }) => href), asked };
}

describe('the brokers of a domain', () => {
  it('are looked up below _mqtt._tcp, with TLS below _secure-mqtt._tcp', async () => {
    const plain = await found([record('a.example.org', 0, 0, 1884)], () => 0);
    expect(plain).toEqual({ servers: ['mqtt://a.example.org:1884'], asked: ['_mqtt._tcp.example.org'] });
    const secure = await found([record('a.example.org', 0, 0, 8884)], () => 0, 'mqtts://example.org:8883');
    expect(secure).toEqual({ servers: ['mqtts://a.example.org:8884'], asked: ['_secure-mqtt._tcp.example.org'] });
  });

  it('come by priority, and by weight among equals', async () => {
    const records = [record('late', 20, 0), record('heavy', 10, 90), record('light', 10, 10), record('none', 10, 0)];
    const hosts = async (random: number) =>
      (await found(records, () => random)).servers.map((href) => new URL(href).hostname);
    expect(await hosts(0.05)).toEqual(['light', 'heavy', 'none', 'late']);
    expect(await hosts(0.5)).toEqual(['heavy', 'light', 'none', 'late']);
    let heavyFirst = 0;
    for (let i = 0; i < 1_000; i++) if ((await hosts((i + 0.5) / 1_000))[0] === 'heavy') heavyFirst++;
    expect(heavyFirst).toBe(900);
  });

  it('are none when the DNS knows none, or says that there is none', async () => {
    const failing = serversOf(
      new URL('mqtt://example.org'),
      () => Promise.reject(new Error('querySrv ENOTFOUND')),
      Math.random,
    );
    await expect(failing).rejects.toThrow('_mqtt._tcp.example.org has no SRV records (querySrv ENOTFOUND)');
    await expect(found([record('.', 0, 0)], Math.random)).rejects.toThrow('_mqtt._tcp.example.org names no broker');
    await expect(found([record('', 0, 0)], Math.random)).rejects.toThrow('names no broker');
  });
});
