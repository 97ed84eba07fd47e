/** How the value of a property is written (MQTT 5.0, table 2-4). */
export type PropertyKind = 'byte' | 'two' | 'four' | 'varint' | 'string' | 'binary' | 'pair';

/** The packets in which a property may stand, by the name of the packet; `will` is the CONNECT's payload. */
export interface PropertyRow {
  readonly id: number;
  readonly kind: PropertyKind;
  readonly packets: readonly string[];
}

const ACKNOWLEDGEMENTS = ['CONNACK', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBACK', 'UNSUBACK'] as const;

/** The 27 properties of MQTT 5.0, written down from its table 2-4, not taken from the codec that the suite judges. */
export const PROPERTY_TABLE = {
  payloadFormatIndicator: { id: 0x01, kind: 'byte', packets: ['PUBLISH', 'will'] },
  messageExpiryInterval: { id: 0x02, kind: 'four', packets: ['PUBLISH', 'will'] },
  contentType: { id: 0x03, kind: 'string', packets: ['PUBLISH', 'will'] },
  responseTopic: { id: 0x08, kind: 'string', packets: ['PUBLISH', 'will'] },
  correlationData: { id: 0x09, kind: 'binary', packets: ['PUBLISH', 'will'] },
  subscriptionIdentifier: { id: 0x0b, kind: 'varint', packets: ['PUBLISH', 'SUBSCRIBE'] },
  sessionExpiryInterval: { id: 0x11, kind: 'four', packets: ['CONNECT', 'CONNACK', 'DISCONNECT'] },
  assignedClientIdentifier: { id: 0x12, kind: 'string', packets: ['CONNACK'] },
  serverKeepAlive: { id: 0x13, kind: 'two', packets: ['CONNACK'] },
  authenticationMethod: { id: 0x15, kind: 'string', packets: ['CONNECT', 'CONNACK', 'AUTH'] },
  authenticationData: { id: 0x16, kind: 'binary', packets: ['CONNECT', 'CONNACK', 'AUTH'] },
  requestProblemInformation: { id: 0x17, kind: 'byte', packets: ['CONNECT'] },
  willDelayInterval: { id: 0x18, kind: 'four', packets: ['will'] },
  requestResponseInformation: { id: 0x19, kind: 'byte', packets: ['CONNECT'] },
  responseInformation: { id: 0x1a, kind: 'string', packets: ['CONNACK'] },
  serverReference: { id: 0x1c, kind: 'string', packets: ['CONNACK', 'DISCONNECT'] },
  reasonString: { id: 0x1f, kind: 'string', packets: [...ACKNOWLEDGEMENTS, 'DISCONNECT', 'AUTH'] },
  receiveMaximum: { id: 0x21, kind: 'two', packets: ['CONNECT', 'CONNACK'] },
  topicAliasMaximum: { id: 0x22, kind: 'two', packets: ['CONNECT', 'CONNACK'] },
  topicAlias: { id: 0x23, kind: 'two', packets: ['PUBLISH'] },
  maximumQoS: { id: 0x24, kind: 'byte', packets: ['CONNACK'] },
  retainAvailable: { id: 0x25, kind: 'byte', packets: ['CONNACK'] },
  userProperty: {
    id: 0x26,
    kind: 'pair',
    packets: ['CONNECT', 'PUBLISH', 'will', 'SUBSCRIBE', 'UNSUBSCRIBE', ...ACKNOWLEDGEMENTS, 'DISCONNECT', 'AUTH'],
  },
  maximumPacketSize: { id: 0x27, kind: 'four', packets: ['CONNECT', 'CONNACK'] },
  wildcardSubscriptionAvailable: { id: 0x28, kind: 'byte', packets: ['CONNACK'] },
  subscriptionIdentifiersAvailable: { id: 0x29, kind: 'byte', packets: ['CONNACK'] },
  sharedSubscriptionAvailable: { id: 0x2a, kind: 'byte', packets: ['CONNACK'] },
} as const satisfies Record<string, PropertyRow>;

export type PropertyName = keyof typeof PROPERTY_TABLE;

export const PROPERTY_NAMES = Object.keys(PROPERTY_TABLE) as PropertyName[];

/** Properties by name. What may stand several times is a list, in the order of the packet. */
export interface Properties {
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  subscriptionIdentifier?: number[];
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  requestProblemInformation?: number;
  willDelayInterval?: number;
  requestResponseInformation?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: number;
  userProperty?: [name: string, value: string][];
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdentifiersAvailable?: number;
  sharedSubscriptionAvailable?: number;
}
