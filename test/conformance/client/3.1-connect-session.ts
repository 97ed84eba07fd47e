import { Session } from '@cauldron/client';
import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const connectSession = clientSection('3.1 CONNECT: sessions', (test) => {
  test('the session is kept after the connection has ended: what was on its way goes on', {
    4: 'MQTT-3.1.2-4',
    5: 'MQTT-3.1.2-23',
  }, async (t) => {
    const first = await t.lasting(undefined, { sessionExpiryInterval: 60 });
    t.begun(first.client.publish('a', 'kept', { qos: 1 }));
    const { packetId } = await first.server.receive('PUBLISH');
    first.server.send(publishPacket(t.level, { topic: 'b', qos: 2, packetId: 7 }));
    await first.server.receive('PUBREC');
    await first.inbox.next();
    await t.lose(first);

    const { server, inbox } = await t.lasting(first.client.session, { sessionExpiryInterval: 60 });
    const again = await server.receive('PUBLISH');
    t.isMessage(again, 'a', 'kept');
    t.equal([again.packetId, again.dup], [packetId, true], 'The packet id and DUP');
    server.send(publishPacket(t.level, { topic: 'b', qos: 2, packetId: 7, dup: true }));
    t.equal((await server.receive('PUBREC')).packetId, 7, 'The packet id of PUBREC');
    await server.isQuiet();
    t.equal(inbox.unread, [], 'What was delivered again');
  });

  test('a session that ends with DISCONNECT is kept, too', { 4: 'MQTT-3.1.2-4', 5: 'MQTT-3.1.2-23' }, async (t) => {
    const first = await t.lasting(undefined, { sessionExpiryInterval: 60 });
    t.begun(first.client.publish('a', 'kept', { qos: 2 }));
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    first.server.send(acknowledgementPacket('PUBREC', packetId));
    await first.server.receive('PUBREL');
    await first.client.disconnect({ signal: AbortSignal.abort() });
    const { server } = await t.lasting(first.client.session, { sessionExpiryInterval: 60 });
    t.equal((await server.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
  });

  test('a clean start discards the session: nothing of it is sent, and ids received are new', {
    4: 'MQTT-3.1.2-6',
    5: 'MQTT-3.1.2-4',
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'one', { qos: 1 }));
    await first.server.receive('PUBLISH');
    t.begun(first.client.publish('a', 'two', { qos: 2 }));
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    first.server.send(acknowledgementPacket('PUBREC', packetId));
    await first.server.receive('PUBREL');
    first.server.send(publishPacket(t.level, { topic: 'b', payload: 'old', qos: 2, packetId: 7 }));
    await first.server.receive('PUBREC');
    await t.lose(first);

    const { session } = first.client;
    const { server, inbox, connect } = await t.connected({ clientId: 'lasting', clean: true, session });
    t.equal(connect.clean, true, 'The flag of CONNECT');
    await server.isQuiet();
    server.send(publishPacket(t.level, { topic: 'b', payload: 'new', qos: 2, packetId: 7, dup: true }));
    t.isMessage(await inbox.next(), 'b', 'new');
    await server.receive('PUBREC');
    await server.isQuiet();
  });

  test('a session that ended with its connection is not used in a later one', {
    4: 'MQTT-3.1.2-6',
    5: 'MQTT-3.1.2-4',
  }, async (t) => {
    const first = await t.connected({ clientId: 'lasting', clean: true });
    t.begun(first.client.publish('a', 'of the clean session', { qos: 1 }));
    await first.server.receive('PUBLISH');
    first.server.send(publishPacket(t.level, { topic: 'b', payload: 'old', qos: 2, packetId: 7 }));
    await first.server.receive('PUBREC');
    await t.lose(first);

    const { session } = first.client;
    const { server, inbox } = await t.lasting(session, {}, { sessionPresent: false });
    await server.isQuiet();
    server.send(publishPacket(t.level, { topic: 'b', payload: 'new', qos: 2, packetId: 7, dup: true }));
    t.isMessage(await inbox.next(), 'b', 'new');
  });

  test('the client goes on with a session under the client id that it began with', {
    4: 'MQTT-3.1.3-2',
    5: 'MQTT-3.1.3-2',
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'of lasting', { qos: 1 }));
    await first.server.receive('PUBLISH');
    await t.lose(first);

    const { session } = first.client;
    t.equal(session.clientId, 'lasting', 'The client id of the session');
    await t.refusesToConnect({ clientId: 'another', clean: false, session }, 'Using it under another id');
    const { server, connect } = await t.connected({ clean: false, session }, { sessionPresent: true });
    t.equal(connect.clientId, 'lasting', 'The client id of CONNECT');
    t.isMessage(await server.receive('PUBLISH'), 'a', 'of lasting');
  });

  test('a client id that the server has chosen is that of the session', { 5: 'MQTT-3.1.3-2' }, async (t) => {
    const first = await t.connected(
      { clean: false, session: new Session() },
      { properties: { assignedClientIdentifier: 'chosen' } },
    );
    t.equal(first.connect.clientId, '', 'The client id of the first CONNECT');
    t.equal(first.client.clientId, 'chosen', 'The client id that the program is told');
    await t.lose(first);
    const again = await t.connected({ clean: false, session: first.client.session }, { sessionPresent: true });
    t.equal(again.connect.clientId, 'chosen', 'The client id of the second CONNECT');
  });
});
