import {
  acknowledgementPacket,
  authPacket,
  connectPacket,
  disconnectPacket,
  type PropertyList,
  propertyBytes,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../raw/packet-writer.js';
import { PROPERTY_NAMES, PROPERTY_TABLE, type Properties, type PropertyName } from '../raw/property-table.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

const MALFORMED_PACKET = 0x81;
const PROTOCOL_ERROR = 0x82;
/** A misplaced or repeated property is a protocol error to some and a malformed packet to others. */
const WRONG = [PROTOCOL_ERROR, MALFORMED_PACKET];

/** Every packet that a client sends and that has properties, with these in it. */
const PACKETS: Readonly<Record<string, (t: ServerTest, list: PropertyList) => Buffer>> = {
  CONNECT: (t, properties) => connectPacket(5, { clientId: t.clientId(), properties }),
  will: (t, properties) => connectPacket(5, { clientId: t.clientId(), will: { topic: t.topic(), properties } }),
  PUBLISH: (t, properties) => publishPacket(5, { topic: t.topic(), qos: 1, packetId: 1, properties }),
  PUBACK: (_, list) => acknowledgementPacket('PUBACK', 1, 0, list),
  PUBREC: (_, list) => acknowledgementPacket('PUBREC', 1, 0, list),
  PUBREL: (_, list) => acknowledgementPacket('PUBREL', 1, 0, list),
  PUBCOMP: (_, list) => acknowledgementPacket('PUBCOMP', 1, 0, list),
  SUBSCRIBE: (t, list) => subscribePacket(5, 1, [{ filter: t.topic() }], list),
  UNSUBSCRIBE: (t, list) => unsubscribePacket(5, 1, [t.topic()], list),
  DISCONNECT: (_, list) => disconnectPacket(0, list),
  AUTH: (_, list) => authPacket(0x19, list),
};

/** A value that each property allows, where it is allowed. */
const SAMPLES: Required<Properties> = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 60,
  contentType: 'text/plain',
  responseTopic: 'response',
  correlationData: Buffer.from('correlation'),
  subscriptionIdentifier: [1],
  sessionExpiryInterval: 0,
  assignedClientIdentifier: 'assigned',
  serverKeepAlive: 60,
  authenticationMethod: 'method',
  authenticationData: Buffer.from('data'),
  requestProblemInformation: 1,
  willDelayInterval: 0,
  requestResponseInformation: 0,
  responseInformation: 'information',
  serverReference: 'elsewhere',
  reasonString: 'reason',
  receiveMaximum: 10,
  topicAliasMaximum: 10,
  topicAlias: 1,
  maximumQoS: 1,
  retainAvailable: 1,
  userProperty: [['name', 'value']],
  maximumPacketSize: 10_000,
  wildcardSubscriptionAvailable: 1,
  subscriptionIdentifiersAvailable: 1,
  sharedSubscriptionAvailable: 1,
};

/** Values that a property must not have, where it may stand. */
const OUT_OF_RANGE: readonly [packet: string, properties: Properties][] = [
  ['CONNECT', { receiveMaximum: 0 }],
  ['CONNECT', { maximumPacketSize: 0 }],
  ['CONNECT', { requestProblemInformation: 2 }],
  ['CONNECT', { requestResponseInformation: 2 }],
  ['will', { payloadFormatIndicator: 2 }],
  ['PUBLISH', { payloadFormatIndicator: 2 }],
  ['PUBLISH', { topicAlias: 0 }],
  ['SUBSCRIBE', { subscriptionIdentifier: [0] }],
];

function sample(name: PropertyName): Buffer {
  return propertyBytes({ [name]: SAMPLES[name] });
}

/** Sends one packet with these properties; a CONNECT is the first, every other one comes from a connected client. */
async function sent(t: ServerTest, packet: string, list: PropertyList): Promise<RawClient> {
  const isFirst = packet === 'CONNECT' || packet === 'will';
  const client = isFirst ? await t.open() : await t.connected();
  client.send(PACKETS[packet](t, list));
  return client;
}

function mayStandIn(name: PropertyName, packet: string): boolean {
  const packets: readonly string[] = PROPERTY_TABLE[name].packets;
  // Subscription identifiers of a PUBLISH are for the server to add.
  return packets.includes(packet) && !(packet === 'PUBLISH' && name === 'subscriptionIdentifier');
}

export const properties = serverSection('Properties in wrong places', (test) => {
  for (const packet of Object.keys(PACKETS)) {
    const allowed = PROPERTY_NAMES.filter((name) => mayStandIn(name, packet));
    const misplaced = PROPERTY_NAMES.filter((name) => !mayStandIn(name, packet));
    const title =
      packet === 'will' ? 'a will' : packet === 'AUTH' || packet === 'UNSUBSCRIBE' ? `an ${packet}` : `a ${packet}`;

    for (const name of misplaced) {
      test(`${title} with ${name} is refused`, { 5: [] }, async (t) => {
        await (await sent(t, packet, sample(name))).isRefused(WRONG);
      });
    }

    for (const name of allowed.filter((one) => one !== 'userProperty')) {
      test(`${title} with ${name} twice is refused`, { 5: [] }, async (t) => {
        await (await sent(t, packet, Buffer.concat([sample(name), sample(name)]))).isRefused(WRONG);
      });
    }

    test(`${title} with an unknown property is refused`, { 5: [] }, async (t) => {
      for (const id of [0x00, 0x04, 0x10, 0x2b, 0x7f]) {
        await (await sent(t, packet, Buffer.from([id, 0]))).isRefused(WRONG);
      }
    });
  }

  for (const [packet, list] of OUT_OF_RANGE) {
    const [[name, value]] = Object.entries(list);
    test(`${packet} with ${name} ${value} is refused`, { 5: [] }, async (t) => {
      const codes = name === 'topicAlias' ? [0x94, ...WRONG] : WRONG;
      await (await sent(t, packet, list)).isRefused(codes);
    });
  }

  test('a user property may stand in a packet as often as one likes, even with the same name', { 5: [] }, async (t) => {
    const userProperty: [string, string][] = [
      ['name', 'one'],
      ['name', 'two'],
      ['name', 'one'],
    ];
    const client = await t.connected({ properties: { userProperty } });
    await client.subscribe(t.topic(), { userProperty });
    await client.publish({ topic: t.topic(), qos: 1, properties: { userProperty } });
    t.equal((await client.receiveMessage()).properties.userProperty, userProperty, 'The user properties');
    await client.isQuiet();
  });
});
