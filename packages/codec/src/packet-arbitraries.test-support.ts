import fc from 'fast-check';
import { PacketType, type ProtocolVersion } from './constants.js';
import type { Packet, Properties, SubscribeRequest, UserProperty, Will } from './packets.js';
import { isReasonCodeOf, ReasonCode } from './reason-codes.js';

// Packets that can be sent in a given version, in the form in which they are decoded: what the version has no place for
// is absent.

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => value.replaceAll('\0', ''));
const longText = fc
  .integer({ min: 40, max: 400 })
  .chain((length) => fc.constantFrom('x'.repeat(length), '\u20ac'.repeat(length)));
const anyText = fc.oneof({ weight: 9, arbitrary: text }, longText);
const binary = fc.uint8Array({ maxLength: 20 });
const flag = fc.constantFrom(0, 1);
const qos = fc.constantFrom(0, 1, 2);
const uint16 = fc.oneof(fc.constantFrom(0, 1, 255, 256, 65535), fc.integer({ min: 0, max: 65535 }));
const positive16 = uint16.map((value) => value || 1);
const uint32 = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const subscriptionIdentifier = fc.oneof(
  fc.constantFrom(1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455),
  fc.integer({ min: 1, max: 268435455 }),
);

/** A valid topic name. */
export const topicName = anyText.map((value) => value.replaceAll(/[+#]/g, '-') || '/');

const level = fc.oneof(
  fc.constant('+'),
  fc.constant(''),
  topicName.map((name) => name.replaceAll('/', '')),
);
/** A valid topic filter that is not a shared one. */
export const topicFilter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 5 }), fc.constantFrom('', '/#'))
  .map(([levels, tail]) => (levels.join('/') + tail).replace(/^$/, '#').replace(/^\$share\//, 'share/'));

const userProperties: fc.Arbitrary<UserProperty[]> = fc.array(fc.tuple(anyText, text), { minLength: 1, maxLength: 4 });

const propertyArbitraries: { [K in keyof Properties]-?: fc.Arbitrary<NonNullable<Properties[K]>> } = {
  payloadFormatIndicator: flag as fc.Arbitrary<0 | 1>,
  messageExpiryInterval: uint32,
  contentType: anyText,
  responseTopic: topicName,
  correlationData: binary,
  subscriptionIdentifiers: fc.array(subscriptionIdentifier, { minLength: 1, maxLength: 4 }),
  sessionExpiryInterval: uint32,
  assignedClientIdentifier: text,
  serverKeepAlive: uint16,
  authenticationMethod: text,
  authenticationData: binary,
  requestProblemInformation: flag as fc.Arbitrary<0 | 1>,
  willDelayInterval: uint32,
  requestResponseInformation: flag as fc.Arbitrary<0 | 1>,
  responseInformation: text,
  serverReference: text,
  reasonString: anyText,
  receiveMaximum: positive16,
  topicAliasMaximum: uint16,
  topicAlias: positive16,
  maximumQoS: flag as fc.Arbitrary<0 | 1>,
  retainAvailable: flag as fc.Arbitrary<0 | 1>,
  userProperties,
  maximumPacketSize: uint32.map((value) => value || 1),
  wildcardSubscriptionAvailable: flag as fc.Arbitrary<0 | 1>,
  subscriptionIdentifierAvailable: flag as fc.Arbitrary<0 | 1>,
  sharedSubscriptionAvailable: flag as fc.Arbitrary<0 | 1>,
};

const WILL_KEYS = [
  'payloadFormatIndicator',
  'messageExpiryInterval',
  'contentType',
  'responseTopic',
  'correlationData',
  'willDelayInterval',
  'userProperties',
] as const;
const PUBLISH_KEYS = [
  ...WILL_KEYS.filter((key) => key !== 'willDelayInterval'),
  'subscriptionIdentifiers',
  'topicAlias',
] as const;
const AUTHENTICATION_KEYS = ['authenticationMethod', 'authenticationData'] as const;
const SESSION_KEYS = ['sessionExpiryInterval', 'receiveMaximum', 'topicAliasMaximum', 'maximumPacketSize'] as const;
const CONNECT_KEYS = [
  ...SESSION_KEYS,
  ...AUTHENTICATION_KEYS,
  'requestProblemInformation',
  'requestResponseInformation',
  'userProperties',
] as const;
const REASON_KEYS = ['reasonString', 'userProperties'] as const;
const CONNACK_KEYS = [
  ...SESSION_KEYS,
  ...AUTHENTICATION_KEYS,
  ...REASON_KEYS,
  'assignedClientIdentifier',
  'serverKeepAlive',
  'responseInformation',
  'serverReference',
  'maximumQoS',
  'retainAvailable',
  'wildcardSubscriptionAvailable',
  'subscriptionIdentifierAvailable',
  'sharedSubscriptionAvailable',
] as const;

/** `{ properties }` with some of `keys` in it, or `{}`: before 5.0, and when none was drawn. */
function propertiesOf(
  version: ProtocolVersion,
  keys: readonly (keyof Properties)[],
): fc.Arbitrary<{ properties?: Properties }> {
  if (version !== 5) return fc.constant({});
  const record = Object.fromEntries(keys.map((key) => [key, propertyArbitraries[key]]));
  return fc.record<Properties>(record, { requiredKeys: [] }).map((properties) => {
    if (properties.authenticationMethod === undefined) delete properties.authenticationData;
    return Object.keys(properties).length === 0 ? {} : { properties };
  });
}

function reasonCodeOf(version: ProtocolVersion, type: PacketType): fc.Arbitrary<ReasonCode> {
  if (version !== 5) return fc.constant(ReasonCode.SUCCESS);
  return fc.constantFrom(...Object.values(ReasonCode).filter((code) => isReasonCodeOf(type, code)));
}

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const will: fc.Arbitrary<Will> = fc
    .tuple(
      fc.record({ topic: topicName, payload: binary, qos, retain: fc.boolean() }),
      propertiesOf(version, WILL_KEYS),
    )
    .map(([fields, properties]) => ({ ...fields, ...properties }));
  const optional: fc.Arbitrary<{ will?: Will; username?: string; password?: Uint8Array; bridge?: true }> = fc
    .record({ will, username: text, password: binary, bridge: fc.constant(true as const) }, { requiredKeys: [] })
    .map((fields) => {
      if (version === 5) delete fields.bridge;
      else if (fields.username === undefined) delete fields.password;
      return fields;
    });
  return fc
    .tuple(
      fc.record({ clean: fc.boolean(), keepAlive: uint16, clientId: anyText }),
      optional,
      propertiesOf(version, CONNECT_KEYS),
    )
    .map(([fields, extra, properties]) => ({
      type: PacketType.CONNECT,
      protocolVersion: version,
      ...fields,
      ...extra,
      ...properties,
    }));
}

function connack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const code = version === 5 ? reasonCodeOf(5, PacketType.CONNACK) : fc.constantFrom(0, 1, 2, 3, 4, 5);
  return fc
    .tuple(fc.boolean(), code, propertiesOf(version, CONNACK_KEYS))
    .map(([sessionPresent, reasonCode, properties]) => ({
      type: PacketType.CONNACK,
      sessionPresent: sessionPresent && reasonCode === 0 && version !== 3,
      reasonCode: reasonCode as ReasonCode,
      ...properties,
    }));
}

