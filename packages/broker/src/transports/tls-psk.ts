/** A pre-shared key that a client proved to have. */
export class PskCredential {
  readonly identity: string;
  readonly key: Buffer;

  constructor(identity: string, key: Buffer) {
    this.identity = identity;
    this.key = key;
  }
}

/** What a listener with TLS-PSK knows. */
export interface PskKeys {
  /** What TLS 1.2 tells clients before they choose their identity. */
  readonly hint: string;
  readonly byIdentity: ReadonlyMap<string, Buffer>;
}

/** Why a client that was accepted once would not be any more; null: it would be. */
export function pskObjection(keys: PskKeys | null, { identity, key }: PskCredential): string | null {
  if (keys === null) return 'the listener no longer takes pre-shared keys (psk_hint)';
  const known = keys.byIdentity.get(identity);
  if (known === undefined) return 'its identity is no longer in psk_file';
  return known.equals(key) ? null : 'the key of its identity in psk_file has changed';
}
