import {
  type Connect,
  MAX_PACKET_SIZE,
  NEVER_EXPIRES,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type QoS,
  type RetainHandling,
  type UserProperty,
  type Will,
} from '@cauldron/codec';
import {
  type Authentication,
  type AuthenticationExchange,
  authenticationProperties,
  type BegunAuthentication,
} from './authentication.js';
import type { ConnectionOwner } from './connection-owner.js';
import type { NetworkOptions } from './network-options.js';
import type { Outbox } from './outbox.js';
import type { ReconnectOptions } from './reconnect.js';
import type { Session } from './session.js';
import type { MessageHandler } from './subscription.js';
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
  will?: WillOptions;
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
  /** Ends the waiting; the subscription may come about. */
  signal?: AbortSignal;
}

export interface UnsubscribeOptions {
  /** 5.0 only. */
  userProperties?: readonly UserProperty[];
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/** The options of `connect` as the protocol core needs them: complete and checked. */
export interface ConnectionSettings {
  readonly connect: Connect;
  /** The exchange that `connect` begins; null: none. */
  readonly begun: BegunAuthentication | null;
  /** Bytes of the largest packet that is taken from the server. */
  readonly maximumPacketSize: number;
  /** Milliseconds from the start to CONNACK. */
  readonly connectTimeoutMs: number;
  /** Milliseconds that a server may take for a sign of life after PINGREQ. */
  readonly pingTimeoutMs: number;
  /** Messages with QoS 1 and 2 that are sent without being acknowledged; the server may ask for fewer. */
  readonly maximumInflight: number;
  /** Bytes that may wait to be sent, before `publish` refuses. */
  readonly maximumBufferedBytes: number;
}

const encoder = new TextEncoder();

export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

/**
 * @param exchange that of `options.authentication`, which it began
 * @throws TypeError, RangeError for options that make no sense; what cannot be encoded shows when CONNECT is written
 */
export function connectionSettings(
  options: ConnectOptions,
  exchange: AuthenticationExchange | undefined,
): ConnectionSettings {
  const { maximumInflight = 100, maximumPacketSize = MAX_PACKET_SIZE, receiveMaximum = 65_535 } = options;
  assertRange('maximumInflight', maximumInflight, 1, 65_535);
  assertRange('maximumPacketSize', maximumPacketSize, 1, MAX_PACKET_SIZE);
  assertRange('receiveMaximum', receiveMaximum, 1, 65_535);
  const { authentication } = options;
  const begun = authentication === undefined || exchange === undefined ? null : { authentication, exchange };
  return {
    connect: connectPacket(options, begun),
    begun,
    maximumPacketSize,
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 10_000,
    maximumInflight,
    maximumBufferedBytes: options.maximumBufferedBytes ?? 64 * 1_024 * 1_024,
  };
}

function connectPacket(options: ConnectOptions, begun: BegunAuthentication | null): Connect {
  const { protocolVersion = 5, session, keepAliveSeconds = 60, username, password } = options;
  const clean = isClean(options);
  assertRange('keepAliveSeconds', keepAliveSeconds, 0, 65_535);
  if (options.outbox !== undefined && !options.clientId) {
    throw new TypeError('An outbox needs a clientId: by that the server knows the session of earlier processes');
  }
  if (begun !== null && protocolVersion < 5) {
    throw new TypeError('`authentication` needs protocol version 5: older ones have no packets for it');
  }
  let clientId = options.clientId ?? session?.clientId ?? '';
  const known = session === undefined || session.hasEnded || clean ? '' : session.clientId;
  if (known !== '' && known !== clientId) {
    throw new TypeError(`The session is that of ${known}, not of ${clientId}`); // [MQTT-3.1.3-2]
  }
  if (clientId === '' && !clean && protocolVersion < 5) {
    throw new TypeError('A session that is to be kept needs a clientId'); // [MQTT-3.1.3-8] of 3.1.1
  }
  if (clientId === '' && protocolVersion === 3) clientId = randomClientId();
  const connect: Connect = { type: PacketType.CONNECT, protocolVersion, clean, keepAlive: keepAliveSeconds, clientId };
  if (username !== undefined) connect.username = username;
  if (password !== undefined) connect.password = bytesOf(password);
  if (options.will !== undefined) connect.will = willOf(options.will);
  if (protocolVersion === 5) connect.properties = connectProperties(options, clean, begun);
  return connect;
}

function willOf({ topic, payload = '', qos = 0, retain = false, properties }: WillOptions): Will {
  return { topic, payload: bytesOf(payload), qos, retain, ...(properties && { properties }) };
}

/** Seconds that a session is kept over cuts of the network, if nobody says anything else. */
const DEFAULT_EXPIRY_S = 300;

/** What the connections of a client that reconnects ask for. */
export function sessionExpiryOf(options: ConnectOptions): number {
  return options.sessionExpiryInterval ?? (isClean(options) ? DEFAULT_EXPIRY_S : NEVER_EXPIRES);
}

/** Whether the first connection begins with an empty session. */
export function isClean({ clean, outbox }: ConnectOptions): boolean {
  return clean ?? outbox === undefined;
}

/** What has the default of the standard is not sent. */
function connectProperties(options: ConnectOptions, clean: boolean, begun: BegunAuthentication | null): Properties {
  const properties: Properties =
    begun === null ? {} : authenticationProperties(begun.authentication, begun.exchange.data);
  const sessionExpiryInterval = options.sessionExpiryInterval ?? (clean ? 0 : NEVER_EXPIRES);
  if (sessionExpiryInterval > 0) properties.sessionExpiryInterval = sessionExpiryInterval;
  const { maximumPacketSize, receiveMaximum, topicAliasMaximum, userProperties } = options;
  if (maximumPacketSize !== undefined) properties.maximumPacketSize = maximumPacketSize;
  if (receiveMaximum !== undefined) properties.receiveMaximum = receiveMaximum;
  if (topicAliasMaximum !== undefined) properties.topicAliasMaximum = topicAliasMaximum;
  if (options.requestProblemInformation === false) properties.requestProblemInformation = 0;
  if (options.requestResponseInformation === true) properties.requestResponseInformation = 1;
  if (userProperties !== undefined) properties.userProperties = userProperties;
  return properties;
}

function assertRange(name: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new RangeError(`${name} is a whole number from ${lowest} to ${highest}, not ${value}`);
  }
}

/** At most 23 characters, of those that every server takes (MQTT 3.1). */
function randomClientId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const random = crypto.getRandomValues(new Uint8Array(14));
  let id = 'cauldron-';
  for (const byte of random) id += letters[byte % letters.length];
  return id;
}