/** PUBLISH packets of one version. */
export function publish(version: ProtocolVersion) {
  return fc
    .tuple(
      fc.record({ topic: topicName, payload: fc.uint8Array({ maxLength: 300 }), retain: fc.boolean() }),
      qos,
      fc.boolean(),
      positive16,
      propertiesOf(version, PUBLISH_KEYS),
    )
    .map(([fields, level, dup, packetId, properties]) => ({
      type: PacketType.PUBLISH,
      ...fields,
      qos: level,
      dup: dup && level > 0,
      ...(level > 0 ? { packetId } : {}),
      ...properties,
    }));
}

function acknowledgement(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc
    .constantFrom(PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP)
    .chain((type) =>
      fc
        .tuple(positive16, reasonCodeOf(version, type), propertiesOf(version, REASON_KEYS))
        .map(([packetId, reasonCode, properties]) => ({ type, packetId, reasonCode, ...properties }) as Packet),
    );
}

function subscribeRequest(version: ProtocolVersion): fc.Arbitrary<SubscribeRequest> {
  if (version !== 5) {
    return fc
      .record({ filter: topicFilter, qos })
      .map((fields) => ({ ...fields, noLocal: false, retainAsPublished: false, retainHandling: 0 }));
  }
  return fc
    .tuple(
      fc.record({
        filter: topicFilter,
        qos,
        noLocal: fc.boolean(),
        retainAsPublished: fc.boolean(),
        retainHandling: qos,
      }),
      fc.boolean(),
    )
    .map(([request, shared]) =>
      shared ? { ...request, filter: `$share/group/${request.filter}`, noLocal: false } : request,
    );
}

