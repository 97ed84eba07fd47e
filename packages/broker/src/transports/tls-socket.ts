import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket, type TLSSocketOptions, type TlsOptions } from 'node:tls';
import type { TlsIdentity, TlsSession } from '../core/ports/link.js';
import { WRITE_HIGH_WATER_BYTES } from './accepted-socket.js';
import { CertificateCredential, type ClientCertificates } from './tls-client-certificates.js';
import { type TlsContextOptions, tlsContext } from './tls-context.js';
import { NO_CERTIFICATE, type OfferedPsk, tlsFailure } from './tls-failures.js';
import { isWholeHello, readClientHello } from './tls-hello.js';
import type { TlsKeyLog } from './tls-key-log.js';
import { PskCredential, type PskKeys, pskObjection } from './tls-psk.js';
import { type ServerCertificate, ServerContexts } from './tls-server-names.js';

/** How a listener speaks TLS. */
export interface ListenerTlsOptions extends Omit<TlsContextOptions, 'authorities' | 'takesPsk' | 'resumesSessions'> {
  /** Those of the server; which of them a client is shown, `ServerContexts` decides. May be empty with `psk`. */
  readonly certificates: readonly ServerCertificate[];
  /** Who may come; null: clients are not asked for certificates. */
  readonly clients: ClientCertificates | null;
  readonly psk: PskKeys | null;
  /** Gets the secrets of all connections; null: nobody does. */
  readonly keyLog: TlsKeyLog | null;
}

/** Why a client that has finished its handshake does not get in. */
export class TlsRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TlsRefusal';
  }
}

/**
 * What a listener needs for its side of TLS. When its settings change it gets another one: handshakes that have begun
 * go on as they began, and sessions cannot be resumed across the change, as the keys of their tickets are made anew.
 */
export class ListenerTls {
  readonly clients: ClientCertificates | null;
  readonly psk: PskKeys | null;
  readonly keyLog: TlsKeyLog | null;
  readonly #contexts: ServerContexts;

  /** @throws Error of OpenSSL, with a code, when something cannot be used */
  constructor(options: ListenerTlsOptions) {
    const { clients, psk, keyLog, certificates } = options;
    this.clients = clients;
    this.psk = psk;
    this.keyLog = keyLog;
    const context: TlsContextOptions = {
      ...options,
      authorities: clients?.authorities ?? [],
      takesPsk: psk !== null,
      // Of a session that is resumed, Node does not tell by which pre-shared key it began, and OpenSSL does not tell
      // what it objected to besides the dates of a certificate.
      resumesSessions: psk === null && clients?.ignoresDates !== true,
    };
    this.#contexts = new ServerContexts(certificates, (chosen) => tlsContext(chosen, context));
  }

  /** False: clients need a pre-shared key. */
  get hasCertificate(): boolean {
    return !this.#contexts.isEmpty;
  }

  /** Whether these first bytes of a connection are enough to begin with. */
  canBegin(hello: Buffer): boolean {
    return !this.#contexts.dependsOnName || isWholeHello(hello);
  }

  contextFor(hello: Buffer): SecureContext {
    const name = this.#contexts.dependsOnName ? (readClientHello(hello)?.serverName ?? null) : null;
    return this.#contexts.contextFor(name);
  }

  /**
   * Why a client that came by other settings than these would not get in by these, in words for a log; null: it would.
   * For connections of the listener when its settings change. `session` is null if it came without TLS.
   */
  objectionTo(session: TlsSession | null): string | null {
    if (session === null) return 'the listener speaks TLS only now';
    const credential = session.client?.credential;
    if (credential instanceof PskCredential) return pskObjection(this.psk, credential);
    if (this.clients === null) {
      return !this.hasCertificate ? 'the listener takes clients with pre-shared keys only now (psk_hint)' : null;
    }
    if (credential instanceof CertificateCredential) return this.clients.objectionTo(credential);
    return 'the listener asks for certificates of clients now (require_certificate)';
  }
}

/**
 * The server's side of TLS over an accepted socket, whose buffered bytes are the first of it. Its `socket` emits `secure`
 * when the handshake is done: then `session` has to be asked. It emits `error` for whatever goes wrong, and does not
 * always destroy itself then; `failure` puts that into words.
 *
 * `tls.Server` would do the same, but gives a socket only after the handshake, without a way to tell which of the
 * accepted ones it was, and destroys those of clients that it does not trust before their certificate can be read. So
 * three things are used here that it uses itself, and that are not public: `secure`, and two methods.
 */
export class TlsHandshake {
  readonly socket: TLSSocket;
  /** What it began with: the listener may have another one since. */
  readonly tls: ListenerTls;
  /** For words about what went wrong; null when the handshake is done. */
  #hello: Buffer | null;
  /** The last one that the client named; it is proven only when the handshake is done, and used it. */
  #psk: OfferedPsk | null = null;

