import type { Properties, ProtocolVersion, QoS, RetainHandling, UserProperty } from '@cauldron/codec';
import type { Authentication } from './authentication/authentication.js';
import type { ConnectionOwner } from './connection/connection-owner.js';
import type { NetworkOptions } from './network-options.js';
import type { Outbox } from './outbox.js';
import type { BirthOptions, PresenceOptions } from './reconnection/presence.js';
import type { ReconnectOptions } from './reconnection/reconnect.js';
import type { Session } from './session/session.js';
import type { MessageHandler } from './subscriptions/subscription.js';
import type { TlsOptions } from './tls-options.js';

export interface WillOptions {
  topic: string;
  /** Empty when absent. */
  payload?: string | Uint8Array;
  /** 0 when absent. */
  qos?: QoS;
  retain?: boolean;
  /** 5.0 only; intervals in seconds. */
  properties?: Pick<
    Properties,
    | 'willDelayInterval'
    | 'payloadFormatIndicator'
    | 'messageExpiryInterval'
    | 'contentType'
    | 'responseTopic'
    | 'correlationData'
    | 'userProperties'
  >;
}

/** What MQTT 3 has no room for (properties) is left out when an older version is spoken. */
export interface ConnectOptions {
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. Default 5. */
  protocolVersion?: ProtocolVersion;
  /** Default: empty, so that the server chooses one; with 3.1, which has no empty ones, a random one. */
  clientId?: string;
  username?: string;
  password?: string | Uint8Array;
  /** Proves who the client is, and perhaps who the server is, by a method that both know; 5.0 only. Default: none. */
  authentication?: Authentication;
  /**
   * Begin with an empty session. Default true, and false with an `outbox`, whose messages are sent even after a clean start,
   * but as new ones. With false the server keeps the session, for which 3.1.1 needs a
   * `clientId`; hand in the `session` too to go on with what was on its way.
   */
  clean?: boolean;
  /**
   * The session of an earlier client, for `clean: false`. Without it, or with one that is new, the caller says that
   * nothing is on its way, whatever the server may still know of the session.
   */
  session?: Session;
  /**
   * Seconds that the server keeps the session after the connection, 5.0 only. Default: for ever unless `clean`; else 300 with
   * `reconnect`, so that the session survives a cut of the network (`disconnect` then ends it), and 0 without.
   */
  sessionExpiryInterval?: number;
  /**
   * Connect again when a connection ends, unless that is pointless, as with a wrong password. Default true. The session goes
   * on with 5.0, and with `clean: false`; otherwise the server begins a new one, and what is on its way is sent anew.
   */
  reconnect?: boolean | ReconnectOptions;
  /**
   * What becomes of messages, subscriptions and other requests while there is no connection: they wait for the next one, or
   * are rejected with Offline at once. Default `queue`.
   */
  offline?: 'queue' | 'fail';
  /** Messages that may wait for a connection before `publish` refuses with OutboxFull. Default 10,000. */
  maximumQueuedMessages?: number;
  /**
   * Bytes of received messages that may wait for the program, in iterators; with more, the client reads no more unless it
   * waits for an answer itself. Beyond 64 times as much, messages with QoS 0 are dropped. Default 1 MiB.
   */
  maximumReceivedBytes?: number;
  /**
   * Where messages with QoS 1 and 2 survive this process, to be sent by the next one: `fileOutbox`, `indexedDbOutbox`. It
   * needs a `clientId`, by which the server knows the session again, and is not for a `session` of an earlier client.
   * Default: they live in memory only.
   */
  outbox?: Outbox;
  /** Seconds without traffic after which the connection is probed, 0 to 65535; 0 is never. Default 60. */
  keepAliveSeconds?: number;
  /** Milliseconds that the server may be silent after a probe. Default 10,000. */
  pingTimeoutMs?: number;
  /** Milliseconds for reaching the server and for its answer to CONNECT. Default 30,000. */
  connectTimeoutMs?: number;
  /** Messages with QoS 1 and 2 that are sent before the first of them is acknowledged, 1 to 65535. Default 100. */
  maximumInflight?: number;
  /** Bytes that may wait to be sent before `publish` refuses with OutboxFull. Default 64 MiB. */
  maximumBufferedBytes?: number;
  /** Bytes of the largest packet to take. Default: any that MQTT can express. */
  maximumPacketSize?: number;
  /** Messages with QoS 1 and 2 that the server may send before the first is acknowledged, 5.0 only. Default 65535. */
  receiveMaximum?: number;
  /** Topic aliases that the server may use, 0 to 65535, 5.0 only. Default 0. */
  topicAliasMaximum?: number;
  requestProblemInformation?: boolean;
  requestResponseInformation?: boolean;
  /** 5.0 only. */
  userProperties?: readonly UserProperty[];
  /** Published by the server when the connection ends without `disconnect`. */
  will?: WillOptions;
  /** A retained message that always tells whether the client is there: takes the place of `will`. */
  presence?: PresenceOptions;
  /** Published at each connect, before anything that waits. */
  birth?: BirthOptions;
  /**
   * Topics that are published to again and again are sent as numbers, as many as the server takes; 5.0 only. Those of less
   * than 24 bytes are not worth it, and messages with properties keep their topics. Default true; a `topicAlias` in the
   * properties of a message ends it for its connection.
   */
  automaticTopicAliases?: boolean;
  /** Takes the messages for which no subscription has a handler, such as those that waited in a kept session. */
  onMessage?: MessageHandler;
  /** Sees every packet, for logs and debugging. */
  trace?: ConnectionOwner['trace'];
  /** For `mqtts:` and `wss:`. */
  tls?: TlsOptions;
  /** For all but browsers. */
  network?: NetworkOptions;
  /** Gives up the attempt to connect; it has no effect later. */
  signal?: AbortSignal;
}

/** 5.0 only; intervals in seconds. */
export type PublishProperties = Pick<
  Properties,
  | 'payloadFormatIndicator'
  | 'messageExpiryInterval'
  | 'topicAlias'
  | 'responseTopic'
  | 'correlationData'
  | 'contentType'
  | 'userProperties'
>;

export interface PublishOptions {
  /** Default 0. */
  qos?: QoS;
  /** Default false. */
  retain?: boolean;
  properties?: PublishProperties;
  /**
   * With QoS 1 and 2, what `publish` waits for: that the server has acknowledged the message, or that the outbox of the client
   * has stored it, from where it goes to the server even if this process ends. Default `acknowledged`.
   */
  until?: 'stored' | 'acknowledged';
  /** Ends the waiting. The message is not taken back: it may have been sent. */
  signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** The highest QoS in which messages are to come. Default 0. */
  qos?: QoS;
  /** Not the messages of this client itself, 5.0 only. Default false. */
  noLocal?: boolean;
  /** Messages keep the retain flag that they were published with, 5.0 only. Default false. */
  retainAsPublished?: boolean;
  /** When retained messages are sent: 0 always, 1 if the subscription is new, 2 never; 5.0 only. Default 0. */
  retainHandling?: RetainHandling;
  /** 1 to 268,435,455; comes back with each message, 5.0 only. */
  subscriptionIdentifier?: number;
  /** 5.0 only. */
  userProperties?: readonly UserProperty[];
  /** Ends the waiting, and the subscription itself once there is one. */
  signal?: AbortSignal;
}

export interface UnsubscribeOptions {
  /** 5.0 only. */
  userProperties?: readonly UserProperty[];
  /** Ends the waiting. */
  signal?: AbortSignal;
}
