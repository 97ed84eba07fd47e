/** How TLS is spoken by `mqtts:` and `wss:`. Texts are PEM. In a browser TLS is the browser's, and none of it counts. */
export interface TlsOptions {
  /** Certificates that the server's has to be issued by. Default: those of the public CAs that Node brings along. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The client's certificate, for servers that ask for one, then those of intermediate CAs. */
  cert?: string | Uint8Array;
  /** The private key of `cert`. */
  key?: string | Uint8Array;
  /** Opens `key`, if it is encrypted. */
  passphrase?: string;
  /** A key that both sides know, instead of certificates. */
  psk?: { readonly identity: string; readonly key: Uint8Array };
  /** The name that has to be in the server's certificate, and that it is asked for (SNI). Default: the host of the URL. */
  serverName?: string;
  /** Do not verify who the server is: for tests, because anybody can be in between. Default false. */
  insecure?: boolean;
  /** The lowest version. Default `TLSv1.2`. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** As OpenSSL writes them, for both versions, separated by colons. Default: what Node deems good. */
  ciphers?: string;
  /** Protocol names to offer by ALPN. Default: none. */
  alpn?: readonly string[];
  /** Is given the secrets of the connection in lines of the NSS key log format, for programs that read captures. */
  onKeyLog?: (line: Uint8Array) => void;
}
