import { type Auth, PacketType, type Properties, ProtocolError, ReasonCode } from '@cauldron/codec';
import { Deferred } from '../deferred.js';

/** An authentication method (MQTT 5.0, section 4.12), as a program brings it along. */
export interface Authentication {
  /** The name that client and server know the method by. */
  readonly method: string;
  /**
   * Called for each exchange: before CONNECT, and by `reauthenticate`. What it throws is what `connect` or
   * `reauthenticate` is rejected with; a connection that is open stays so.
   */
  begin(): AuthenticationExchange | Promise<AuthenticationExchange>;
}

/**
 * One exchange with the server. Data are 0 to 65,535 bytes, undefined where there are none, and mean what the method makes
 * of them. Whatever is thrown here ends the connection with AuthenticationFailed.
 */
export interface AuthenticationExchange {
  /** What the client says first, in CONNECT or AUTH. */
  readonly data?: Uint8Array | undefined;
  /** Called for each question of the server; never while an answer to another is under way. */
  respond(data: Uint8Array | undefined): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /**
   * The server admits the client, and that is its last word. Throws if the server has not proven to be the right one; for
   * that, what is to be compared has to be at hand. Without it, every server is.
   */
  finish?(data: Uint8Array | undefined): void;
}

/** An exchange of which CONNECT carries the beginning. */
export interface BegunAuthentication {
  /** Of the CONNECT. */
  readonly properties: Properties;
  /** The exchanges on the connection, of which this is the first; see `Exchanges`. */
  exchanges(send: (packet: Auth) => void, fail: (cause: unknown) => void): Exchanges;
}

/** @param exchange begun by the method */
export function begunAuthentication(method: Authentication, exchange: AuthenticationExchange): BegunAuthentication {
  return {
    properties: authenticationProperties(method, exchange.data),
    exchanges: (send, fail) => new Exchanges(method, exchange, send, fail),
  };
}

/** The exchanges on one connection: that of CONNECT, then those of `reauthenticate`. One at a time. */
export class Exchanges {
  readonly #authentication: Authentication;
  readonly #send: (packet: Auth) => void;
  readonly #fail: (cause: unknown) => void;
  /** Null: none is under way, or it is still being made. */
  #exchange: AuthenticationExchange | null;
  #isServersTurn = true;
  #reauthentication: Deferred<void> | null = null;

  /**
   * @param send sends an AUTH, unless the connection has ended; throws what cannot be sent
   * @param fail ends the connection, if it has not ended: the method has thrown `cause`
   */
  constructor(
    authentication: Authentication,
    exchange: AuthenticationExchange,
    send: (packet: Auth) => void,
    fail: (cause: unknown) => void,
  ) {
    this.#authentication = authentication;
    this.#exchange = exchange;
    this.#send = send;
    this.#fail = fail;
  }

  /** Whether an exchange has begun and not ended. */
  get isUnderWay(): boolean {
    return this.#exchange !== null || this.#reauthentication !== null;
  }

  /** @throws ProtocolError for an AUTH that is out of place, or of another method */
  receive({ reasonCode, properties }: Auth): void {
    const { method } = this.#authentication;
    if (properties?.authenticationMethod !== method) {
      // [MQTT-4.12.0-5]
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `AUTH is not one of the method '${method}'`);
    }
    const exchange = this.#exchange;
    const data = copyOf(properties.authenticationData);
    if (exchange !== null && this.#isServersTurn) {
      if (reasonCode === ReasonCode.CONTINUE_AUTHENTICATION) {
        void this.#respond(exchange, data);
        return;
      }
      if (reasonCode === ReasonCode.SUCCESS && this.#reauthentication !== null) {
        if (!this.#finish(exchange, data)) return;
        this.#reauthentication.resolve();
        this.#reauthentication = null;
        return;
      }
    }
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `AUTH with code ${reasonCode} is out of place`);
  }

  /**
   * CONNACK says that the client is admitted.
   * @returns whether the client is content with the server; if not, the connection is being ended
   * @throws ProtocolError when the server has not waited for an answer that it asked for
   */
  admitted(data: Uint8Array | undefined): boolean {
    const exchange = this.#exchange;
    if (exchange === null || !this.#isServersTurn) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNACK comes before the answer to AUTH');
    }
    return this.#finish(exchange, copyOf(data));
  }

  /** @throws (rejects) TypeError when one is under way; what `begin` throws; NotSupportedByServer, ProtocolError */
  reauthenticate(): Promise<void> {
    if (this.#reauthentication !== null) {
      return Promise.reject(new TypeError('The client is about to authenticate again already'));
    }
    const done = new Deferred<void>();
    this.#reauthentication = done;
    void this.#begin(done);
    return done.promise;
  }

  /** The connection is gone. */
  end(error: Error): void {
    this.#exchange = null;
    this.#reauthentication?.reject(error);
    this.#reauthentication = null;
  }

  async #begin(done: Deferred<void>): Promise<void> {
    try {
      const exchange = await this.#authentication.begin();
      if (this.#reauthentication !== done) return;
      this.#exchange = exchange;
      this.#isServersTurn = true;
      this.#send(this.#packet(ReasonCode.REAUTHENTICATE, exchange.data)); // [MQTT-4.12.1-1]
    } catch (error) {
      // The server has not heard of it.
      this.#exchange = null;
      if (this.#reauthentication === done) this.#reauthentication = null;
      done.reject(error as Error);
    }
  }

  async #respond(exchange: AuthenticationExchange, question: Uint8Array | undefined): Promise<void> {
    this.#isServersTurn = false;
    try {
      const answer = await exchange.respond(question);
      if (this.#exchange !== exchange) return;
      this.#isServersTurn = true;
      this.#send(this.#packet(ReasonCode.CONTINUE_AUTHENTICATION, answer)); // [MQTT-4.12.0-3]
    } catch (error) {
      this.#fail(error);
    }
  }

  #finish(exchange: AuthenticationExchange, data: Uint8Array | undefined): boolean {
    this.#exchange = null;
    try {
      exchange.finish?.(data);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #packet(reasonCode: ReasonCode, data: Uint8Array | undefined): Auth {
    return { type: PacketType.AUTH, reasonCode, properties: authenticationProperties(this.#authentication, data) };
  }
}

/** What CONNECT and each AUTH carry [MQTT-4.12.0-5]. */
function authenticationProperties({ method }: Authentication, data: Uint8Array | undefined): Properties {
  return { authenticationMethod: method, ...(data !== undefined && { authenticationData: data }) };
}

/** What was received lies in memory that is used again. */
function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}
