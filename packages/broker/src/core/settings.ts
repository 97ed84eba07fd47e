import type { ProtocolVersion, QoS } from '@cauldron/codec';

/**
 * What the broker holds to, with the default and the abuse that each bound stops. The names in mosquitto.conf and their
 * units stand in `config/options.ts`; here are plain numbers, `Infinity` for "no limit". Read at the moment of use, so
 * that a reload takes effect at once.
 */
export interface Settings {
  /** Largest packet taken from a client, in bytes: what one client can make the broker hold in one piece. */
  maximumPacketSize: number;
  /** Messages of QoS 1 and 2 that one client may have unacknowledged at once, in each direction. */
  maxInflightMessages: number;
  /**
   * Bytes of payload with QoS 1 and 2 that may be unacknowledged by one client. The next message goes out while fewer are,
   * so one that is larger goes out alone.
   */
  maxInflightBytes: number;
  /** Largest payload that is passed on, in bytes; the exchange with the publisher of a larger one is completed. */
  maxPayloadBytes: number;
  /** Messages that wait for one client beyond that window: an absent client cannot fill the memory or the disk. */
  maxQueuedMessages: number;
  /** The same in bytes of topic, payload and properties: the next message is taken while fewer wait. */
  maxQueuedBytes: number;
  /** Whether QoS 0 messages wait for absent clients with a lasting session, too. */
  queueQoS0Messages: boolean;
  /** Bytes that may wait for one connection's socket; once there are as many, QoS 0 messages to it are dropped, and counted. */
  maxOutputBytes: number;
  /**
   * How long a publisher is not read for the sake of one subscriber that lags, in ms: a slow or silent subscriber cannot
   * hold others up for longer. 0: never.
   */
  maxPublisherWaitMs: number;
  /** Longest keep-alive in seconds that a client may choose; 0: any. Above: 5.0 is told another, 3.x is refused. */
  maxKeepAliveS: number;
  /** Time from the network connection to a whole CONNECT, in ms: silent connections cannot pile up. */
  connectTimeoutMs: number;
  /** Live connections, clients and others: what a flood of connections can take. */
  maxConnections: number;
  /** Sessions, connected or not: what a flood of client ids can take. */
  maxClients: number;
  /** Memory of the program's heap and buffers, in bytes: beyond it nothing new is taken, instead of an end without a word. */
  memoryLimitBytes: number;
  /** Longest session expiry in seconds that is granted. */
  maxSessionExpiryS: number;
  /** Subscriptions of one session. */
  maxSubscriptions: number;
  /** Levels of a topic or filter: each is a node of an index. */
  maxTopicLevels: number;
  /** Whether clients may send retained messages; false refuses them. */
  retainAvailable: boolean;
  /** Whether a retained message is given out only while its publisher may still write to the topic. */
  checkRetainSource: boolean;
  /** How often retained messages that have expired are looked for, in ms; 0: they go when somebody asks for their topic. */
  retainExpiryIntervalMs: number;
  /** True: overlapping subscriptions each get the message. False: once, with the highest QoS and all identifiers. */
  allowDuplicateMessages: boolean;
  /** Messages that one client may publish in a second; it is not read while it has published more. */
  maxPublishRate: number;
  /** The same in bytes of its PUBLISH packets. */
  maxPublishBytesRate: number;
  /** What a 5.0 client is told of why it may not publish or subscribe: nothing, that it may not, or the rule as well. */
  accessReasons: 'none' | 'short' | 'full';
  /** How the ids of all clients have to begin; empty: as they like. */
  clientIdPrefix: string;
  /** Deliver with the QoS of the subscription even if the message came with less. */
  upgradeOutgoingQoS: boolean;
  /** Whether connecting and leaving clients are logged. */
  connectionMessages: boolean;
  /** Given to 5.0 clients that ask for response information: the prefix of the topics for their responses. */
  responseTopicPrefix: string;
}

export const DEFAULT_SETTINGS: Settings = {
  maximumPacketSize: 2_000_000,
  maxInflightMessages: 20,
  maxInflightBytes: Number.POSITIVE_INFINITY,
  maxPayloadBytes: Number.POSITIVE_INFINITY,
  maxQueuedMessages: 1000,
  maxQueuedBytes: Number.POSITIVE_INFINITY,
  queueQoS0Messages: false,
  maxOutputBytes: 16 * 1024 * 1024,
  maxPublisherWaitMs: 200,
  maxKeepAliveS: 0,
  connectTimeoutMs: 30_000,
  maxConnections: Number.POSITIVE_INFINITY,
  maxClients: Number.POSITIVE_INFINITY,
  memoryLimitBytes: Number.POSITIVE_INFINITY,
  maxSessionExpiryS: Number.POSITIVE_INFINITY,
  maxSubscriptions: 100_000,
  maxTopicLevels: 200,
  retainAvailable: true,
  checkRetainSource: true,
  retainExpiryIntervalMs: 0,
  allowDuplicateMessages: true,
  maxPublishRate: Number.POSITIVE_INFINITY,
  maxPublishBytesRate: Number.POSITIVE_INFINITY,
  accessReasons: 'short',
  clientIdPrefix: '',
  upgradeOutgoingQoS: false,
  connectionMessages: true,
  responseTopicPrefix: 'response/',
};

/**
 * Where a client's user name comes from: what CONNECT says; the common name in its certificate, or its TLS-PSK identity;
 * the subject of its certificate.
 */
export type UsernameSource = 'connect' | 'identity' | 'subject';

/** What may differ from listener to listener. Never changed: `Broker.replacePolicies` puts another in its place. */
export interface ListenerPolicy {
  /** For logs and errors: `127.0.0.1:1883`. */
  readonly name: string;
  /** Names the rules that decide about its clients: those of the broker, or with `per_listener_settings` its own. */
  readonly access: string;
  /** Whether clients without a user name get in. */
  readonly allowAnonymous: boolean;
  /** Whether a client may leave its id to the broker. */
  readonly allowEmptyClientId: boolean;
  /** How ids that the broker makes begin. */
  readonly assignedClientIdPrefix: string;
  readonly usernameFrom: UsernameSource;
  /** The user name is the client id, whatever CONNECT says; a client without one is refused. */
  readonly usesUsernameAsClientId: boolean;
  /** What is put in front of each topic and filter of its clients; empty: nothing. See `MountPoint`. */
  readonly mountPoint: string;
  readonly acceptedVersions: readonly ProtocolVersion[];
  /** Publishing with more is refused; 5.0 clients are told. */
  readonly maximumQoS: QoS;
  /** Topic aliases that a client may define towards the broker. */
  readonly maxTopicAliasesFromClient: number;
  /** Topic aliases that the broker uses towards a client that allows them. */
  readonly maxTopicAliasesToClient: number;
}

export const DEFAULT_LISTENER: ListenerPolicy = {
  name: 'default',
  access: '',
  allowAnonymous: true,
  allowEmptyClientId: true,
  assignedClientIdPrefix: 'auto-',
  usernameFrom: 'connect',
  usesUsernameAsClientId: false,
  mountPoint: '',
  acceptedVersions: [3, 4, 5],
  maximumQoS: 2,
  maxTopicAliasesFromClient: 10,
  maxTopicAliasesToClient: 10,
};
