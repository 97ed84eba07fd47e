import type { PacketType, ProtocolVersion, QoS } from './constants.js';
import type { ConnectReturnCode, ReasonCode } from './reason-codes.js';

/** A name and a value, in the order in which they were sent; names may repeat (MQTT 5.0, section 1.5.7). */
export type UserProperty = readonly [name: string, value: string];

/**
 * The properties of MQTT 5.0, under their own names in camel case. Which packet may carry which stands in the table of
 * `properties.ts`. A property that is absent is `undefined`; the defaults of the standard are the reader's business.
 * Seconds for intervals, bytes for sizes.
 */
export interface Properties {
  payloadFormatIndicator?: 0 | 1;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  /** Several in a PUBLISH that a server sends, exactly one in a SUBSCRIBE. */
  subscriptionIdentifiers?: readonly number[];
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  requestProblemInformation?: 0 | 1;
  willDelayInterval?: number;
  requestResponseInformation?: 0 | 1;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: 0 | 1;
  retainAvailable?: 0 | 1;
  userProperties?: readonly UserProperty[];
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: 0 | 1;
  subscriptionIdentifierAvailable?: 0 | 1;
  sharedSubscriptionAvailable?: 0 | 1;
}

/** Absent in packets of MQTT 3.1 and 3.1.1, and in packets without any property. */
interface WithProperties {
  properties?: Properties;
}

export interface Will extends WithProperties {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
}

export interface Connect extends WithProperties {
  type: typeof PacketType.CONNECT;
  protocolVersion: ProtocolVersion;
  /** True when the top bit of the version byte is set: a bridge announces itself (a Mosquitto extension, 3.1 and 3.1.1). */
  bridge?: boolean;
  /** Clean Session in 3.1 and 3.1.1, Clean Start in 5.0. */
  clean: boolean;
  /** Seconds; 0 turns keep-alive off. */
  keepAlive: number;
  clientId: string;
  will?: Will;
  username?: string;
  password?: Uint8Array;
}

export interface Connack extends WithProperties {
  type: typeof PacketType.CONNACK;
  sessionPresent: boolean;
  /** A `ReasonCode` in 5.0, a `ConnectReturnCode` in 3.1 and 3.1.1. */
  reasonCode: ReasonCode | ConnectReturnCode;
}

export interface Publish extends WithProperties {
  type: typeof PacketType.PUBLISH;
  /** Empty only where a topic alias stands for it. */
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  dup: boolean;
  /** Absent when QoS is 0. */
  packetId?: number;
}

interface Acknowledgement extends WithProperties {
  packetId: number;
  /** Always `SUCCESS` in 3.1 and 3.1.1. */
  reasonCode: ReasonCode;
}
export interface Puback extends Acknowledgement {
  type: typeof PacketType.PUBACK;
}
export interface Pubrec extends Acknowledgement {
  type: typeof PacketType.PUBREC;
}
export interface Pubrel extends Acknowledgement {
  type: typeof PacketType.PUBREL;
}
export interface Pubcomp extends Acknowledgement {
  type: typeof PacketType.PUBCOMP;
}

/** When a server replays retained messages to a SUBSCRIBE: always, only if the subscription is new, never. */
export type RetainHandling = 0 | 1 | 2;

export interface SubscribeRequest {
  filter: string;
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  retainHandling: RetainHandling;
}

export interface Subscribe extends WithProperties {
  type: typeof PacketType.SUBSCRIBE;
  packetId: number;
  subscriptions: readonly SubscribeRequest[];
}

export interface Suback extends WithProperties {
  type: typeof PacketType.SUBACK;
  packetId: number;
  /** One for each subscription, in their order: a granted QoS, or a failure (0x80 in 3.1.1). */
  reasonCodes: readonly ReasonCode[];
}

export interface Unsubscribe extends WithProperties {
  type: typeof PacketType.UNSUBSCRIBE;
  packetId: number;
  filters: readonly string[];
}

export interface Unsuback extends WithProperties {
  type: typeof PacketType.UNSUBACK;
  packetId: number;
  /** Empty in 3.1 and 3.1.1. */
  reasonCodes: readonly ReasonCode[];
}

export interface Pingreq {
  type: typeof PacketType.PINGREQ;
}

export interface Pingresp {
  type: typeof PacketType.PINGRESP;
}

export interface Disconnect extends WithProperties {
  type: typeof PacketType.DISCONNECT;
  /** Always `SUCCESS` in 3.1 and 3.1.1. */
  reasonCode: ReasonCode;
}

/** MQTT 5.0 only. */
export interface Auth extends WithProperties {
  type: typeof PacketType.AUTH;
  reasonCode: ReasonCode;
}

export type Packet =
  | Connect
  | Connack
  | Publish
  | Puback
  | Pubrec
  | Pubrel
  | Pubcomp
  | Subscribe
  | Suback
  | Unsubscribe
  | Unsuback
  | Pingreq
  | Pingresp
  | Disconnect
  | Auth;
