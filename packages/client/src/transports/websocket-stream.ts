import type { Clock } from '../clock.js';
import type { Transport, TransportEvents } from '../transport.js';

/** What Node's `ws` and the WebSocket of a browser have in common. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message?: string; error?: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: Uint8Array): void;
  close(): void;
  /** Only `ws` has these three. */
  terminate?(): void;
  pause?(): void;
  resume?(): void;
}

/** More than this (bytes) waiting to leave is enough; below it, `drained`. */
const HIGH_WATER = 65_536;
/** A WebSocket does not tell when it has sent something, so while it has enough it is asked this often. */
const DRAIN_POLL_MS = 5;

/** [MQTT-6.0.0-3] */
export const SUBPROTOCOLS = ['mqtt'];

/**
 * MQTT over a WebSocket that has just been made, with `SUBPROTOCOLS`.
 * @param after waits, as `Clock.after` does
 * @param explain turns an error of the socket below into what is told about the end
 */
export function webSocketStream(
  socket: WebSocketLike,
  events: TransportEvents,
  after: Clock['after'],
  explain: (error: Error) => Error = (error) => error,
): Transport {
  let failure: Error | null = null;
  let opened = false;
  let paused = false;
  let stopPolling: (() => void) | null = null;
  const poll = () => {
    if (socket.bufferedAmount >= HIGH_WATER) {
      stopPolling = after(DRAIN_POLL_MS, poll);
    } else {
      stopPolling = null;
      events.drained();
    }
  };
  const close = () => {
    stopPolling?.();
    events.closed(failure);
  };
  const hangUp = () => {
    if (socket.terminate !== undefined) {
      socket.terminate();
    } else if (socket.onclose !== null) {
      // A browser would first wait, for a minute, until a server says goodbye that may be gone.
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
      socket.close();
      queueMicrotask(close);
    }
  };

  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    opened = true;
    if (paused) socket.pause?.(); // `ws` cannot before
    events.opened();
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) {
      events.data(new Uint8Array(data), data.byteLength);
    } else {
      failure ??= new Error('The server sent a WebSocket frame with text'); // [MQTT-6.0.0-1]
      hangUp();
    }
  };
  socket.onerror = ({ message, error }) => {
    failure ??= error instanceof Error ? explain(error) : new Error(message || 'The WebSocket failed');
  };
  socket.onclose = ({ code, reason }) => {
    socket.onclose = null;
    if (!opened) failure ??= new Error(`The WebSocket was not opened (code ${code}${reason && `, ${reason}`})`);
    close();
  };
  return {
    write(bytes) {
      // After the end has begun a browser's WebSocket drops what it is given; the connection learns that from `closed`.
      socket.send(bytes);
      if (socket.bufferedAmount < HIGH_WATER) return true;
      stopPolling ??= after(DRAIN_POLL_MS, poll);
      return false;
    },
    end: () => socket.close(),
    destroy: hangUp,
    pause: () => {
      paused = true;
      socket.pause?.();
    },
    resume: () => {
      paused = false;
      socket.resume?.();
    },
  };
}
