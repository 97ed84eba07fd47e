import { readFileSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { certificates } from '../../../../test/support/certificates.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { connect, transportTo } from '../connect.js';
import { Deferred } from '../deferred.js';
import { ConnectionFailed, ConnectTimeout } from '../errors.js';
import type { ConnectOptions } from '../options.js';
import type { Transport } from '../transport.js';
import { SocksFailure } from './socks.js';
import { type SocksBehaviour, SocksServer } from './socks-server.test-support.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function proxy(behaviour?: SocksBehaviour): Promise<SocksServer> {
  const server = await SocksServer.start(behaviour);
  closing.push(() => server.close());
  return server;
}

/** The port of a server that sends back what it gets. */
async function listen(server: Server): Promise<number> {
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

function echo(socket: Socket): void {
  socket.on('error', () => {});
  socket.pipe(socket);
}

function echoServer(): Promise<number> {
  return listen(createServer(echo));
}

function overWebSocket(server: Server): Server {
  const webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' });
  webSockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  server.on('upgrade', (request, socket, head) =>
    webSockets.handleUpgrade(request, socket, head, (webSocket) => webSockets.emit('connection', webSocket, request)),
  );
  return server;
}

/** What comes back of one message, and what became of the stream. */
function say(url: string, text: string, options: ConnectOptions): Promise<string> {
  const said = new Deferred<string>();
  const transport: Transport = transportTo(
    new URL(url),
    options,
  )({
    opened: () => transport.write(Buffer.from(text)),
    data: (bytes, length) => {
      said.resolve(Buffer.from(bytes.subarray(0, length)).toString());
      transport.destroy();
    },
    drained: () => {},
    closed: (error) => said.reject(error ?? new Error('It was closed')),
  });
  return said.promise;
}

function through(server: SocksServer, { scheme = 'socks5h', login = '' } = {}): ConnectOptions {
  return { network: { proxy: `${scheme}://${login}127.0.0.1:${server.port}` } };
}

/** Why there is no way through it. */
async function failure(behaviour: SocksBehaviour, login = ''): Promise<string> {
  const server = await proxy(behaviour);
  const error: Error = await say('mqtt://there:1883', 'x', through(server, { login })).then(
    (said) => new Error(`There is a way: ${said}`),
    (reason) => reason,
  );
  await server.left; // it is not left behind open
  expect(error).toBeInstanceOf(SocksFailure);
  const [, message = error.message] = /^SOCKS proxy 127\.0\.0\.1:\d+: (.*)$/.exec(error.message) ?? [];
  return message;
}

describe('through a SOCKS proxy', () => {
  it('MQTT goes over TCP, and the proxy looks up the name', async () => {
    const server = await proxy();
    expect(await say(`mqtt://there.example:${await echoServer()}`, 'hello', through(server))).toBe('hello');
    expect(server.asked).toEqual(['there.example']);
  });

  it('names are looked up here for socks5:, IPv4 before IPv6', async () => {
    const server = await proxy();
    const port = await echoServer();
    expect(await say(`mqtt://localhost:${port}`, 'hello', through(server, { scheme: 'socks5' }))).toBe('hello');
    expect(server.asked).toEqual(['127.0.0.1']);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:db8::1]', '20010db8000000000000000000000001'],
    ['[::ffff:192.0.2.7]', '00000000000000000000ffffc0000207'],
    ['[::]', '00000000000000000000000000000000'],
    ['m%C3%BCller.example', 'xn--mller-kva.example'],
  ])('%s goes to the proxy as %s', async (host, asked) => {
    const server = await proxy();
    await say(`mqtt://${host}:${await echoServer()}`, 'hello', through(server));
    expect(server.asked).toEqual([asked]);
  });

  it.runIf(areInstalled('openssl'))('TLS goes to the server, whose certificate is that of its name', async () => {
    const server = await proxy();
    const { caFile, certFile, keyFile } = await certificates();
    const tls = { ca: readFileSync(caFile) };
    const pem = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    const port = await listen(createTlsServer(pem, echo));
    expect(await say(`mqtts://localhost:${port}`, 'hello', { ...through(server), tls })).toBe('hello');
    await expect(say(`mqtts://elsewhere:${port}`, 'hello', { ...through(server), tls })).rejects.toThrow(
      'is not for elsewhere',
    );
  });

  it('a WebSocket goes through', async () => {
    const { createServer: createHttpServer } = await import('node:http');
    const server = await proxy();
    const port = await listen(overWebSocket(createHttpServer()));
    expect(await say(`ws://there:${port}`, 'hello', through(server))).toBe('hello');
    expect(server.asked).toEqual(['there']);
  });

  it.runIf(areInstalled('openssl'))('a WebSocket with TLS goes through', async () => {
    const { createServer: createHttpsServer } = await import('node:https');
    const { caFile, certFile, keyFile } = await certificates();
    const server = await proxy();
    const pem = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    const port = await listen(overWebSocket(createHttpsServer(pem)));
    const tls = { ca: readFileSync(caFile) };
    expect(await say(`wss://localhost:${port}`, 'hello', { ...through(server), tls })).toBe('hello');
  });

  it('user name and password are shown when the proxy asks for them', async () => {
    const server = await proxy({ user: { username: 'änna', password: 's:cret' } });
    const login = `${encodeURIComponent('änna')}:s%3Acret@`;
    expect(await say(`mqtt://there:${await echoServer()}`, 'hello', through(server, { login }))).toBe('hello');
  });

  it('they are kept from a proxy that does not ask', async () => {
    const server = await proxy();
    expect(await say(`mqtt://there:${await echoServer()}`, 'hello', through(server, { login: 'a:b@' }))).toBe('hello');
  });

  it.each([
    ['in single bytes', { dribbles: true }],
    ['with a name', { boundAddress: [3, 5, ...Buffer.from('proxy')] }],
    ['with an IPv6 address', { boundAddress: [4, ...new Array<number>(16).fill(9)] }],
  ])('answers may come %s', async (_, behaviour) => {
    const server = await proxy(behaviour);
    expect(await say(`mqtt://there:${await echoServer()}`, 'hello', through(server))).toBe('hello');
  });

  it('nothing is lost of a server that speaks at once', async () => {
    const server = await proxy({ hurriedServer: Buffer.from('first') });
    expect(await say(`mqtt://there:${await echoServer()}`, '', through(server))).toBe('first');
  });

  it('the same way is gone again and again', async () => {
    const server = await proxy();
    const port = await echoServer();
    for (const text of ['a', 'b']) expect(await say(`mqtt://there:${port}`, text, through(server))).toBe(text);
  });
});

