import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { RecordingHandler, Watch } from '../../../../test/contract/link.js';
import { openListener, SocketPeer, socketPath, type TestListener } from '../../../../test/contract/link-peers.js';
import { Family, ipv4Ends, proxyHeader2 } from '../../../../test/support/proxy-headers.js';
import { probeHandles } from './accepted-socket.js';
import { Listener, type ListenerOptions } from './listener.js';
import type { ProxyRules } from './proxy-gate.js';
import { ListenerTls } from './tls-socket.js';

const PROXY_RULES: ProxyRules = { version: 1, requireTls: false, requireCertificate: false, timeoutMs: 30_000 };

/** What Node has below a server. */
interface Handle {
  readonly fd: number;
  getsockname(name: { port: number }): void;
}

const WAITING = 1200;
/** Says when so many connections are there. */
const CONNECT_ALL = `
  const { connect } = require('node:net');
  const { result, port, WAITING } = require('node:worker_threads').workerData;
  let count = 0;
  for (let i = 0; i < WAITING; i++) {
    connect(port, '127.0.0.1', () => {
      if (++count < WAITING) return;
      result[0] = count;
      Atomics.notify(result, 0);
    }).on('error', () => {});
  }
`;

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

/** For what no handler is told. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

it('reads in place and writes past streams on the Node versions that are supported', async () => {
  const { readsInPlace, writes } = await probeHandles();
  expect(readsInPlace).toBe(true);
  expect(writes).not.toBeNull();
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

describe('a listener that is reconfigured while it is open', () => {
  it('bounds new connections anew, and keeps those that are there', async () => {
    const { listener, handlers, watch } = await open({ maxConnections: 2 });
    const peers = [new SocketPeer(watch, listener.localPort), new SocketPeer(watch, listener.localPort)];
    await watch.until(() => handlers.length === 2);
    listener.reconfigure({ maxConnections: 1 });
    const refused = new SocketPeer(watch, listener.localPort);
    await watch.until(() => refused.isClosed);
    expect(peers.map(({ isClosed }) => isClosed)).toEqual([false, false]);
    listener.reconfigure({ maxConnections: 3 });
    new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 3);
  });

  it.each(['in-place', 'events'] as const)('asks for PROXY headers from then on, reading %s', async (reads) => {
    const { listener, handlers, watch } = await open({ reads });
    const before = new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 1);
    listener.reconfigure({ proxy: PROXY_RULES });
    const after = new SocketPeer(watch, listener.localPort);
    after.write(Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 1883\r\nx'));
    await watch.until(() => handlers.length === 2 && handlers[1].readBytes === 1);
    expect(handlers[1].link?.remoteAddress).toBe('192.0.2.7');
    before.write(Buffer.from('y'));
    await watch.until(() => handlers[0].readBytes === 1);
    expect(handlers[0].link?.remoteAddress).toBe('127.0.0.1');
    listener.reconfigure({ proxy: undefined });
    new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 3);
  });
});

describe.each(['in-place', 'events'] as const)('a listener behind a proxy that reads %s', (reads) => {
  const behindProxy = (version: 1 | 2 = 1): Promise<TestListener> =>
    open({ reads, proxy: { ...PROXY_RULES, version } });

  it('has no link for a connection whose header is not there yet, but counts it', async () => {
    const { listener, handlers, watch } = await behindProxy();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('PROXY TCP4 192.0.2.7 '));
    await until(() => listener.connections === 1);
    expect(handlers).toHaveLength(0);
    peer.write(Buffer.from('198.51.100.1 40000 1883\r\n'));
    await watch.until(() => handlers.length === 1);
    expect(handlers[0].link?.remotePort).toBe(40_000);
  });

  it('ends a connection without a header, and says in the log who it was and what came', async () => {
    const { listener, handlers, watch, rejections } = await behindProxy();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('100d00044d51545404020000000161', 'hex'));
    await until(() => peer.isClosed && listener.connections === 0);
    const line = /^Connection from 127\.0\.0\.1:\d+ rejected: no PROXY header of version 1 came.* an MQTT CONNECT/;
    expect(rejections).toEqual([expect.stringMatching(line)]);
    expect(handlers).toHaveLength(0);
  });

  it('says so when a connection ends in the middle of its header', async () => {
    const { listener, watch, rejections } = await behindProxy();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('PROXY'));
    peer.close();
    await until(() => peer.isClosed && listener.connections === 0);
    expect(rejections).toEqual([expect.stringContaining('in the middle of the PROXY header')]);
  });

  it('says nothing of a check that connects and goes', async () => {
    const { listener, handlers, watch, rejections } = await behindProxy(2);
    const silent = new SocketPeer(watch, listener.localPort);
    silent.close();
    const local = new SocketPeer(watch, listener.localPort);
    local.write(proxyHeader2({ command: 0x20, family: Family.UNSPECIFIED, ends: new Uint8Array(0) }));
    local.close();
    await until(() => silent.isClosed && local.isClosed && listener.connections === 0);
    expect(rejections).toEqual([]);
    expect(handlers).toHaveLength(0);
  });

  it('takes a proxy that speaks for itself by its own address', async () => {
    const { listener, handlers, watch } = await behindProxy(2);
    const local = new SocketPeer(watch, listener.localPort);
    local.write(proxyHeader2({ command: 0x20, family: Family.UNSPECIFIED, ends: new Uint8Array(0) }));
    local.write(Buffer.from('x'));
    await watch.until(() => handlers[0]?.readBytes === 1);
    expect(handlers[0].link?.remoteAddress).toBe('127.0.0.1');
  });

  it('calls a client that may not come in by the address that the proxy tells', async () => {
    const { listener, handlers, watch, rejections } = await open({
      reads,
      proxy: { ...PROXY_RULES, version: 2, requireTls: true },
    });
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(proxyHeader2({ family: Family.TCP4, ends: ipv4Ends() }));
    await watch.until(() => peer.isClosed);
    expect(rejections).toEqual([
      expect.stringMatching(/^Connection from 192\.0\.2\.7:40000 rejected: the client does not speak TLS/),
    ]);
    expect(handlers).toHaveLength(0);
  });

  it('delivers nothing more to a handler that ended the link as soon as it got it', async () => {
    const watch = new Watch();
    const ended = new RecordingHandler(watch);
    const listener = await Listener.open(
      {
        address: '127.0.0.1',
        port: 0,
        maxConnections: 10,
        noDelay: true,
        reads,
        proxy: PROXY_RULES,
        maxWebSocketMessageBytes: () => 1000,
        onWarning: () => {},
      },
      (link) => {
        link.end();
        return ended;
      },
    );
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('PROXY UNKNOWN\r\nx'));
    await watch.until(() => peer.isClosed && ended.closes === 1);
    expect(ended.reads).toEqual([]);
    listener.close();
  });

  it('ends what waits for a header when it is closed', async () => {
    const { listener, watch } = await behindProxy();
    const peer = new SocketPeer(watch, listener.localPort);
    await until(() => listener.connections === 1);
    listener.close();
    await until(() => peer.isClosed && listener.connections === 0);
  });
});

it('refuses to speak TLS and to be told of it by a proxy', async () => {
  const { listener } = await open({ proxy: PROXY_RULES });
  const psk = { hint: '', byIdentity: new Map() };
  const ciphers = { ciphers: null, ciphersOfTls13: null, dhParameters: null, minVersion: 'TLSv1.2' } as const;
  const tls = new ListenerTls({ certificates: [], clients: null, psk, keyLog: null, ...ciphers });
  expect(() => listener.reconfigure({ tls })).toThrow('TLS');
  await expect(open({ proxy: PROXY_RULES, tls })).rejects.toThrow('TLS');
});

it('takes over a socket that listens already, and knows its port', async () => {
  // What systemd does for a service, Node does only for itself.
  const createHandle = Reflect.get(net, '_createServerHandle') as (address: string, port: number, type: 4) => Handle;
  const handle = createHandle('127.0.0.1', 0, 4);
  const bound = { port: 0 };
  handle.getsockname(bound);
  const { listener, handlers, watch } = await open({ fd: handle.fd, path: null });
  expect(listener.localPort).toBe(bound.port);
  new SocketPeer(watch, listener.localPort);
  await watch.until(() => handlers.length === 1);
});

it('says in its warning where a Unix socket is that has no room', async () => {
  const path = socketPath();
  const { watch, warnings } = await open({ path, mode: 0o700, maxConnections: 0 });
  const refused = new SocketPeer(watch, path);
  await watch.until(() => refused.isClosed);
  expect(warnings).toEqual([
    expect.stringContaining(`Client connection from ${path} denied: max_connections exceeded`),
  ]);
});

it('lets far more connections wait than come in one turn, as when all clients come back at once', async (context) => {
  const limit = '/proc/sys/net/core/somaxconn';
  if (!existsSync(limit) || Number(readFileSync(limit, 'utf8')) < WAITING) context.skip();
  const { listener } = await open();
  const result = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(CONNECT_ALL, { eval: true, workerData: { result, port: listener.localPort, WAITING } });
  // Nothing is accepted meanwhile.
  Atomics.wait(result, 0, 0, 10_000);
  expect(result[0]).toBe(WAITING);
  await worker.terminate();
});
