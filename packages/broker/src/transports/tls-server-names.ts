import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** A certificate of the server, with its key. Texts are PEM. */
export interface ServerCertificate {
  /** The server's own, then those of intermediate CAs. */
  readonly chain: string;
  readonly privateKey: string;
  /** What it is for, in lower case: host names, which may begin with `*.`. */
  readonly names: readonly string[];
  /** `rsa`, `ec` ...: a handshake can choose between certificates with keys of different kinds. */
  readonly keyType: string;
}

/** The host names that a certificate is for: those it lists; if it lists none, its common name. */
export function hostNamesOf({ subjectAltName, subject }: X509Certificate): string[] {
  // What is not a plain name is quoted: no client asks for it.
  const listed = (subjectAltName ?? '').split(', ').flatMap((entry) => /^DNS:([^"]+)$/.exec(entry)?.[1] ?? []);
  const names = listed.length > 0 ? listed : [/^CN=(.+)$/m.exec(subject ?? '')?.[1] ?? ''];
  return names.filter((name) => name !== '').map((name) => name.toLowerCase());
}

/** How well a certificate fits a name: 2 exactly, 1 by its `*`, which stands for one label, 0 not at all. */
function fit({ names }: ServerCertificate, name: string): 0 | 1 | 2 {
  if (names.includes(name)) return 2;
  const dot = name.indexOf('.');
  return dot > 0 && names.includes(`*${name.slice(dot)}`) ? 1 : 0;
}

/**
 * Which certificates a client is shown, by the name that it asks for: of those that have the name, the best of each kind
 * of key, so that an RSA and an ECDSA certificate serve it together. A client that asks for no name, or for one that
 * nobody has, is shown the first certificate, with those of other kinds of keys that have its name.
 */
export class ServerContexts {
  readonly #certificates: readonly ServerCertificate[];
  readonly #build: (chosen: readonly ServerCertificate[]) => SecureContext;
  /** By the indices of the certificates. Those that the certificates make possible, and no more. */
  readonly #contexts = new Map<string, SecureContext>();
  readonly #first: SecureContext;

  /** @throws what `build` throws: it is asked at once for each certificate */
  constructor(
    certificates: readonly ServerCertificate[],
    build: (chosen: readonly ServerCertificate[]) => SecureContext,
  ) {
    this.#certificates = certificates;
    this.#build = build;
    for (const index of certificates.keys()) this.#contextOf([index]);
    this.#first = this.#contextOf(this.#choiceForFirst());
  }

  /** Whether it matters what name a client asks for. */
  get dependsOnName(): boolean {
    return this.#certificates.length > 1;
  }

  get isEmpty(): boolean {
    return this.#certificates.length === 0;
  }

  contextFor(name: string | null): SecureContext {
    if (name === null || !this.dependsOnName) return this.#first;
    const chosen = this.#choiceFor(name.toLowerCase().replace(/\.$/, ''));
    return chosen.length === 0 ? this.#first : this.#contextOf(chosen);
  }

  #choiceForFirst(): readonly number[] {
    if (this.#certificates.length === 0) return [];
    const [{ names }] = this.#certificates;
    const others = names.length === 0 ? [] : this.#choiceFor(names[0]);
    const { keyType } = this.#certificates[0];
    return [0, ...others.filter((index) => this.#certificates[index].keyType !== keyType)].sort((a, b) => a - b);
  }

  #choiceFor(name: string): readonly number[] {
    const best = new Map<string, { index: number; fit: number }>();
    for (const [index, certificate] of this.#certificates.entries()) {
      const found = fit(certificate, name);
      if (found > (best.get(certificate.keyType)?.fit ?? 0)) best.set(certificate.keyType, { index, fit: found });
    }
    return [...best.values()].map(({ index }) => index).sort((a, b) => a - b);
  }

  #contextOf(chosen: readonly number[]): SecureContext {
    const key = chosen.join();
    let context = this.#contexts.get(key);
    if (context === undefined) {
      context = this.#build(chosen.map((index) => this.#certificates[index]));
      this.#contexts.set(key, context);
    }
    return context;
  }
}
