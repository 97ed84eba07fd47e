/**
 * A stream of bytes to a server, in order and without loss [MQTT-4.2.0-1]. The protocol core knows nothing else of the
 * network, so whoever has such a stream (a socket, a WebSocket, a pipe in a test) can carry MQTT over it.
 */
export interface Transport {
  /**
   * Sends the bytes; they belong to the transport from now on. False when it has enough for the moment: the caller
   * then waits for `drained` before it writes again.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Whether all that was written is with the system, so that its memory belongs to the caller again. Absent: nobody can tell,
   * and it never does.
   */
  readonly hasHandedOver?: boolean;
  /** Sends what is left, and then closes. */
  end(): void;
  /** Closes at once; what is left is lost. */
  destroy(): void;
  /** Asks for no more `data`. Some may still come, and a transport that cannot pause (a browser's WebSocket) goes on. */
  pause(): void;
  resume(): void;
}

/** What a transport tells the connection. Nothing is called after `closed`, nor before the factory has returned. */
export interface TransportEvents {
  /** The stream can be written to. Once. */
  opened(): void;
  /** Received: `bytes[0..length)`. They are only borrowed; after the call the transport may use the memory again. */
  data(bytes: Uint8Array, length: number): void;
  /** After a `write` that returned false: there is room again. */
  drained(): void;
  /** The stream is closed, or could not be opened; `error` says why, and is null after an orderly end. Exactly once. */
  closed(error: Error | null): void;
}

/** Begins to open a stream. */
export type TransportFactory = (events: TransportEvents) => Transport;
