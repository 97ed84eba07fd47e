import type { ProtocolVersion, QoS, ReasonCode } from '@cauldron/codec';
import type { ListenerPolicy } from '../settings.js';
import type { Link, TlsIdentity } from './link.js';

/** What a CONNECT claims. */
export interface Credentials {
  readonly link: Link;
  readonly listener: ListenerPolicy;
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  readonly username: string | undefined;
  /**
   * What proves the user name already, and has made CONNECT's of no account; null: nothing, it has to be checked. An
   * `Authenticator` sees null and `psk`: whoever knows the key of a TLS-PSK identity still has to be a user. A client with
   * a certificate is let in without a question; only an `EnhancedAuthenticator` sees it, if it names a method.
   */
  readonly provenBy: TlsIdentity['proof'] | null;
  /** A copy that the authenticator may keep. */
  readonly password: Uint8Array | undefined;
}

/** The answer to a CONNECT. `rule` says what decided, for the log and for `explain`: a file and line, a setting. */
export type Admission =
  | {
      readonly admitted: true;
      readonly username: string | undefined;
      readonly rule: string;
      /**
       * Until when it holds, in ms since 1970: then the client has to leave, unless it has authenticated again. Absent: for as
       * long as it stays.
       */
      readonly untilMs?: number;
      /** Becomes `Principal.grants`. A client with a will that they do not allow is not let in. */
      readonly grants?: object;
    }
  | { readonly admitted: false; readonly reasonCode: ReasonCode; readonly reason: string; readonly rule: string };

/** Decides who gets in. It may answer at once, or later: meanwhile nothing more is read from that client. */
export interface Authenticator {
  authenticate(credentials: Credentials): Admission | Promise<Admission>;
}

/**
 * Decides who gets in of the clients that name an authentication method in CONNECT (MQTT 5.0, section 4.12), for as many
 * methods as it likes; all other clients are the `Authenticator`'s.
 */
export interface EnhancedAuthenticator {
  /**
   * Called once for each CONNECT with a method, and once for each re-authentication. Null: that method is not offered to
   * this client. `credentials` are those of CONNECT; a re-authentication has them without the password. It has to end with
   * the user who was admitted before, or the client is sent away.
   */
  begin(credentials: Credentials, method: string): AuthenticationExchange | null;
}

/**
 * One authentication, from its first packet to its end. It is dropped without a word when the client leaves, or when it is
 * not over within `connectTimeoutMs`.
 */
export interface AuthenticationExchange {
  /**
   * Called with the Authentication Data of CONNECT or AUTH, a copy that it may keep (undefined: there was none); and again
   * for each AUTH that answers a challenge, never while an earlier call is under way. It may answer at once, or later:
   * meanwhile nothing more is read from a client that is not connected yet.
   */
  next(data: Uint8Array | undefined): AuthenticationStep | Promise<AuthenticationStep>;
}

/**
 * What comes next: data for the client to answer, or the end. The last data go with a success, in CONNACK or AUTH, such as
 * the proof that the broker knows the secret too; with a refusal they are not sent. Data are 0 to 65,535 bytes; undefined:
 * none.
 */
export type AuthenticationStep =
  | { readonly challenge: Uint8Array | undefined }
  | (Admission & { readonly data?: Uint8Array | undefined });

/** A client whom the authenticator let in, as the rules on topics see it. It outlives the connection with its session. */
export interface Principal {
  readonly clientId: string;
  readonly username: string | undefined;
  /** The address of its last connection. */
  readonly address: string;
  /** `ListenerPolicy.access` of its last connection; absent: it is away since before the broker started. */
  readonly access?: string;
  /** What let it in has said about its rights, for the `Authorizer` that knows what that means. Absent: nothing. */
  readonly grants?: object;
}

/** `rule` names what decided: a file and line, a role, a setting. */
export interface Decision {
  readonly allowed: boolean;
  readonly rule: string;
}

/**
 * Decides who may do what with which topic. Answers are cached for each client and topic until `version` changes, so
 * it is not asked for each message.
 */
export interface Authorizer {
  /** True while everybody may do everything: then nothing is asked and nothing cached. */
  readonly unrestricted: boolean;
  /** Raised by every change of the rules: older answers are forgotten. */
  readonly version: number;
  /**
   * True while `mayPublish` gives no promise: then messages to topics whose answer is not known need not leave their
   * run. Absent: it may.
   */
  readonly answersAtOnce?: boolean;
  mayPublish(client: Principal, topic: string): Decision | Promise<Decision>;
  maySubscribe(client: Principal, filter: string, qos: QoS): Decision | Promise<Decision>;
  /** Absent: everybody may. A client that may not keeps its subscription. */
  mayUnsubscribe?(client: Principal, filter: string): Decision;
  /**
   * Asked for each topic that a subscription brings, at delivery: it has to know.
   */
  mayReceive(client: Principal, topic: string): Decision;
}