describe('a SOCKS proxy that is no help', () => {
  it('cannot be reached', async () => {
    const server = await proxy();
    const options = through(server);
    server.close();
    await expect(say('mqtt://there', '', options)).rejects.toThrow(
      /^SOCKS proxy 127\.0\.0\.1:\d+: it cannot be reached: connect ECONNREFUSED/,
    );
  });

  it.each<[string, SocksBehaviour, string?]>([
    ['it wants a user name and a password', { method: 0xff }],
    ['it wants another proof than a user name and a password', { method: 0xff }, 'a:b@'],
    ['it chose a method that it was not offered', { method: 2 }],
    ['it chose a method that it was not offered', { method: 1 }, 'a:b@'],
    ['it does not accept the user name or the password', { user: { username: 'a', password: 'b' } }, 'a:x@'],
    ['it cannot connect to there:1883: it does not say why (general failure)', { reply: 1 }],
    ['it cannot connect to there:1883: its rules do not allow it', { reply: 2 }],
    ['it cannot connect to there:1883: the network cannot be reached', { reply: 3 }],
    ['it cannot connect to there:1883: the host cannot be reached', { reply: 4 }],
    ['it cannot connect to there:1883: nothing listens there (connection refused)', { reply: 5 }],
    ['it cannot connect to there:1883: the way is too long (TTL expired)', { reply: 6 }],
    ['it cannot connect to there:1883: it does not do that (command not supported)', { reply: 7 }],
    ['it cannot connect to there:1883: it does not take this kind of address', { reply: 8 }],
    ['it cannot connect to there:1883: reply 99', { reply: 99 }],
    ['it answers with an address of the unknown type 2', { boundAddress: [2, 0] }],
    ['it does not speak SOCKS 5, but HTTP, as it seems', { greeting: 'HTTP/1.1 400 Bad Request\r\n\r\n' }],
    ['it does not speak SOCKS 5', { greeting: Uint8Array.of(0, 91) }],
    ['it does not speak SOCKS 5', { greeting: Uint8Array.of(5, 0, 4, 0, 0, 1) }],
    ['it does not speak SOCKS 5', { greeting: 'x'.repeat(100_000) }],
    ['it closed the connection before it was done', { leavesAfter: 0 }],
    ['it closed the connection before it was done', { leavesAfter: 1 }],
    ['it closed the connection before it was done', { leavesAfter: 5 }],
    ['it closed the connection before it was done', { leavesAfter: 8 }],
  ])('says that %s (%#)', async (message, behaviour, login) => {
    expect(await failure(behaviour, login)).toBe(message);
  });

  it('says so to whoever connects', async () => {
    const error = await connect('mqtt://there', through(await proxy({ reply: 5 }))).catch((reason) => reason);
    expect(error).toBeInstanceOf(ConnectionFailed);
    expect(error.message).toMatch(/^The server cannot be reached: SOCKS proxy .* nothing listens there/);
  });

  it('is not waited for longer than for a server', async () => {
    const server = await proxy({ isSilent: true });
    const options = { ...through(server), connectTimeoutMs: 50 };
    await expect(connect('mqtt://there', options)).rejects.toBeInstanceOf(ConnectTimeout);
    await server.left;
  });

  it('is left at once by whoever gives up', async () => {
    const server = await proxy({ isSilent: true });
    const closed = new Deferred<Error | null>();
    const transport = transportTo(
      new URL('mqtts://there'),
      through(server),
    )({ opened: () => {}, data: () => {}, drained: () => {}, closed: closed.resolve });
    transport.destroy();
    expect(await closed.promise).toBeNull();
  });
});