function subscription(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const single = propertiesOf(version, ['userProperties', 'subscriptionIdentifiers']).map(({ properties }) => {
    if (properties?.subscriptionIdentifiers === undefined) return properties === undefined ? {} : { properties };
    return { properties: { ...properties, subscriptionIdentifiers: properties.subscriptionIdentifiers.slice(0, 1) } };
  });
  const subackCodes =
    version === 5 ? reasonCodeOf(5, PacketType.SUBACK) : fc.constantFrom<ReasonCode[]>(0x00, 0x01, 0x02, 0x80);
  const unsubackCodes = fc.array(reasonCodeOf(5, PacketType.UNSUBACK), { minLength: 1, maxLength: 5 });
  return fc.oneof(
    fc
      .tuple(positive16, fc.array(subscribeRequest(version), { minLength: 1, maxLength: 5 }), single)
      .map(([packetId, subscriptions, properties]) => ({
        type: PacketType.SUBSCRIBE,
        packetId,
        subscriptions,
        ...properties,
      })),
    fc
      .tuple(positive16, fc.array(subackCodes, { minLength: 1, maxLength: 5 }), propertiesOf(version, REASON_KEYS))
      .map(([packetId, reasonCodes, properties]) => ({
        type: PacketType.SUBACK,
        packetId,
        reasonCodes,
        ...properties,
      })),
    fc
      .tuple(
        positive16,
        fc.array(topicFilter, { minLength: 1, maxLength: 5 }),
        propertiesOf(version, ['userProperties']),
      )
      .map(([packetId, filters, properties]) => ({ type: PacketType.UNSUBSCRIBE, packetId, filters, ...properties })),
    fc
      .tuple(positive16, version === 5 ? unsubackCodes : fc.constant([]), propertiesOf(version, REASON_KEYS))
      .map(([packetId, reasonCodes, properties]) => ({
        type: PacketType.UNSUBACK,
        packetId,
        reasonCodes,
        ...properties,
      })),
  );
}

function session(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const ping = fc.constantFrom<Packet[]>({ type: PacketType.PINGREQ }, { type: PacketType.PINGRESP });
  const disconnect: fc.Arbitrary<Packet> = fc
    .tuple(
      reasonCodeOf(version, PacketType.DISCONNECT),
      propertiesOf(version, [...REASON_KEYS, 'sessionExpiryInterval', 'serverReference']),
    )
    .map(([reasonCode, properties]) => ({ type: PacketType.DISCONNECT, reasonCode, ...properties }));
  if (version !== 5) return fc.oneof(ping, disconnect);
  const auth: fc.Arbitrary<Packet> = fc
    .tuple(reasonCodeOf(5, PacketType.AUTH), text, propertiesOf(5, [...REASON_KEYS, 'authenticationData']))
    .map(([reasonCode, authenticationMethod, { properties }]) => ({
      type: PacketType.AUTH,
      reasonCode,
      properties: { ...properties, authenticationMethod },
    }));
  return fc.oneof(ping, disconnect, auth);
}

/** Packets of one version, of all types. */
export function packets(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.oneof(
    connect(version),
    connack(version),
    publish(version),
    acknowledgement(version),
    subscription(version),
    session(version),
  );
}
