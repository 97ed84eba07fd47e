import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { ConnectionClosed, ConnectionFailed, KeepAliveTimeout } from './errors.js';
import type { ConnectOptions } from './options.js';
import { connectBy, type Platform, startBy } from './platform.js';
import { connack, failureOf, ScriptedServer, turn } from './scripted-server.test-support.js';
import type { TransportEvents, TransportFactory } from './transport.js';

/** A platform whose servers are this one, and which wakes its clients when the test says so. */
class TestPlatform implements Platform {
  readonly server = new ScriptedServer(5);
  readonly clock = this.server.clock;
  /** Where connections went. */
  readonly urls: string[] = [];
  wake: (() => void) | null = null;

  readonly transportTo = (url: URL): TransportFactory => {
    if (url.protocol !== 'mqtt:') throw new TypeError('Not here');
    return (events: TransportEvents) => {
      this.urls.push(url.href);
      return this.server.open(events);
    };
  };

  readonly wakeUps = (wake: () => void): (() => void) => {
    this.wake = wake;
    return () => {
      this.wake = null;
    };
  };

  async accept(): Promise<void> {
    this.server.events.opened();
    await turn();
    await this.server.send(connack());
  }
}

const SECRET = new TextEncoder().encode('secret');
const URLS = ['mqtt://me:secret@a', 'mqtt://b'];

async function connected(options: ConnectOptions = {}) {
  const platform = new TestPlatform();
  const connecting = connectBy(platform, URLS, options);
  await platform.accept();
  return { platform, server: platform.server, client: await connecting };
}

describe('a client by URL', () => {
  it('says who it is by the URL, unless the options do', async () => {
    const { server } = await connected();
    expect(server.take()).toMatchObject([{ username: 'me', password: SECRET }]);
    const other = await connected({ username: 'you' });
    expect(other.server.take()).toMatchObject([{ username: 'you', password: SECRET }]);
  });

  it('tries the next server when one is not there', async () => {
    const platform = new TestPlatform();
    const client = startBy(platform, URLS, {});
    await platform.server.close();
    await platform.clock.advance(0);
    expect(platform.urls).toEqual(['mqtt://me:secret@a', 'mqtt://b']);
    await platform.accept();
    await client.ready;
    expect(platform.server.take()).toMatchObject([{ type: PacketType.CONNECT, clientId: '' }]);
  });

  it('goes where the server sends it', async () => {
    const { platform, server, client } = await connected();
    const redirect = client.events.once('redirect');
    const properties = { serverReference: 'c:1884' };
    await server.send({ type: PacketType.DISCONNECT, reasonCode: ReasonCode.USE_ANOTHER_SERVER, properties });
    await server.close();
    expect(await redirect).toEqual({ from: 'mqtt://me:secret@a', to: 'mqtt://me:secret@c:1884' });
    expect(platform.urls.at(-1)).toBe('mqtt://me:secret@c:1884');
  });

  it('tries each server once for the first connection, and goes on trying if it is started in the background', async () => {
    const platform = new TestPlatform();
    const failure = failureOf(connectBy(platform, URLS, {}));
    const nobodyThere = async () => {
      for (const _ of URLS) {
        await platform.server.close(new Error('nobody there'));
        await platform.clock.advance(0);
      }
    };
    await nobodyThere();
    expect(await failure).toBeInstanceOf(ConnectionFailed);

    const client = startBy(platform, URLS, { reconnect: { minDelayMs: 100, maxDelayMs: 100 } });
    for (let i = 0; i < 5; i++) {
      await platform.server.close(new Error('nobody there'));
      await platform.clock.advance(100);
    }
    expect(client.state).toBe('connecting');
    const once = startBy(platform, URLS, { reconnect: false });
    await nobodyThere();
    expect(await once.closed).toBeInstanceOf(ConnectionFailed);
  });

  it('stops trying when the signal says so', async () => {
    const platform = new TestPlatform();
    const abort = new AbortController();
    const client = startBy(platform, URLS, { signal: abort.signal });
    abort.abort();
    expect(await client.closed).toBeInstanceOf(ConnectionClosed);
    const aborted = connectBy(platform, URLS, { signal: abort.signal });
    await expect(aborted).rejects.toBe(abort.signal.reason);
  });

  it('is refused what makes no sense', async () => {
    const platform = new TestPlatform();
    expect(() => startBy(platform, 'http://a', {})).toThrow(new TypeError('Not here'));
    expect(() => startBy(platform, [], {})).toThrow(TypeError);
    await expect(connectBy(platform, ['mqtt://a', 'http://b'], {})).rejects.toThrow(new TypeError('Not here'));
  });
});

describe('a client that is woken', () => {
  const PINGREQ = { type: PacketType.PINGREQ };

  it('looks whether the server is still there, and gives it up when it is not', async () => {
    const { platform, server, client } = await connected({ reconnect: false, pingTimeoutMs: 3_000 });
    server.take();
    platform.wake?.();
    platform.wake?.();
    await turn();
    expect(server.take()).toEqual([PINGREQ]);
    await platform.clock.advance(3_000);
    expect(await client.closed).toBeInstanceOf(KeepAliveTimeout);
  });

  it('stays connected when the server answers', async () => {
    const { platform, server, client } = await connected({ pingTimeoutMs: 3_000 });
    platform.wake?.();
    await turn();
    await server.send({ type: PacketType.PINGRESP });
    await platform.clock.advance(3_000);
    expect(client.state).toBe('online');
  });

  it('connects at once when it waits for its turn', async () => {
    const { platform, server, client } = await connected({ reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    await server.close();
    expect(client.state).toBe('offline');
    platform.wake?.();
    expect(client.state).toBe('connecting');
    platform.wake?.();
    await platform.accept();
    expect(client.state).toBe('online');
    const connects = platform.urls.length;
    await platform.clock.advance(60_000); // nothing is left of the wait
    expect(platform.urls).toHaveLength(connects);
  });

  it('does not hear of it any more when it is over', async () => {
    const { platform, server, client } = await connected();
    expect(platform.wake).not.toBeNull();
    const done = client.disconnect();
    await turn();
    await server.close();
    await done;
    expect(platform.wake).toBeNull();
  });
});
