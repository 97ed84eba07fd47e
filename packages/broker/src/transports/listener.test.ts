import { afterEach, describe, expect, it } from 'vitest';
import { openListener, SocketPeer, type TestListener } from '../../../../test/contract/link-peers.js';
import { canReadInPlace } from './accepted-socket.js';
import type { ListenerOptions } from './listener.js';

let opened: TestListener[] = [];

async function open(options: Partial<ListenerOptions> = {}): Promise<TestListener> {
  const listener = await openListener(options);
  opened.push(listener);
  return listener;
}

afterEach(async () => {
  for (const { listener, handlers, watch } of opened) {
    listener.close();
    for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
    await watch.until(() => handlers.every((handler) => handler.closes > 0));
  }
  opened = [];
});

it('reads in place on the Node versions that are supported', async () => {
  expect(await canReadInPlace()).toBe(true);
});

describe.each(['in-place', 'events'] as const)('a listener that reads %s', (reads) => {
  it('has a link for a connection that says nothing', async () => {
    const { listener, handlers, watch } = await open({ reads });
    new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 1);
    expect(listener.connections).toBe(1);
    expect(handlers[0].link?.transport).toBe('tcp');
    expect(handlers[0].link?.localPort).toBe(listener.localPort);
  });

  it('closes connections beyond max_connections, warns once, and takes others when there is room again', async () => {
    const { listener, handlers, watch, warnings } = await open({ reads, maxConnections: 1 });
    const first = new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 1);
    const refused = [new SocketPeer(watch, listener.localPort), new SocketPeer(watch, listener.localPort)];
    await watch.until(() => refused.every((peer) => peer.isClosed));
    expect(warnings).toEqual([expect.stringContaining('max_connections')]);
    first.close();
    await watch.until(() => handlers[0].closes === 1);
    expect(listener.connections).toBe(0);
    new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 2);
  });

  it('keeps its links when it is closed, and takes no more', async () => {
    const { listener, handlers, watch } = await open({ reads });
    const peer = new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 1);
    listener.close();
    const late = new SocketPeer(watch, listener.localPort);
    await watch.until(() => late.isClosed);
    peer.write(Uint8Array.of(0x10));
    await watch.until(() => handlers[0].readBytes === 1);
    expect(handlers).toHaveLength(1);
  });
});

it('shares max_connections with the listeners that share its count', async () => {
  const count = { live: 0 };
  const one = await open({ count, maxConnections: 1 });
  const other = await open({ count, maxConnections: 1 });
  new SocketPeer(one.watch, one.listener.localPort);
  await one.watch.until(() => one.handlers.length === 1);
  const refused = new SocketPeer(other.watch, other.listener.localPort);
  await other.watch.until(() => refused.isClosed);
  expect(other.handlers).toHaveLength(0);
});

it('rejects with the error of the system when the port is taken', async () => {
  const { listener } = await open();
  await expect(open({ port: listener.localPort })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
