import type { Clock } from '../clock.js';
import type { TransportFactory } from '../transport.js';
import { SUBPROTOCOLS, type WebSocketLike, webSocketStream } from './websocket-stream.js';

/**
 * The WebSocket of a browser, or of another place that has one. It cannot pause.
 * @param url ws: or wss:
 */
export function browserWebSocket(url: URL, { after }: Clock): TransportFactory {
  const { WebSocket } = globalThis as unknown as {
    WebSocket: new (url: URL, protocols: readonly string[]) => WebSocketLike;
  };
  return (events) => webSocketStream(new WebSocket(url, SUBPROTOCOLS), events, after);
}
