import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { BrokerConfig } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { systemMemory } from '../system.js';
import { type Server, startServer } from './server.js';
import { StartError } from './start-error.js';

const CONNECT_V4 = Buffer.from('100e00044d5154540402000000026162', 'hex');
const PINGREQ = Buffer.from('c000', 'hex');
const PINGRESP = Buffer.from('d000', 'hex');
const CONNACK_V4 = Buffer.from('20020000', 'hex');

const LISTENER = 'listener 0 127.0.0.1';

let servers: Server[] = [];

function config(...lines: string[]): BrokerConfig {
  return readConfig(['log_dest none', ...lines].join('\n'), 'test.conf');
}

async function start(...lines: string[]): Promise<Server> {
  const server = await startServer(config(...lines));
  servers.push(server);
  return server;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answerTo(bytes: Uint8Array, port: number, host: string): Promise<Buffer> {
  const socket = connect({ port, host });
  socket.write(bytes);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  return answer as Buffer;
}

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

describe('a server', () => {
  it('serves MQTT on each listener that is configured', async () => {
    const { endpoints } = await start(
      'allow_anonymous true',
      'listener 0 127.0.0.1',
      'listener 0 localhost',
      'socket_domain ipv4',
    );
    expect(endpoints.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1']);
    for (const { address, port } of endpoints) {
      expect(await answerTo(CONNECT_V4, port, address)).toEqual(CONNACK_V4);
    }
  });

  it('opens all addresses of a listener without one on the same port', async () => {
    const { endpoints } = await start('allow_anonymous true', 'listener 0');
    expect(endpoints[0].address).toBe('0.0.0.0');
    expect(new Set(endpoints.map(({ port }) => port)).size).toBe(1);
    expect(await answerTo(CONNECT_V4, endpoints[0].port, '127.0.0.1')).toEqual(CONNACK_V4);
  });

  it('holds to the policy of each listener', async () => {
    const { endpoints } = await start('listener 0 127.0.0.1', 'listener_allow_anonymous true', 'listener 0 127.0.0.1');
    const answers = await Promise.all(endpoints.map(({ port }) => answerTo(CONNECT_V4, port, '127.0.0.1')));
    expect(answers.map((answer) => answer[3])).toEqual([0, 5]);
  });

  it('says what to do when a port is in use, and closes those that it had opened', async () => {
    const { endpoints } = await start('listener 0 127.0.0.1');
    const [free, taken] = [await freePort(), endpoints[0].port];
    const failing = start(`listener ${free} 127.0.0.1`, `listener ${taken} 127.0.0.1`);
    await expect(failing).rejects.toThrow(StartError);
    await expect(failing).rejects.toThrow(new RegExp(`^Port ${taken} on 127.0.0.1 is in use.*-p ${taken + 1}`));
    const { endpoints: again } = await start(`listener ${free} 127.0.0.1`);
    expect(again[0].port).toBe(free);
  });

  it('names an address that is not one of this machine', async () => {
    await expect(start('listener 0 192.0.2.1')).rejects.toThrow('192.0.2.1 is not an address of this machine');
  });

  it('names a host that does not exist', async () => {
    await expect(start('listener 0 nowhere.invalid')).rejects.toThrow("'nowhere.invalid' cannot be found");
  });

  it('names a log file that cannot be opened', async () => {
    const failing = startServer(readConfig('log_dest file /nowhere/a.log', 'test.conf'));
    await expect(failing).rejects.toThrow(/^The log file cannot be opened: .*nowhere/);
  });

  it('closes ports and connections when it stops', async () => {
    const server = await startServer(config('allow_anonymous true', 'listener 0 127.0.0.1'));
    const [{ port }] = server.endpoints;
    const socket = connect(port, '127.0.0.1');
    socket.write(CONNECT_V4);
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await server.stop();
    await closed;
    const [error] = await once(connect(port, '127.0.0.1'), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a reload', () => {
  const anonymous = 'allow_anonymous true';

  it('takes over settings', async () => {
    const server = await start('listener 0 127.0.0.1', 'max_keepalive 60');
    await server.reload(config('listener 0 127.0.0.1', 'max_keepalive 30'));
    expect(server.broker.settings.maxKeepAliveS).toBe(30);
  });

  it('leaves open what is still asked for, with its connections, and its port where any free one was asked for', async () => {
    const server = await start(anonymous, 'listener 0 127.0.0.1');
    const [{ port }] = server.endpoints;
    const client = connect(port, '127.0.0.1');
    client.write(CONNECT_V4);
    await once(client, 'data');
    await server.reload(config(anonymous, 'listener 0 127.0.0.1', 'max_connections 5'));
    expect(server.endpoints).toEqual([{ address: '127.0.0.1', port }]);
    client.write(PINGREQ);
    expect((await once(client, 'data'))[0]).toEqual(PINGRESP);
    client.destroy();
  });

  it('opens what is new, and closes what is gone', async () => {
    const port = await freePort();
    const server = await start(anonymous, 'listener 0 127.0.0.1');
    const [before] = server.endpoints;
    await server.reload(config(anonymous, `listener ${port} 127.0.0.1`));
    expect(server.endpoints).toEqual([{ address: '127.0.0.1', port }]);
    expect(await answerTo(CONNECT_V4, port, '127.0.0.1')).toEqual(CONNACK_V4);
    const [error] = await once(connect(before.port, '127.0.0.1'), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('holds new clients to new rules', async () => {
    const server = await start(anonymous, 'listener 0 127.0.0.1');
    const [{ port }] = server.endpoints;
    await server.reload(config('allow_anonymous false', 'listener 0 127.0.0.1'));
    const answer = await answerTo(CONNECT_V4, port, '127.0.0.1');
    expect(answer).toEqual(Buffer.from('20020005', 'hex'));
  });

  it.each([
    ['a listener is gone', ['allow_anonymous true', 'listener 0 ::1']],
    ['clients without a user name are no longer wanted', ['allow_anonymous false', 'listener 0 127.0.0.1']],
  ])('ends connections when %s', async (_, lines) => {
    const server = await start(anonymous, 'listener 0 127.0.0.1');
    const client = connect(server.endpoints[0].port, '127.0.0.1');
    client.write(CONNECT_V4);
    await once(client, 'data');
    const ended = once(client, 'close');
    await server.reload(config(...lines));
    await ended;
  });

  it('moves a port from all addresses to one of them', async () => {
    const port = await freePort();
    const server = await start(anonymous, `listener ${port}`, 'socket_domain ipv4');
    await server.reload(config(anonymous, `listener ${port} 127.0.0.1`));
    expect(server.endpoints).toEqual([{ address: '127.0.0.1', port }]);
    expect(await answerTo(CONNECT_V4, port, '127.0.0.1')).toEqual(CONNACK_V4);
  });

  it.each([
    ['an address that this machine does not have', 'listener 1 192.0.2.1'],
    ['a log file that cannot be opened', 'log_dest file /nowhere/a.log'],
  ])('that asks for %s is refused as a whole, and everything is as before', async (_, line) => {
    const port = await freePort();
    const server = await start(anonymous, `listener ${port}`, 'socket_domain ipv4');
    const changed = readConfig(['max_keepalive 9', `listener ${port} 127.0.0.1`, line].join('\n'), 'test.conf');
    await expect(server.reload(changed)).rejects.toThrow(StartError);
    expect(server.endpoints).toEqual([{ address: '0.0.0.0', port }]);
    expect(server.broker.settings.maxKeepAliveS).toBe(0);
    expect(await answerTo(CONNECT_V4, port, '127.0.0.1')).toEqual(CONNACK_V4);
  });

  it('is refused with less memory_limit than is in use, but not for what was in use before', async () => {
    systemMemory.collect();
    const limit = systemMemory.usedBytes() + 40_000_000;
    const server = await start(LISTENER, `memory_limit ${limit}`);
    const ballast = new Uint8Array(60_000_000);
    await server.reload(config(LISTENER, `memory_limit ${limit}`));
    await server.reload(config(LISTENER, `memory_limit ${limit + 1000}`));
    await expect(server.reload(config(LISTENER, `memory_limit ${limit}`))).rejects.toThrow('memory_limit is');
    expect(server.broker.settings.memoryLimitBytes).toBe(limit + 1000);
    expect(ballast).toHaveLength(60_000_000);
    await expect(start(LISTENER, 'memory_limit 1M')).rejects.toThrow('the broker needs');
  });

  it('follows the one before it, and the last one counts', async () => {
    const server = await start('listener 0 127.0.0.1');
    const reloads = [1, 2, 3].map((seconds) =>
      server.reload(config('listener 0 127.0.0.1', `max_keepalive ${seconds}`, `listener 0 127.0.0.${seconds}`)),
    );
    await Promise.all(reloads);
    expect(server.broker.settings.maxKeepAliveS).toBe(3);
    expect(server.endpoints.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.3']);
  });
});
