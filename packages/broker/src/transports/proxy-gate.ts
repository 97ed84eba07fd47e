import { Deadlines } from './deadlines.js';
import { type ProxyHeader, type ProxyVersion, readProxyHeader } from './proxy-protocol.js';

/** What a listener that stands behind a proxy asks of it. */
export interface ProxyRules {
  readonly version: ProxyVersion;
  /** Version 2: only clients that speak TLS with the proxy get in. */
  readonly requireTls: boolean;
  /** Version 2: only clients whose certificate the proxy found good get in. */
  readonly requireCertificate: boolean;
  /** How long a connection has for its header, in milliseconds; never longer than `PROXY_HEADER_TIMEOUT_MS`. */
  readonly timeoutMs: number;
}

/** Proxies send the header with the first packet; the rest is for packets that get lost on the way. */
export const PROXY_HEADER_TIMEOUT_MS = 5000;
/** Connections whose header is not there yet. The oldest gives way to a new one. */
const MAX_WAITING = 1000;

interface WaitingLink {
  /** Ends a connection that nobody has accepted yet. The reason is for the log. */
  reject(reason: string): void;
  destroy(): void;
}

/**
 * Where connections wait for what their proxy says of them. The core hears of them afterwards only, so time and number
 * are bounded here. One for each set of rules: a link stays with that which it began with.
 */
export class ProxyGate {
  readonly #rules: ProxyRules;
  readonly #limit: number;
  readonly #waiting: Deadlines<WaitingLink>;

  constructor(rules: ProxyRules, limit: number = MAX_WAITING) {
    this.#rules = rules;
    this.#limit = limit;
    const timeoutMs = Math.min(rules.timeoutMs, PROXY_HEADER_TIMEOUT_MS);
    this.#waiting = new Deadlines(timeoutMs, (link) => {
      link.reject(`neither a PROXY header nor anything behind it came within ${timeoutMs / 1000} s`);
    });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** `link` waits from now on. What it receives goes into the preface. */
  begin(link: WaitingLink): ProxyPreface {
    if (this.#waiting.size >= this.#limit) {
      const [oldest] = this.#waiting.items();
      this.#waiting.delete(oldest);
      oldest.reject(`${this.#limit} connections that came later wait for their PROXY header, too`);
    }
    this.#waiting.add(link);
    return new ProxyPreface(this, this.#rules.version);
  }

  /** It waits no longer: its header is there, or its connection is gone. */
  finish(link: WaitingLink): void {
    this.#waiting.delete(link);
  }

  /** Ends all that wait. */
  close(): void {
    for (const link of [...this.#waiting.items()]) {
      this.#waiting.delete(link);
      link.destroy();
    }
  }

  /** Why the rules do not let such a connection in; null: they do. */
  objectionTo({ isLocal, tls, hasCertificate }: ProxyHeader): string | null {
    const { version, requireTls, requireCertificate } = this.#rules;
    if (version === 1) return null;
    const who = isLocal ? 'the proxy, which speaks for itself,' : 'the client';
    if (requireTls && tls === null) {
      return `${who} does not speak TLS, or the proxy does not say so (proxy_protocol_v2_require_tls; send-proxy-v2-ssl for HAProxy)`;
    }
    if (requireCertificate && !hasCertificate) {
      return `${who} showed the proxy no certificate that it found good, or the proxy does not say so (require_certificate; send-proxy-v2-ssl-cn for HAProxy)`;
    }
    return null;
  }
}

/** The beginning of one connection, until the client's first byte. */
export class ProxyPreface {
  readonly gate: ProxyGate;
  readonly #version: ProxyVersion;
  #held: Buffer | null = null;
  #header: ProxyHeader | null = null;

  constructor(gate: ProxyGate, version: ProxyVersion) {
    this.gate = gate;
    this.#version = version;
  }

  /** Something of a header came, and not all of it. */
  get isPartial(): boolean {
    return this.#held !== null;
  }

  /**
   * Takes what came in; the bytes are lent. Null: there is nothing to be accepted yet. A proxy that speaks for itself is
   * accepted with the first byte that it sends, so that its checks, which send none, leave no trace in the log.
   * @throws ProxyHeaderError when what came is no header
   */
  take(bytes: Uint8Array): { header: ProxyHeader; rest: Uint8Array } | null {
    let rest = bytes;
    if (this.#header === null) {
      const all = this.#held === null ? bytes : Buffer.concat([this.#held, bytes]);
      this.#header = readProxyHeader(this.#version, all);
      if (this.#header === null) {
        this.#held = Buffer.from(all);
        return null;
      }
      this.#held = null;
      rest = all.subarray(this.#header.length);
    }
    const header = this.#header;
    if (header.isLocal && rest.length === 0) return null;
    return { header, rest };
  }
}
