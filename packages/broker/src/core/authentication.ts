import { type Properties, ProtocolError, ReasonCode } from '@cauldron/codec';
import type { Connection } from './connection.js';
import type {
  Admission,
  AuthenticationExchange,
  AuthenticationStep,
  Credentials,
  EnhancedAuthenticator,
} from './ports/access.js';
import { type Expiring, Timer } from './timer-wheel.js';

/** Called once, when an exchange is decided. `data`: the last word to a client that is admitted. */
export type Conclusion = (admission: Admission, data: Uint8Array | undefined) => void;

type Answer = AuthenticationStep | Promise<AuthenticationStep>;

/**
 * The enhanced authentication of one connection (MQTT 5.0, section 4.12): the method that its CONNECT named, which holds
 * for its whole life, and the exchange that is under way, at the beginning or later. One at a time.
 */
export class Authentication implements Expiring {
  readonly method: string;
  /** The time limit of a re-authentication; before CONNACK, the connection's own timer sees to it. */
  readonly timer: Timer;
  readonly #connection: Connection;
  readonly #authenticator: EnhancedAuthenticator;
  #credentials: Credentials;
  #exchange: AuthenticationExchange | null = null;
  #conclude: Conclusion | null = null;
  #isClientsTurn = false;

  constructor(connection: Connection, authenticator: EnhancedAuthenticator, credentials: Credentials, method: string) {
    this.method = method;
    this.timer = new Timer(this);
    this.#connection = connection;
    this.#authenticator = authenticator;
    this.#credentials = credentials;
  }

  get isUnderWay(): boolean {
    return this.#exchange !== null;
  }

  /** Whether the client was asked, and has not answered. */
  get isClientsTurn(): boolean {
    return this.#isClientsTurn;
  }

  /**
   * Begins an exchange with the data of CONNECT or of AUTH 0x19, which are lent; none is under way.
   * @throws ProtocolError BAD_AUTHENTICATION_METHOD when the method is not offered
   */
  begin(data: Uint8Array | undefined, conclude: Conclusion): Answer {
    const exchange = this.#authenticator.begin(this.#credentials, this.method);
    // The password was for CONNECT; there is no reason to keep it.
    this.#credentials = { ...this.#credentials, password: undefined };
    if (exchange === null) {
      // [MQTT-4.12.0-1]
      const reason = `authentication method '${this.method}' is not offered here`;
      throw new ProtocolError(ReasonCode.BAD_AUTHENTICATION_METHOD, reason);
    }
    this.#exchange = exchange;
    this.#conclude = conclude;
    return exchange.next(copyOf(data));
  }

  /** Hands on the client's answer, which is lent; it is its turn. */
  next(data: Uint8Array | undefined): Answer {
    if (this.#exchange === null || !this.#isClientsTurn) throw new Error('The client was not asked');
    this.#isClientsTurn = false;
    return this.#exchange.next(copyOf(data));
  }

  /** The client is asked. */
  ask(): void {
    this.#isClientsTurn = true;
  }

  /** Ends the exchange; whoever began it hears how. */
  conclude(admission: Admission, data: Uint8Array | undefined): void {
    const conclude = this.#conclude;
    this.#exchange = null;
    this.#conclude = null;
    conclude?.(admission, data);
  }

  /** The properties that each AUTH, and the CONNACK of a success, have [MQTT-4.12.0-5]. */
  propertiesWith(data: Uint8Array | undefined): Properties {
    const properties: Properties = { authenticationMethod: this.method };
    if (data !== undefined) properties.authenticationData = data;
    return properties;
  }

  /** Called by the timer wheel: a re-authentication takes too long. */
  fire(): void {
    const reason = 'not authenticated again within connect_timeout';
    this.#connection.fail(new ProtocolError(ReasonCode.NOT_AUTHORIZED, reason));
  }
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}
