import type { Origin } from './parse.js';

/** Which way messages go over a bridge: from here, to here, or both. */
export type BridgeDirection = 'out' | 'in' | 'both';

/** A `topic` line of a bridge: what is taken from one side and how it is called on the other. */
export interface BridgeTopic {
  /** Filter or topic behind the prefixes; empty: the prefixes are the topics, one on each side. */
  readonly pattern: string;
  readonly direction: BridgeDirection;
  readonly qos: 0 | 1 | 2;
  /** Put in front of the pattern here, and taken away from what goes out; empty: nothing. */
  readonly localPrefix: string;
  /** The same on the other side. */
  readonly remotePrefix: string;
  /** What is subscribed to here for `out` and `both`. */
  readonly localFilter: string;
  /** What is subscribed to there for `in` and `both`. */
  readonly remoteFilter: string;
}

export interface BridgeAddress {
  readonly host: string;
  readonly port: number;
}

/** How long a bridge waits until it connects again: always the same, or a random time between two bounds. */
export type RestartDelay =
  | { readonly kind: 'constant'; readonly delayMs: number }
  | {
      readonly kind: 'jitter';
      readonly baseMs: number;
      readonly capMs: number;
      /** A connection that lasted that long makes the next wait begin at `baseMs` again; 0: any that was made. */
      readonly stableMs: number;
    };

/** How a bridge speaks TLS: paths and names as they were given. */
export interface BridgeTls {
  /** Null, here and below: nothing was said. */
  readonly caFile: string | null;
  readonly caPath: string | null;
  readonly usesSystemCas: boolean;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Instead of certificates. The key is hexadecimal. */
  readonly psk: { readonly identity: string; readonly key: string } | null;
  readonly alpn: string | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers: string | null;
  readonly ciphersOfTls13: string | null;
  /** The certificate of the other side may be for another name. */
  readonly isInsecure: boolean;
  readonly requiresOcsp: boolean;
}

/** A connection to another broker, and what is exchanged over it. */
export interface BridgeConfig {
  /** Where its `connection` line stands. */
  readonly origin: Origin;
  readonly name: string;
  /** At least one. The first is the one to prefer, unless `isRoundRobin`. */
  readonly addresses: readonly BridgeAddress[];
  readonly isRoundRobin: boolean;
  /** An own address that the connection is made from; null: any. */
  readonly bindAddress: string | null;
  /** `lazy`: connects when `threshold` messages wait, and leaves after `idleTimeoutMs` without any. */
  readonly startType: 'automatic' | 'lazy' | 'once';
  readonly idleTimeoutMs: number;
  readonly threshold: number;
  readonly restart: RestartDelay;
  /** When changed settings take effect: with the next connection, or at once. */
  readonly reload: 'lazy' | 'immediate';
  /** At least one. */
  readonly topics: readonly BridgeTopic[];
  readonly protocolVersion: 3 | 4 | 5;
  readonly keepAliveS: number;
  readonly remoteClientId: string;
  readonly remoteUserName: string | null;
  readonly remotePassword: string | null;
  readonly isCleanSession: boolean;
  /** The bridge as a client of this broker. */
  readonly localClientId: string;
  readonly localUserName: string | null;
  readonly localPassword: string | null;
  readonly isLocalCleanSession: boolean;
  /** Whether it says that it is a bridge, in a way that not every broker understands. */
  readonly triesPrivate: boolean;
  readonly unsubscribesOutTopics: boolean;
  /** False: messages go out without RETAIN. */
  readonly keepsRetainOutgoing: boolean;
  /** Null: its state is published nowhere. */
  readonly notifications: { readonly topic: string; readonly isLocalOnly: boolean } | null;
  /** For MQTT 5, here and below. Null: `max_inflight_messages`. */
  readonly receiveMaximum: number | null;
  readonly maxTopicAliases: number;
  /** `Infinity`: never. */
  readonly sessionExpiryS: number;
  /** `Infinity`: no limit. */
  readonly maximumPacketSize: number;
  /** Null: as the system has it. */
  readonly tcpKeepAlive: { readonly idleS: number; readonly intervalS: number; readonly count: number } | null;
  /** How long sent data may stay unacknowledged; null: as the system has it. */
  readonly tcpUserTimeoutMs: number | null;
  /** Null: it does not speak TLS. */
  readonly tls: BridgeTls | null;
}
