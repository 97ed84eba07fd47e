import type { TransportFactory } from '../transport.js';
import { SUBPROTOCOLS, type WebSocketLike, webSocketStream } from './websocket-stream.js';

/** The WebSocket of a browser, or of another place that has one. It can neither pause nor hang up. @param url ws: or wss: */
export function browserWebSocket(url: URL): TransportFactory {
  const { WebSocket } = globalThis as unknown as {
    WebSocket: new (url: URL, protocols: readonly string[]) => WebSocketLike;
  };
  return (events) => webSocketStream(new WebSocket(url, SUBPROTOCOLS), events);
}
