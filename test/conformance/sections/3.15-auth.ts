import type { ServerPacketOf } from '../raw/packet-reader.js';
import { authPacket, byte, connectPacket, frame, properties as propertyList } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** What the arrangement `enhanced-authentication` knows, asks, and takes for an answer. */
const METHOD = { authenticationMethod: 'conformance' };
const QUESTION = 'who?';
const ANSWER = { ...METHOD, authenticationData: Buffer.from('me') };

/** A client that has been asked who it is, and the AUTH that asks. */
async function asked(
  t: ServerTest,
  maximumPacketSize = 268_435_460,
): Promise<{ client: RawClient; auth: ServerPacketOf<'AUTH'> }> {
  const client = await t.open(`maximum ${maximumPacketSize}`);
  client.send(connectPacket(5, { clientId: t.clientId(), properties: { ...METHOD, maximumPacketSize } }));
  return { client, auth: await client.receive('AUTH') };
}

/** A client that was let in, and the AUTHs of a second exchange. */
async function askedAgain(t: ServerTest): Promise<ServerPacketOf<'AUTH'>[]> {
  const { client } = await asked(t);
  client.send(authPacket(0x18, ANSWER));
  await client.receive('CONNACK');
  client.send(authPacket(0x19, METHOD));
  const question = await client.receive('AUTH');
  client.send(authPacket(0x18, ANSWER));
  return [question, await client.receive('AUTH')];
}

export const auth = serverSection('3.15 AUTH', (test) => {
  test(
    'the AUTH packets of the server have flags 0',
    { 5: 'MQTT-3.15.1-1' },
    async (t) => {
      const packets = [(await asked(t)).auth, ...(await askedAgain(t))];
      t.equal(
        packets.map(({ firstByte }) => firstByte),
        [0xf0, 0xf0, 0xf0],
        'The first bytes',
      );
    },
    'enhanced-authentication',
  );

  test(
    'an AUTH with other flags than 0 ends the connection, though its answer is the right one',
    { 5: 'MQTT-3.15.1-1' },
    async (t) => {
      for (let flags = 1; flags < 16; flags++) {
        const { client } = await asked(t);
        const packet = authPacket(0x18, ANSWER);
        packet[0] |= flags;
        client.send(packet);
        await client.isRefused([0x81, 0x82]);
      }
    },
    'enhanced-authentication',
  );

  test(
    'the reason codes of the server are 0x18 for a question and 0x00 at the end',
    { 5: 'MQTT-3.15.2-1' },
    async (t) => {
      const packets = [(await asked(t)).auth, ...(await askedAgain(t))];
      t.equal(
        packets.map(({ reasonCode }) => reasonCode),
        [0x18, 0x18, 0x00],
        'The reason codes',
      );
    },
    'enhanced-authentication',
  );

  test(
    'AUTH keeps within the maximum packet size of the client, if need be without reason string and user properties',
    { 5: ['MQTT-3.15.2-2', 'MQTT-3.15.2-3'] },
    async (t) => {
      const { auth: whole } = await asked(t);
      const needed = propertyList({ ...METHOD, authenticationData: Buffer.from(QUESTION) });
      const bare = frame(0xf0, byte(whole.reasonCode), needed).length;
      for (const maximumPacketSize of new Set([Math.max(whole.bytes.length - 1, bare), bare])) {
        const { auth: cut } = await asked(t, maximumPacketSize);
        const { length } = cut.bytes;
        t.ok(length <= maximumPacketSize, `AUTH has ${length} bytes, the maximum is ${maximumPacketSize}`);
        t.equal(cut.properties.authenticationData?.toString(), QUESTION, 'The data');
      }
    },
    'enhanced-authentication',
  );
});
