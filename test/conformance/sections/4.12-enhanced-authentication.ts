import type { ServerPacketOf } from '../raw/packet-reader.js';
import { authPacket, type ConnectFields, connectPacket, pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import type { Properties } from '../raw/property-table.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** The method, the question and the right answer of the arrangement `enhanced-authentication`. */
const METHOD = 'conformance';
const QUESTION = 'who?';
const ANSWER = 'me';

const CONTINUE = 0x18;
const REAUTHENTICATE = 0x19;
const PROTOCOL_ERROR = 0x82;
const NOT_AUTHORIZED = 0x87;
const BAD_AUTHENTICATION_METHOD = 0x8c;
const BAD_USER_NAME_OR_PASSWORD = 0x86;
/** How a server may say that the proof was not good. */
const NOT_PROVEN = [NOT_AUTHORIZED, BAD_USER_NAME_OR_PASSWORD, BAD_AUTHENTICATION_METHOD];

function proof(data: string, authenticationMethod = METHOD): Properties {
  return { authenticationMethod, authenticationData: Buffer.from(data) };
}

/** A client that has sent CONNECT with the method, and was asked. */
async function asked(t: ServerTest, fields: Partial<ConnectFields> = {}): Promise<RawClient> {
  const client = await t.open();
  client.send(connectPacket(5, { clientId: t.clientId(), properties: { authenticationMethod: METHOD }, ...fields }));
  isQuestion(t, await client.receive('AUTH'));
  return client;
}

function isQuestion(t: ServerTest, auth: ServerPacketOf<'AUTH'>): void {
  t.equal(auth.reasonCode, CONTINUE, 'The reason code of AUTH');
  t.equal(auth.properties.authenticationMethod, METHOD, 'The method in AUTH');
  t.equal(auth.properties.authenticationData?.toString(), QUESTION, 'The data in AUTH');
}

/** A client that has proven who it is, and its CONNACK. */
async function proven(t: ServerTest): Promise<{ client: RawClient; connack: ServerPacketOf<'CONNACK'> }> {
  const client = await asked(t);
  client.send(authPacket(CONTINUE, proof(ANSWER)));
  return { client, connack: await client.receive('CONNACK') };
}

export const enhancedAuthentication = serverSection('4.12 Enhanced authentication', (test) => {
  test('an authentication method that the server does not know is refused', { 5: 'MQTT-4.12.0-1' }, async (t) => {
    const client = await t.open();
    const properties = { authenticationMethod: 'no server has this one' };
    client.send(connectPacket(5, { clientId: t.clientId(), properties }));
    await client.isRefused([BAD_AUTHENTICATION_METHOD, NOT_AUTHORIZED]);
  });

  test(
    'the server asks with AUTH 0x18, and lets the client in that answers it',
    { 5: ['MQTT-4.12.0-2', 'MQTT-4.12.0-5'] },
    async (t) => {
      const { client, connack } = await proven(t);
      t.equal(connack.reasonCode, 0, 'The reason code of CONNACK');
      t.equal(connack.properties.authenticationMethod, METHOD, 'The method in CONNACK');
      await client.isQuiet();
    },
    'enhanced-authentication',
  );

  test(
    'a client that gives a wrong answer is refused',
    { 5: 'MQTT-4.12.0-4' },
    async (t) => {
      const client = await asked(t);
      client.send(authPacket(CONTINUE, proof('not me')));
      await client.isRefused(NOT_PROVEN);
    },
    'enhanced-authentication',
  );

  test(
    'nothing that a client sends before CONNACK has an effect',
    { 5: 'MQTT-4.12.0-4' },
    async (t) => {
      const { client: subscriber } = await proven(t);
      await subscriber.subscribe(t.topic());
      const client = await asked(t);
      client.send(publishPacket(5, { topic: t.topic(), payload: 'too early' }));
      await client.isRefused([PROTOCOL_ERROR, ...NOT_PROVEN]);
      await subscriber.isQuiet();
    },
    'enhanced-authentication',
  );

  test(
    'an AUTH that names another method ends the connection',
    { 5: 'MQTT-4.12.0-5' },
    async (t) => {
      const client = await asked(t);
      client.send(authPacket(CONTINUE, proof(ANSWER, 'another')));
      await client.isRefused([PROTOCOL_ERROR, ...NOT_PROVEN]);
    },
    'enhanced-authentication',
  );

  test('a client without a method gets neither AUTH nor a method in CONNACK', { 5: 'MQTT-4.12.0-6' }, async (t) => {
    const client = await t.open();
    const { properties } = await client.connect({ clientId: t.clientId(), username: 'fry', password: 'slurm' });
    t.equal(properties.authenticationMethod, undefined, 'The method in CONNACK');
    await client.isQuiet();
  });

  test(
    'a client without a method gets no AUTH from a server that has methods, either',
    { 5: 'MQTT-4.12.0-6' },
    async (t) => {
      const client = await t.open();
      const { properties } = await client.connect({ clientId: t.clientId() });
      t.equal(properties.authenticationMethod, undefined, 'The method in CONNACK');
      await client.isQuiet();
    },
    'enhanced-authentication',
  );

  test(
    'a client may prove again who it is, and goes on',
    { 5: ['MQTT-4.12.0-2', 'MQTT-4.12.0-5'] },
    async (t) => {
      const { client } = await proven(t);
      client.send(authPacket(REAUTHENTICATE, proof('')));
      isQuestion(t, await client.receive('AUTH'));
      // Other packets go on meanwhile.
      client.send(pingreqPacket());
      await client.receive('PINGRESP');
      client.send(authPacket(CONTINUE, proof(ANSWER)));
      const { reasonCode, properties } = await client.receive('AUTH');
      t.equal(reasonCode, 0, 'The reason code of AUTH');
      t.equal(properties.authenticationMethod, METHOD, 'The method in AUTH');
      await client.isQuiet();
    },
    'enhanced-authentication',
  );

  test(
    'a client that fails to prove again who it is, is disconnected',
    { 5: 'MQTT-4.12.1-2' },
    async (t) => {
      const { client } = await proven(t);
      client.send(authPacket(REAUTHENTICATE, proof('')));
      await client.receive('AUTH');
      client.send(authPacket(CONTINUE, proof('not me')));
      await client.isRefused([NOT_AUTHORIZED]);
    },
    'enhanced-authentication',
  );
});