describe('options of the network', () => {
  it.each([
    [{ proxy: 'http://there' }, 'network.proxy begins with socks5h: or socks5:, not http:'],
    [{ proxy: 'there' }, 'network.proxy is no URL'],
    [{ proxy: 'socks5h:' }, 'network.proxy names no host'],
    [{ proxy: `socks5h://${'a'.repeat(256)}@there` }, 'The user name in network.proxy is longer than the 255 bytes'],
    [{ localAddress: 'here' }, 'network.localAddress is an address of this machine, not "here"'],
  ])('%j: %s', async (network, message) => {
    expect(() => transportTo(new URL('mqtt://there'), { network })).toThrow(TypeError);
    expect(() => transportTo(new URL('mqtt://there'), { network })).toThrow(message);
    await expect(connect('mqtt://there', { network })).rejects.toThrow(message);
  });

  it('a Unix socket has no proxy', () => {
    expect(() => transportTo(new URL('unix:/run/mqtt'), { network: { proxy: 'socks5h://there' } })).toThrow(
      'There is no proxy to a Unix socket',
    );
  });

  it.runIf(areInstalled('openssl')).each(['mqtts', 'ws', 'wss'])(
    '%s: waits for more to send when it may',
    async (scheme) => {
      const { caFile, certFile, keyFile } = await certificates();
      const pem = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
      const servers: Record<string, () => Promise<Server>> = {
        mqtts: async () => createTlsServer(pem, echo),
        ws: async () => overWebSocket((await import('node:http')).createServer()),
        wss: async () => overWebSocket((await import('node:https')).createServer(pem)),
      };
      const url = `${scheme}://localhost:${await listen(await servers[scheme]())}`;
      const tls = { ca: readFileSync(caFile) };
      const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
      for (const noDelay of [true, false]) {
        setNoDelay.mockClear();
        expect(await say(url, 'hello', { tls, network: { noDelay } })).toBe('hello');
        expect(setNoDelay.mock.calls.at(-1)?.[0] ?? true).toBe(noDelay);
      }
      setNoDelay.mockRestore();
    },
  );

  it.runIf(process.platform === 'linux').each(['mqtt', 'mqtts', 'ws', 'wss'])(
    '%s: comes from the address that was chosen',
    async (scheme) => {
      const from = new Deferred<string | undefined>();
      const port = await listen(
        createServer((socket) => {
          from.resolve(socket.remoteAddress);
          socket.destroy();
        }),
      );
      const options = { network: { localAddress: '127.0.0.9' } };
      await expect(say(`${scheme}://127.0.0.1:${port}`, '', options)).rejects.toBeInstanceOf(Error);
      expect(await from.promise).toBe('127.0.0.9');
    },
  );
});
