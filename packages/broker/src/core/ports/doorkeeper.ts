import type { ReasonCode } from '@cauldron/codec';

/** Who is at the door. */
export interface Caller {
  /** `Link.remoteAddress`. */
  readonly address: string;
  readonly clientId: string;
  /** Before it is admitted, the name that it claims. */
  readonly username: string | undefined;
}

/** Why somebody is turned away: what the client is told, and what decided, for the log. */
export interface Denial {
  readonly reasonCode: ReasonCode;
  readonly reason: string;
  readonly rule: string;
}

/**
 * Turns away those with whom it is of no use to look at what they bring: who is banned, who has failed too often, who comes
 * too often. It answers at once. Null: nothing speaks against the client.
 */
export interface Doorkeeper {
  /** Asked for each network connection, before anything is read from it. */
  mayCome(address: string): Denial | null;
  /** Asked at each CONNECT, before anybody looks at its credentials. */
  mayTry(caller: Caller): Denial | null;
  /** Asked when a client is about to be let in, and by `Broker.reviewClients` for those who are. */
  mayStay(caller: Caller): Denial | null;
  /** Credentials were looked at, and were good; `username` is what they prove. */
  succeeded(caller: Caller): void;
  /** Credentials were looked at, and were not good. Not called when they could not be looked at. */
  failed(caller: Caller): void;
}
