import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.js';
import type { Transport } from '../transport.js';
import { browserWebSocket } from './browser-websocket.js';
import type { WebSocketLike } from './websocket-stream.js';

/** A browser's, of which nobody hears anything but what the test does. */
class FakeWebSocket implements WebSocketLike {
  static last: FakeWebSocket;
  binaryType = 'blob';
  bufferedAmount = 0;
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onerror: WebSocketLike['onerror'] = null;
  onclose: WebSocketLike['onclose'] = null;
  readonly sent: Uint8Array[] = [];
  closes = 0;
  readonly url: string;
  readonly protocols: readonly string[];

  constructor(url: URL, protocols: readonly string[]) {
    this.url = url.href;
    this.protocols = protocols;
    FakeWebSocket.last = this;
  }

  send(data: Uint8Array): void {
    this.sent.push(data);
  }

  close(): void {
    this.closes++;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('WebSocket', FakeWebSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A transport, its socket, and what it told. */
function open(): { transport: Transport; socket: FakeWebSocket; told: string[] } {
  const told: string[] = [];
  const transport = browserWebSocket(
    new URL('wss://there/mqtt'),
    systemClock,
  )({
    opened: () => told.push('opened'),
    data: (bytes, length) => told.push(`data ${bytes.subarray(0, length)}`),
    drained: () => told.push('drained'),
    closed: (error) => told.push(`closed ${error?.message ?? ''}`),
  });
  return { transport, socket: FakeWebSocket.last, told };
}

describe("a browser's WebSocket", () => {
  it('[MQTT-6.0.0-3] is opened with the subprotocol mqtt, for bytes', () => {
    const { socket, told } = open();
    expect(socket).toMatchObject({ url: 'wss://there/mqtt', protocols: ['mqtt'], binaryType: 'arraybuffer' });
    socket.onopen?.({} as never);
    socket.onmessage?.({ data: Uint8Array.of(1, 2).buffer });
    expect(told).toEqual(['opened', 'data 1,2']);
  });

  it('is gone at once when it is hung up on, although a silent server keeps the browser waiting', async () => {
    const { transport, socket, told } = open();
    socket.onopen?.({} as never);
    transport.destroy();
    transport.destroy();
    expect(told).toEqual(['opened']); // not while it is being called
    await Promise.resolve();
    expect(told).toEqual(['opened', 'closed ']);
    expect(socket).toMatchObject({ closes: 1, onopen: null, onmessage: null, onerror: null, onclose: null });
  });

  it('says goodbye in good order, and waits for that of the server', () => {
    const { transport, socket, told } = open();
    socket.onopen?.({} as never);
    transport.end();
    expect(told).toEqual(['opened']);
    socket.onclose?.({ code: 1000, reason: '' });
    expect(told).toEqual(['opened', 'closed ']);
    transport.destroy();
    expect(socket.closes).toBe(1);
  });

  it('[MQTT-6.0.0-1] is hung up on after text', async () => {
    const { socket, told } = open();
    socket.onopen?.({} as never);
    socket.onmessage?.({ data: 'text' });
    await Promise.resolve();
    expect(told).toEqual(['opened', 'closed The server sent a WebSocket frame with text']);
  });

  it('says why it was not opened, as far as a browser tells', () => {
    const silent = open();
    silent.socket.onclose?.({ code: 1006, reason: '' });
    expect(silent.told).toEqual(['closed The WebSocket was not opened (code 1006)']);
    const failed = open();
    failed.socket.onerror?.({});
    failed.socket.onclose?.({ code: 1006, reason: '' });
    expect(failed.told).toEqual(['closed The WebSocket failed']);
  });

  it('has enough while much of it waits, and tells when that is gone', () => {
    const { transport, socket, told } = open();
    expect(transport.write(Uint8Array.of(1))).toBe(true);
    socket.bufferedAmount = 65_536;
    expect(transport.write(Uint8Array.of(2))).toBe(false);
    expect(transport.write(Uint8Array.of(3))).toBe(false);
    vi.advanceTimersByTime(50);
    expect(told).toEqual([]);
    socket.bufferedAmount = 65_535;
    vi.advanceTimersByTime(50);
    expect(told).toEqual(['drained']);
    socket.bufferedAmount = 65_536;
    expect(transport.write(Uint8Array.of(4))).toBe(false);
    socket.onclose?.({ code: 1006, reason: '' });
    socket.bufferedAmount = 0;
    vi.advanceTimersByTime(50);
    expect(told.filter((what) => what === 'drained')).toHaveLength(1);
    expect(socket.sent).toHaveLength(4);
  });
});
