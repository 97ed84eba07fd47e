import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openListener, SocketPeer, type TestListener, WebSocketPeer } from '../../../../test/contract/link-peers.js';
import { DEFAULT_WEBSOCKET_RULES, type WebSocketRules } from './websocket.js';

const UPGRADE = [
  'GET /mqtt HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Protocol: mqtt',
  '',
  '',
].join('\r\n');

describe.each(['in-place', 'events'] as const)('WebSocket on an MQTT port that reads %s', (reads) => {
  let opened: TestListener;

  async function open(maxMessageBytes = 1_000_000): Promise<TestListener> {
    opened = await openListener({ reads, maxWebSocketMessageBytes: () => maxMessageBytes });
    return opened;
  }

  async function openWebSocket(subprotocols?: string[], maxMessageBytes?: number) {
    const { watch, listener, handlers } = await open(maxMessageBytes);
    const peer = new WebSocketPeer(watch, listener.localPort, subprotocols);
    await watch.until(() => peer.webSocket.readyState !== WebSocket.CONNECTING);
    return { watch, peer, handler: handlers[0] };
  }

  async function close(): Promise<void> {
    const { listener, handlers, watch } = opened;
    listener.close();
    for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
    await watch.until(() => handlers.every(({ closes }) => closes > 0));
    for (const { violations } of handlers) expect(violations).toEqual([]);
  }

  afterEach(close);

  it('[MQTT-6.0.0-4] selects the subprotocol mqtt', async () => {
    const { peer, handler } = await openWebSocket(['mqttv3.1', 'mqtt']);
    expect(peer.webSocket.protocol).toBe('mqtt');
    expect(handler.link?.transport).toBe('websocket');
  });

  it('selects mqttv3.1 for clients that know nothing else', async () => {
    const { peer } = await openWebSocket(['mqttv3.1']);
    expect(peer.webSocket.protocol).toBe('mqttv3.1');
  });

  it('[MQTT-6.0.0-3] refuses a client that does not offer mqtt, and says what is missing', async () => {
    const { watch, listener } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from(UPGRADE.replace('Sec-WebSocket-Protocol: mqtt\r\n', '')));
    await watch.until(() => peer.isClosed);
    const answer = Buffer.concat(peer.received).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('subprotocol "mqtt"');
  });

  it('[MQTT-6.0.0-1] closes the connection of a client that sends text', async () => {
    const { watch, peer, handler } = await openWebSocket();
    peer.webSocket.send('hello');
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(peer.closeCode).toBe(1003);
    expect(handler.reads).toEqual([]);
    expect(handler.error?.message).toContain('text');
  });

  it('[MQTT-6.0.0-1] sends binary messages', async () => {
    const { watch, peer, handler } = await openWebSocket();
    const kinds: boolean[] = [];
    peer.webSocket.on('message', (_, isBinary) => kinds.push(isBinary));
    handler.with((link) => link.write(Uint8Array.of(0xd0, 0)));
    await watch.until(() => peer.receivedBytes === 2);
    expect(kinds).toEqual([true]);
  });

  it('[MQTT-6.0.0-2] takes packets that are cut anywhere by messages', async () => {
    const { watch, peer, handler } = await openWebSocket();
    const bytes = Buffer.from('c000c000c000', 'hex');
    for (const [from, to] of [
      [0, 1],
      [1, 3],
      [3, 6],
    ]) {
      peer.write(bytes.subarray(from, to));
    }
    await watch.until(() => handler.readBytes === bytes.length);
    expect(Buffer.concat(handler.reads)).toEqual(bytes);
  });

  it('closes the connection of a client whose message is too large', async () => {
    const { watch, peer, handler } = await openWebSocket(['mqtt'], 1000);
    peer.write(new Uint8Array(1001));
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(peer.closeCode).toBe(1009);
    expect(handler.reads).toEqual([]);
  });

  it('upgrades a client whose request comes byte by byte, and whose first message comes with it', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    for (const character of UPGRADE.slice(0, -1)) {
      peer.write(Buffer.from(character));
      await new Promise(setImmediate);
    }
    const maskedPing = Buffer.from('828200000000c000', 'hex');
    peer.write(Buffer.concat([Buffer.from(UPGRADE.slice(-1)), maskedPing]));
    await watch.until(() => handlers[0]?.readBytes === 2 && peer.receivedBytes > 0);
    expect(Buffer.concat(handlers[0].reads)).toEqual(Buffer.of(0xc0, 0));
    expect(Buffer.concat(peer.received).toString('latin1')).toMatch(/^HTTP\/1\.1 101 .*Sec-WebSocket-Protocol: mqtt/s);
  });

  it('explains itself to a browser', async () => {
    const { watch, listener, handlers } = await open();
    const answer = await fetch(`http://127.0.0.1:${listener.localPort}/`);
    expect(answer.status).toBe(426);
    expect(await answer.text()).toContain('This port speaks MQTT');
    await watch.until(() => handlers[0].closes === 1);
    expect(handlers[0].reads).toEqual([]);
  });

  it('refuses a header that is too large', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n`));
    await watch.until(() => peer.isClosed && handlers[0].closes === 1);
    expect(Buffer.concat(peer.received).toString()).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('lets go of a client that does not finish its request when its link is ended', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('GET /mqtt HTTP/1.1\r\nHost:'));
    while (handlers[0]?.link?.transport !== 'websocket') await new Promise(setImmediate);
    handlers[0].with((link) => link.end());
    await watch.until(() => peer.isClosed && handlers[0].closes === 1);
  });

  it('reads bytes that are not HTTP as MQTT, whatever they are', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('EHLO'));
    await watch.until(() => handlers[0]?.readBytes === 4);
    expect(handlers[0].link?.transport).toBe('tcp');
  });

  it('reads a PUBREC as MQTT, although its first byte is that of POST', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('50020001', 'hex'));
    await watch.until(() => handlers[0]?.readBytes === 4);
  });

  it.each(['HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE'])('explains itself to a client that says %s', async (method) => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from(`${method} / HTTP/1.1\r\nHost: broker:1883\r\n\r\n`));
    await watch.until(() => peer.isClosed && handlers[0].closes === 1);
    expect(Buffer.concat(peer.received).toString()).toMatch(/^HTTP\/1\.1 426 /);
    expect(handlers[0].error?.message).toContain('no WebSocket');
  });

  it('names the address that the browser came by, and nothing else that it says', async () => {
    const { watch, listener } = await open();
    const answerTo = async (host: string): Promise<string> => {
      const peer = new SocketPeer(watch, listener.localPort);
      peer.write(Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
      await watch.until(() => peer.isClosed);
      return Buffer.concat(peer.received).toString();
    };
    expect(await answerTo('broker.example:1883')).toContain('ws://broker.example:1883/mqtt');
    expect(await answerTo('[::1]:1883')).toContain('mqtt://[::1]:1883');
    const answer = await answerTo('<script>alert(1)</script>');
    expect(answer).toContain('mqtt://HOST:PORT');
    expect(answer).not.toContain('script');
  });

  describe('with rules', () => {
    async function ask(rules: Partial<WebSocketRules>, request: string) {
      opened = await openListener({ reads, webSocket: { ...DEFAULT_WEBSOCKET_RULES, ...rules } });
      const { watch, listener, handlers } = opened;
      const peer = new SocketPeer(watch, listener.localPort);
      peer.write(Buffer.from(request));
      await watch.until(() => peer.received.length > 0);
      return { watch, peer, handler: handlers[0], answer: Buffer.concat(peer.received).toString() };
    }
    const fromPage = (origin: string) => UPGRADE.replace('Host:', `Origin: ${origin}\r\nHost:`);
    const origins = ['https://example.com', 'http://localhost:8080'];

    it.each(origins)('opens a WebSocket for a page of %s, which is among the origins', async (origin) => {
      const { answer } = await ask({ origins }, fromPage(origin));
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    });

    it.each(['https://example.co', 'https://example.com.evil.test', 'https://EXAMPLE.com', 'null'])(
      'refuses a page of %s, which is not among the origins, and says so',
      async (origin) => {
        const { watch, peer, handler, answer } = await ask({ origins }, fromPage(origin));
        expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n.*websockets_origin/s);
        await watch.until(() => peer.isClosed && handler.closes === 1);
        expect(handler.error?.message).toContain(`'websockets_origin ${origin}'`);
        expect(handler.reads).toEqual([]);
      },
    );

    it('opens a WebSocket for a client that is no browser and names no origin', async () => {
      expect((await ask({ origins }, UPGRADE)).answer).toMatch(/^HTTP\/1\.1 101 /);
    });

    it('opens a WebSocket at the path of the rules, with a query or without', async () => {
      expect((await ask({ path: '/mqtt' }, UPGRADE)).answer).toMatch(/^HTTP\/1\.1 101 /);
      await close();
      expect((await ask({ path: '/mqtt' }, UPGRADE.replace('/mqtt', '/mqtt?a=b'))).answer).toMatch(/^HTTP\/1\.1 101 /);
    });

    it.each(['/', '/mqtt/', '/MQTT', '/mqtt2', '*'])(
      'refuses a WebSocket at %s, and names the right path',
      async (path) => {
        const { watch, handler, answer } = await ask({ path: '/mqtt' }, UPGRADE.replace('/mqtt', path));
        expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n.*\/mqtt\.\n$/s);
        await watch.until(() => handler.closes === 1);
        expect(handler.error?.message).toContain('websockets_path');
      },
    );

    it('refuses a header that is larger than the rules say, and names the option', async () => {
      const { watch, handler, answer } = await ask(
        { maxHeaderBytes: 512 },
        UPGRADE.replace('Host:', `X: ${'x'.repeat(600)}\r\nHost:`),
      );
      expect(answer).toMatch(/^HTTP\/1\.1 431 /);
      await watch.until(() => handler.closes === 1);
      expect(handler.error?.message).toContain('packet_buffer_size');
    });

    it('follows rules that changed while the listener is open', async () => {
      const { watch, listener } = await open();
      new WebSocketPeer(watch, listener.localPort).close();
      listener.reconfigure({ webSocket: { ...DEFAULT_WEBSOCKET_RULES, path: '/elsewhere' } });
      const peer = new SocketPeer(watch, listener.localPort);
      peer.write(Buffer.from(UPGRADE));
      await watch.until(() => peer.isClosed);
      expect(Buffer.concat(peer.received).toString()).toMatch(/^HTTP\/1\.1 404 /);
    });
  });

  it.each([
    ['another version', UPGRADE.replace('Version: 13', 'Version: 7')],
    ['a bad key', UPGRADE.replace('AAAAAAAAAAAAAAAAAAAAAA==', 'short')],
    ['no HTTP behind its first letter', 'GARBAGE\r\n\r\n'],
  ])('refuses a request with %s, names the version that it speaks, and says why', async (_, request) => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from(request));
    await watch.until(() => peer.isClosed && handlers[0].closes === 1);
    expect(Buffer.concat(peer.received).toString()).toMatch(/^HTTP\/1\.1 400 .*Sec-WebSocket-Version: 13/s);
    expect(handlers[0].error?.message).toMatch(/Sec-WebSocket|no HTTP request/);
  });

  it('explains itself to a client that asks for another protocol than WebSocket', async () => {
    const { watch, listener } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n'));
    await watch.until(() => peer.isClosed);
    expect(Buffer.concat(peer.received).toString()).toMatch(/^HTTP\/1\.1 426 /);
  });
});
