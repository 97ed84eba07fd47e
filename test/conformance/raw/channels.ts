import { connect } from 'node:net';
import { WebSocket } from 'ws';

/** Where a broker listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Address for WebSocket, or undefined if the broker has none: `ws://127.0.0.1:1883/mqtt`. */
  readonly webSocketUrl?: string;
}

/** Bytes in both directions, with no MQTT in it. */
export interface Channel {
  write(bytes: Uint8Array): void;
  /** Ends the connection as a broken network does, without a word. */
  destroy(): void;
  /** Stops reading, so that the peer's bytes pile up; and reads again. */
  pause(): void;
  resume(): void;
}

export interface ChannelEvents {
  onBytes(bytes: Buffer): void;
  /** Called once, when the peer or the network has ended the connection, in whatever way. */
  onEnd(): void;
}

/** @throws (rejects) Error when nobody listens there */
export function openTcp({ host, port }: Endpoint, events: ChannelEvents): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.on('error', () => {}); // a reset ends the connection, too
    socket.on('data', (bytes: Buffer) => events.onBytes(bytes));
    socket.on('close', () => events.onEnd());
    socket.once('connect', () =>
      resolve({
        write: (bytes) => {
          if (socket.writable) socket.write(bytes);
        },
        destroy: () => socket.resetAndDestroy(),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      }),
    );
  });
}

/** What a WebSocket test looks at and decides. */
export interface WebSocketChannel extends Channel {
  /** The subprotocol that the server selected; empty if none. */
  readonly subprotocol: string;
  /** Sends a frame of text instead of a binary one. */
  writeText(text: string): void;
}

/** `onBytes` gets each message as the server framed it. @throws (rejects) Error when the handshake fails */
export function openWebSocket(
  url: string,
  subprotocols: readonly string[],
  events: ChannelEvents & { onText?(): void },
): Promise<WebSocketChannel> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...subprotocols], { perMessageDeflate: false });
    socket.on('error', reject);
    socket.on('message', (data: Buffer, isBinary) => (isBinary ? events.onBytes(data) : events.onText?.()));
    socket.on('close', () => events.onEnd());
    socket.once('open', () =>
      resolve({
        subprotocol: socket.protocol,
        write: (bytes) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
        },
        writeText: (text) => socket.send(text),
        destroy: () => socket.terminate(),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      }),
    );
  });
}
