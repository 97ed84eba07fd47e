/** Who stands at the other end of a TLS connection, as far as it was verified. */
export interface TlsIdentity {
  /** What proves it: a certificate, or the key that belongs to a TLS-PSK identity. */
  readonly proof: 'certificate' | 'psk';
  /** The common name in the client's certificate, empty if it has none; or the client's TLS-PSK identity. */
  readonly commonName: string;
  /** The whole subject, from the innermost part outwards, escaped as RFC 2253 says: `CN=..,OU=..,O=..`. */
  readonly subject: string;
  /** The transport's own: by what it judges the client again when the settings of its listener change. */
  readonly credential?: object;
}

/** What the TLS handshake of a connection agreed on. */
export interface TlsSession {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  /** As RFC 8446 and its predecessors call it: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The host name that the client asked for (SNI); null: it did not say, or resumed a session of TLS 1.2. */
  readonly serverName: string | null;
  /** Null: the client was not asked who it is. */
  readonly client: TlsIdentity | null;
}

/**
 * One network connection as the core sees it: bytes in, bytes out. Each transport implements it; `memory` does without
 * a network. The core never learns what is below.
 *
 * Who owns bytes: what `write` is given belongs to the link until the network has it. When `write` returns true, it
 * has it already and the caller may use the memory again at once; when it returns false, the caller forgets it.
 */
export interface Link {
  /** For logs: `tcp`, `tls`, `websocket`, `unix`, `memory`. */
  readonly transport: string;
  /**
   * An IP address, behind a proxy the one that the proxy tells; for the client of a Unix socket, which has no address,
   * the path of that socket. Empty where the transport has none of it.
   */
  readonly remoteAddress: string;
  /** 0 where the transport has none. */
  readonly remotePort: number;
  readonly localPort: number;
  /** Null: there is no TLS. It is there before the first `onRead`. */
  readonly tls: TlsSession | null;
  /** Bytes that were written and that the network has not taken yet. They count against the reader's bound. */
  readonly pendingBytes: number;
  /** True: the bytes are gone and their memory is free. False: the link holds them; `onDrain` follows. */
  write(bytes: Uint8Array): boolean;
  /** Stops reading: the peer is slowed down by its own full socket. A read under way may still arrive. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then ends the connection. `onClose` follows. A peer that does not take it is cut off. */
  end(): void;
  /** Cuts the connection now; what was not sent is lost. `onClose` follows. */
  destroy(): void;
}

/** What the core does for a link. A transport calls these one at a time, never from within a call of `Link`. */
export interface LinkHandler {
  /** `bytes[0, length)` came in. They are lent for the duration of the call: the transport reads into them again. */
  onRead(bytes: Uint8Array, length: number): void;
  /** `pendingBytes` fell to 0 after a `write` that returned false. */
  onDrain(): void;
  /** The connection is gone, in whichever way; called once, last. `error` is what the network said, if it did. */
  onClose(error: Error | null): void;
}
