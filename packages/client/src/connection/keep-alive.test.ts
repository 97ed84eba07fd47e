import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { KeepAliveTimeout } from '../errors.js';
import { connack, connected, publish, turn } from '../scripted-server.test-support.js';

const PINGREQ = { type: PacketType.PINGREQ };
const PINGRESP = { type: PacketType.PINGRESP };

describe('keep-alive', () => {
  it('[MQTT-3.1.2-20] sends a PINGREQ when nothing was sent for nine tenths of the interval', async () => {
    const { client, server } = await connected({ keepAliveSeconds: 10 });
    await server.clock.advance(8_999);
    expect(server.take()).toEqual([]);
    await server.clock.advance(1);
    expect(server.take()).toEqual([PINGREQ]);
    await server.send(PINGRESP);
    await server.clock.advance(8_999);
    expect(server.take()).toEqual([]);
    await server.clock.advance(1);
    expect(server.take()).toEqual([PINGREQ]);
    await client.publish('a', 'still open');
  });

  it('sends none while there is traffic both ways', async () => {
    const { client, server } = await connected({ keepAliveSeconds: 10 });
    for (let i = 0; i < 10; i++) {
      await server.clock.advance(5_000);
      await client.publish('a', 'x');
      await server.send(publish('b', 'y'));
    }
    expect(server.take().filter(({ type }) => type === PacketType.PINGREQ)).toEqual([]);
  });

  it('probes a server that is silent, although we send', async () => {
    const { client, server } = await connected({ keepAliveSeconds: 10 });
    for (let i = 0; i < 4; i++) {
      await server.clock.advance(3_000);
      await client.publish('a', 'x');
    }
    expect(server.take()).toContainEqual(PINGREQ);
  });

  it('gives a server up that stays silent after the PINGREQ', async () => {
    const { client, server } = await connected({ keepAliveSeconds: 10, pingTimeoutMs: 3_000 });
    await server.clock.advance(11_999);
    expect(server.destroyed).toBe(false);
    await server.clock.advance(1);
    expect(server.destroyed).toBe(true);
    expect(await client.closed).toBeInstanceOf(KeepAliveTimeout);
  });

  it('takes any byte as a sign of life', async () => {
    const { server } = await connected({ keepAliveSeconds: 10, pingTimeoutMs: 3_000 });
    await server.clock.advance(11_000);
    await server.sendBytes(Uint8Array.of(0x30));
    await server.clock.advance(5_000);
    expect(server.destroyed).toBe(false);
  });

  it('[MQTT-3.1.2-21] uses the interval of the server', async () => {
    const { server } = await connected({ keepAliveSeconds: 10 }, connack({ serverKeepAlive: 2 }));
    await server.clock.advance(1_800);
    expect(server.take()).toEqual([PINGREQ]);
  });

  it('is off with 0', async () => {
    const { server } = await connected({ keepAliveSeconds: 0 });
    await server.clock.advance(100_000_000);
    expect(server.take()).toEqual([]);
    expect(server.destroyed).toBe(false);
  });

  it('does not blame the server for what we do not read', async () => {
    const { client, server } = await connected({ keepAliveSeconds: 10, pingTimeoutMs: 3_000 });
    client.pause();
    expect(server.paused).toBe(true);
    await server.clock.advance(60_000);
    expect(server.take()).toContainEqual(PINGREQ);
    expect(server.destroyed).toBe(false);
    client.resume();
    await server.clock.advance(2_999);
    expect(server.destroyed).toBe(false);
    await server.clock.advance(1);
    expect(server.destroyed).toBe(true);
    await turn();
    expect(await client.closed).toBeInstanceOf(KeepAliveTimeout);
  });
});
