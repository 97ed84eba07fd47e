import {
  assertTopicName,
  type Connect,
  MAX_PACKET_SIZE,
  NEVER_EXPIRES,
  PacketType,
  type Properties,
  type Will,
} from '@cauldron/codec';
import type { BegunAuthentication } from '../authentication/authentication.js';
import { bytesOf } from '../bytes.js';
import type { ConnectOptions, WillOptions } from '../options.js';
import type { PresenceOptions } from '../reconnection/presence.js';
import type { Session } from '../session/session.js';

/** The options of `connect` as the protocol core needs them: complete and checked. */
export interface ConnectionSettings {
  readonly connect: Connect;
  /** The authentication that `connect` begins; null: none. */
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
  /** Whether topics may be sent as aliases that nobody has asked for. */
  readonly automaticTopicAliases: boolean;
}

/**
 * @param begun by `options.authentication`; null: not yet, or there is none
 * @throws TypeError, RangeError for options that make no sense; what cannot be encoded shows when CONNECT is written
 */
export function connectionSettings(options: ConnectOptions, begun: BegunAuthentication | null): ConnectionSettings {
  const { maximumInflight = 100, maximumPacketSize = MAX_PACKET_SIZE, receiveMaximum = 65_535 } = options;
  assertRange('maximumInflight', maximumInflight, 1, 65_535);
  assertRange('maximumPacketSize', maximumPacketSize, 1, MAX_PACKET_SIZE);
  assertRange('receiveMaximum', receiveMaximum, 1, 65_535);
  return {
    connect: connectPacket(options, begun),
    begun,
    maximumPacketSize,
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 10_000,
    maximumInflight,
    automaticTopicAliases: options.automaticTopicAliases ?? true,
    maximumBufferedBytes: options.maximumBufferedBytes ?? 64 * 1_024 * 1_024,
  };
}

function connectPacket(options: ConnectOptions, begun: BegunAuthentication | null): Connect {
  const { protocolVersion = 5, session, keepAliveSeconds = 60, username, password } = options;
  const clean = isClean(options);
  assertRange('keepAliveSeconds', keepAliveSeconds, 0, 65_535);
  if (options.outbox !== undefined && !options.clientId) {
    throw new TypeError('An outbox needs a clientId');
  }
  if (begun !== null && protocolVersion < 5) {
    throw new TypeError('`authentication` needs protocol version 5');
  }
  let clientId = options.clientId ?? session?.clientId ?? '';
  const known = session === undefined || session.hasEnded || clean ? '' : session.clientId;
  if (known !== '' && known !== clientId) {
    throw new TypeError(`The session is that of ${known}, not of ${clientId}`); // [MQTT-3.1.3-2]
  }
  if (clientId === '' && !clean && protocolVersion < 5) {
    throw new TypeError('A kept session needs a clientId'); // [MQTT-3.1.3-8] of 3.1.1
  }
  if (clientId === '' && protocolVersion === 3) clientId = randomClientId();
  const connect: Connect = { type: PacketType.CONNECT, protocolVersion, clean, keepAlive: keepAliveSeconds, clientId };
  if (username !== undefined) connect.username = username;
  if (password !== undefined) connect.password = bytesOf(password);
  const { presence, birth } = options;
  for (const message of [presence, birth]) if (message !== undefined) assertTopicName(message.topic);
  if (presence !== undefined && options.will !== undefined) {
    throw new TypeError('`presence` is a will already: a connection has only one');
  }
  const will = options.will ?? (presence && absenceOf(presence));
  if (will !== undefined) connect.will = willOf(will);
  if (protocolVersion === 5) connect.properties = connectProperties(options, clean, begun);
  return connect;
}

/** What says that a client with presence is not there. */
export function absenceOf({ topic, offline = 'offline', qos = 1, retain = true }: PresenceOptions): WillOptions {
  return { topic, payload: offline, qos, retain };
}

function willOf({ topic, payload = '', qos = 0, retain = false, properties }: WillOptions): Will {
  return { topic, payload: bytesOf(payload), qos, retain, ...(properties && { properties }) };
}

/** Seconds that a session is kept over cuts of the network, if nobody says anything else. */
const DEFAULT_EXPIRY_S = 300;

/** The options of the next connection of a client that connects again: from the second one on it goes on with its session. */
export function continuingOptions(options: ConnectOptions, hasConnected: boolean, session: Session): ConnectOptions {
  const { protocolVersion = 5 } = options;
  const isFirst = !hasConnected || protocolVersion < 5;
  return {
    ...options,
    // The server may have chosen it.
    clientId: options.clientId || session.clientId,
    clean: isClean(options) && (isFirst || session.hasEnded),
    sessionExpiryInterval: options.sessionExpiryInterval ?? (isClean(options) ? DEFAULT_EXPIRY_S : NEVER_EXPIRES),
  };
}

/** Whether the session is only meant to last over cuts of the network, and ends with the client. */
export function isSessionBrief(options: ConnectOptions): boolean {
  return (
    options.protocolVersion !== 3 &&
    options.protocolVersion !== 4 &&
    options.sessionExpiryInterval === undefined &&
    isClean(options)
  );
}

/** Whether the first connection begins with an empty session. */
export function isClean({ clean, outbox }: ConnectOptions): boolean {
  return clean ?? outbox === undefined;
}

/** What has the default of the standard is not sent. */
function connectProperties(options: ConnectOptions, clean: boolean, begun: BegunAuthentication | null): Properties {
  const properties: Properties = { ...begun?.properties };
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
  const random = [...crypto.getRandomValues(new Uint8Array(14))];
  return `cauldron-${random.map((byte) => (byte % 36).toString(36)).join('')}`;
}
