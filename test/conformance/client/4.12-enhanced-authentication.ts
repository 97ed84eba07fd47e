import { type Authentication, AuthenticationFailed, ProtocolViolation } from '@cauldron/client';
import { authPacket, disconnectPacket, publishPacket } from '../raw/packet-writer.js';
import type { RawServer } from '../raw/raw-server.js';
import { connackPacket } from '../raw/server-packet-writer.js';
import type { ClientTest, Connected, DialOptions } from '../suite/client-test.js';
import { clientSection } from '../suite/section.js';

const METHOD = 'conformance';

/** Begins with `hello`, and says `me` to whatever it is asked. */
const AUTHENTICATION: Authentication = {
  method: METHOD,
  begin: () => ({ data: Buffer.from('hello'), respond: () => Buffer.from('me') }),
};

export const enhancedAuthentication = clientSection('4.12 Enhanced authentication', (test) => {
  test('until CONNACK a client with an authentication method sends nothing but AUTH and DISCONNECT', {
    5: 'MQTT-3.1.2-30',
  }, async (t) => {
    const { connecting, server } = await t.dial({ authentication: AUTHENTICATION, keepAliveSeconds: 1 });
    await server.receive('CONNECT');
    for (let count = 0; count < 2; count++) {
      server.send(authPacket(0x18, { authenticationMethod: METHOD }));
      await server.receive('AUTH');
      // Longer than the keep alive: even PINGREQ has to wait.
      await t.pass(1_200);
    }
    t.equal(server.unread, [], 'What the client sent');
    server.send(connackPacket(5, { properties: { authenticationMethod: METHOD } }));
    await t.until(connecting, 'The end of connecting');
    await server.isQuiet();
  });

  test('CONNECT carries the method and its first data, and AUTH of the server is answered by AUTH with 0x18 and the method', {
    5: ['MQTT-4.12.0-3', 'MQTT-4.12.0-5', 'MQTT-3.15.2-1'],
  }, async (t) => {
    const asked: string[] = [];
    const { connecting, server } = await t.dial({
      authentication: {
        method: METHOD,
        begin: () => ({
          data: Buffer.from('hello'),
          respond: (data) => {
            asked.push(Buffer.from(data ?? []).toString());
            return Buffer.from(`answer ${asked.length}`);
          },
        }),
      },
    });
    const connect = await server.receive('CONNECT');
    const hello = { authenticationMethod: METHOD, authenticationData: Buffer.from('hello') };
    t.equal(connect.properties, hello, 'The properties of CONNECT');
    for (const count of [1, 2, 3]) {
      const data = Buffer.from(`question ${count}`);
      server.send(authPacket(0x18, { authenticationMethod: METHOD, authenticationData: data }));
      const { firstByte, reasonCode, properties } = await server.receive('AUTH');
      t.equal([firstByte, reasonCode], [0xf0, 0x18], 'First byte and reason code');
      const answer = { authenticationMethod: METHOD, authenticationData: Buffer.from(`answer ${count}`) };
      t.equal(properties, answer, 'The properties of AUTH');
    }
    server.send(connackPacket(5, { properties: { authenticationMethod: METHOD } }));
    await t.until(connecting, 'The end of connecting');
    t.equal(asked, ['question 1', 'question 2', 'question 3'], 'What the program was asked');
  });

  test('another method in AUTH or in CONNACK ends the connection', { 5: 'MQTT-4.12.0-5' }, async (t) => {
    for (const packet of [
      authPacket(0x18, { authenticationMethod: 'another' }),
      connackPacket(5, { properties: { authenticationMethod: 'another' } }),
      connackPacket(5),
    ]) {
      const { connecting, server } = await t.dial({ authentication: AUTHENTICATION });
      await server.receive('CONNECT');
      server.send(packet);
      await hasLeft(t, server);
      await t.rejects(connecting, 'Connecting', ProtocolViolation);
    }
    const { server } = await authenticated(t);
    server.send(authPacket(0x18, { authenticationMethod: 'another' }));
    await server.isRefused([0x82, 0x8c]);
  });

  test('without an authentication method the client sends no AUTH', { 5: 'MQTT-4.12.0-7' }, async (t) => {
    const { connecting, server } = await t.dial();
    const connect = await server.receive('CONNECT');
    t.equal(connect.properties, {}, 'The properties of CONNECT');
    server.send(authPacket(0x18, { authenticationMethod: METHOD }));
    await server.isClosed();
    await t.rejects(connecting, 'Connecting', ProtocolViolation);
    const plain = await t.connected();
    await t.refuses(plain.server, plain.client.reauthenticate(), 'Authenticating again');
  });

  test('authenticating again begins with AUTH 0x19 and the method of CONNECT, and goes on while messages do', {
    5: ['MQTT-4.12.1-1', 'MQTT-4.12.0-3', 'MQTT-4.12.0-5', 'MQTT-3.15.2-1'],
  }, async (t) => {
    const { client, server, inbox } = await authenticated(t);
    for (let round = 0; round < 2; round++) {
      const authenticating = client.reauthenticate();
      const begin = await server.receive('AUTH');
      t.equal([begin.reasonCode, begin.properties.authenticationMethod], [0x19, METHOD], 'The first AUTH');
      server.send(authPacket(0x18, { authenticationMethod: METHOD }));
      const answer = await server.receive('AUTH');
      t.equal([answer.reasonCode, answer.properties.authenticationMethod], [0x18, METHOD], 'The second AUTH');
      const publishing = client.publish('a', 'meanwhile', { qos: 1 });
      t.isMessage(await server.receiveMessage(), 'a', 'meanwhile');
      await publishing;
      server.send(publishPacket(5, { topic: 'b', payload: 'too' }));
      t.isMessage(await inbox.next(), 'b', 'too');
      server.send(authPacket(0x00, { authenticationMethod: METHOD }));
      await t.until(authenticating, 'The end of authenticating again');
    }
    await server.isQuiet();
  });

  test('when authenticating again fails on the side of the client, it sends DISCONNECT and closes the connection', {
    5: 'MQTT-4.12.1-2',
  }, async (t) => {
    const { client, server } = await authenticated(t, {
      authentication: {
        method: METHOD,
        begin: () => ({
          respond: () => {
            throw new Error('This is not the server that I know');
          },
        }),
      },
    });
    const authenticating = t.begun(client.reauthenticate());
    await server.receive('AUTH');
    server.send(authPacket(0x18, { authenticationMethod: METHOD }));
    const { reasonCode } = await server.receive('DISCONNECT');
    t.ok(reasonCode >= 0x80, `The reason code is ${reasonCode}`);
    await server.isClosed();
    await t.rejects(authenticating, 'Authenticating again', AuthenticationFailed);
  });

  test('when the server refuses to authenticate again, the client closes the connection', {
    5: 'MQTT-4.12.1-2',
  }, async (t) => {
    const { client, server } = await authenticated(t);
    const authenticating = t.begun(client.reauthenticate());
    await server.receive('AUTH');
    server.send(disconnectPacket(0x87));
    await server.isClosed();
    await t.rejects(authenticating, 'Authenticating again');
  });

  test('AUTH has no reason string or user properties that could make it larger than the server takes', {
    5: ['MQTT-3.15.2-2', 'MQTT-3.15.2-3'],
  }, async (t) => {
    // Header, reason code, property length; method and data, each with three bytes in front.
    const size = 2 + 1 + 1 + (3 + METHOD.length) + (3 + 'hello'.length);
    const { client, server } = await authenticated(t, {}, size);
    const authenticating = client.reauthenticate();
    const begin = await server.receive('AUTH');
    t.ok(begin.bytes.length <= size, `AUTH has ${begin.bytes.length} bytes`);
    server.send(
      authPacket(0x18, { authenticationMethod: METHOD, reasonString: 'once more', userProperty: [['a', 'b']] }),
    );
    const answer = await server.receive('AUTH');
    t.ok(answer.bytes.length <= size, `The answer has ${answer.bytes.length} bytes`);
    server.send(authPacket(0x00, { authenticationMethod: METHOD }));
    await t.until(authenticating, 'The end of authenticating again');
  });
});

/** A client that has been authenticated and let in. */
async function authenticated(t: ClientTest, options: DialOptions = {}, maximumPacketSize = 65_535): Promise<Connected> {
  const properties = { authenticationMethod: METHOD, maximumPacketSize };
  return t.connected({ authentication: AUTHENTICATION, ...options }, { properties });
}

/** Demands that the client leaves before it was let in: without a word, or with DISCONNECT. */
async function hasLeft(t: ClientTest, server: RawServer): Promise<void> {
  const packets = await server.ended();
  t.ok(packets.every(({ name }) => name === 'DISCONNECT') && packets.length <= 1, 'Other packets came before the end');
}