  /** `hello`: what `ListenerTls.canBegin` was asked about, which the socket has in its buffer. */
  constructor(accepted: Socket, tls: ListenerTls, hello: Buffer) {
    this.tls = tls;
    this.#hello = hello;
    const asks = tls.clients !== null;
    const options: TLSSocketOptions & Pick<TlsOptions, 'pskCallback' | 'pskIdentityHint'> & { highWaterMark: number } =
      {
        isServer: true,
        secureContext: tls.contextFor(hello),
        requestCert: asks,
        // For OpenSSL: it tells a client without a certificate what is missing.
        rejectUnauthorized: asks,
        highWaterMark: WRITE_HIGH_WATER_BYTES,
        ...(tls.psk !== null && this.#pskOptions(tls.psk)),
      };
    this.socket = new TLSSocket(accepted, options);
    const { keyLog } = tls;
    if (keyLog !== null) this.socket.on('keylog', (line) => keyLog.write(line));
    // Without it, errors would be swallowed.
    const releaseControl: unknown = Reflect.get(this.socket, '_releaseControl');
    if (typeof releaseControl === 'function') Reflect.apply(releaseControl, this.socket, []);
  }

  /** What the handshake agreed on; to be asked once, when it is done. @throws TlsRefusal when the client may not come in */
  session(): TlsSession {
    this.#hello = null;
    const { socket } = this;
    const protocol = socket.getProtocol() ?? '';
    const cipher = socket.getCipher().standardName;
    const { servername } = socket as { servername?: string | false | null };
    return {
      protocol,
      cipher,
      serverName: typeof servername === 'string' ? servername : null,
      client: this.#usedPsk(protocol, cipher) ? this.#pskIdentity() : this.#certificateIdentity(),
    };
  }

  /** Says what `error`, which the socket emitted, means. */
  failure(error: Error): string {
    const hello = this.#hello === null ? null : readClientHello(this.#hello);
    const isInHandshake = this.#hello !== null;
    const { psk } = this.tls;
    return tlsFailure(error, {
      hello,
      psk: isInHandshake && psk !== null ? this.#psk : null,
      wantsPsk: psk !== null,
      hasCertificate: this.tls.hasCertificate,
    });
  }

  /** `TLSSocket` takes them as `tls.Server` does, which gives them to it. */
  #pskOptions({ hint, byIdentity }: PskKeys): Pick<TlsOptions, 'pskCallback' | 'pskIdentityHint'> {
    return {
      pskIdentityHint: hint,
      pskCallback: (_socket, identity) => {
        const key = byIdentity.get(identity) ?? null;
        this.#psk = { identity, key };
        return key;
      },
    };
  }

  /** With TLS 1.3, a client may name identities whose keys are not used then: only OpenSSL knows. */
  #usedPsk(protocol: string, cipher: string): boolean {
    if (this.tls.psk === null) return false;
    // Other sessions are never resumed where pre-shared keys are taken: see `ListenerTls`.
    return protocol === 'TLSv1.3' ? this.socket.isSessionReused() : /_PSK_/.test(cipher);
  }

  #pskIdentity(): TlsIdentity {
    const { identity = '', key = null } = this.#psk ?? {};
    if (key === null) throw new TlsRefusal('TLS: the client used a pre-shared key that is not in psk_file');
    return { proof: 'psk', commonName: identity, subject: '', credential: new PskCredential(identity, key) };
  }

  #certificateIdentity(): TlsIdentity | null {
    const { socket } = this;
    const { clients } = this.tls;
    if (clients === null) return null;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) throw new TlsRefusal(NO_CERTIFICATE);
    const problem = verifyProblem(socket);
    const verdict = clients.judge({ certificate, problem, isResumed: socket.isSessionReused() });
    if (typeof verdict === 'string') throw new TlsRefusal(verdict);
    const name: string | string[] | undefined = socket.getPeerCertificate().subject?.CN;
    return {
      proof: 'certificate',
      commonName: (Array.isArray(name) ? name[0] : name) ?? '',
      // One part to a line, each escaped already, the outermost first.
      subject: (certificate.subject ?? '').split('\n').reverse().join(','),
      credential: verdict,
    };
  }
}

/** Why OpenSSL does not accept the client's certificate; its code is such as `CERT_HAS_EXPIRED`. Null: it does. */
function verifyProblem(socket: TLSSocket): NodeJS.ErrnoException | null {
  const handle: unknown = Reflect.get(socket, 'ssl');
  const verifyError: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : undefined;
  if (typeof verifyError !== 'function') return new Error('this version of Node does not tell');
  const problem: unknown = Reflect.apply(verifyError, handle, []);
  if (problem === null || problem === undefined) return null;
  return problem instanceof Error ? problem : new Error(String(problem));
}
