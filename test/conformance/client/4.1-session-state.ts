import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const sessionState = clientSection('4.1 Storing state', (test) => {
  for (const clean of [true, false]) {
    const what = clean ? 'a session that ends with its connection' : 'a session that is kept';
    test(`the state of ${what} is there as long as the connection is open, however much goes on`, {
      4: clean ? 'MQTT-4.1.0-2' : 'MQTT-4.1.0-1',
      5: 'MQTT-4.1.0-1',
    }, async (t) => {
      const { client, server, inbox } = await t.connected({ clientId: 'c', clean });
      const publishing = client.publish('a', 'sent', { qos: 2 });
      const { packetId = 0 } = await server.receive('PUBLISH');
      server.send(publishPacket(t.level, { topic: 'b', payload: 'received', qos: 2, packetId: 500 }));
      await server.receive('PUBREC');
      t.isMessage(await inbox.next(), 'b', 'received');

      for (let count = 0; count < 200; count++) {
        await server.publish({ topic: 'b', qos: count % 3 });
        await inbox.next();
        const other = client.publish('a', '', { qos: count % 2 === 0 ? 1 : 2 });
        await server.receiveMessage();
        await other;
      }
      await t.pass(1_100); // and a session of expiry interval 0 or 1 has not expired

      server.send(publishPacket(t.level, { topic: 'b', payload: 'received', qos: 2, packetId: 500, dup: true }));
      t.equal((await server.receive('PUBREC')).packetId, 500, 'PUBREC');
      server.send(acknowledgementPacket('PUBREL', 500));
      t.equal((await server.receive('PUBCOMP')).packetId, 500, 'PUBCOMP');
      t.equal(inbox.unread, [], 'What was delivered again');
      server.send(acknowledgementPacket('PUBREC', packetId));
      t.equal((await server.receive('PUBREL')).packetId, packetId, 'PUBREL');
      server.send(acknowledgementPacket('PUBCOMP', packetId));
      await publishing;
    });
  }

  test('the state is kept over several connections until its messages are acknowledged', {
    4: 'MQTT-4.1.0-1',
    5: 'MQTT-4.1.0-1',
  }, async (t) => {
    let connection = await t.lasting();
    const { session } = connection.client;
    t.begun(connection.client.publish('a', 'one', { qos: 1 }));
    t.begun(connection.client.publish('a', 'two', { qos: 2 }));
    for (let count = 0; count < 3; count++) {
      const one = await connection.server.receive('PUBLISH');
      const two = await connection.server.receive('PUBLISH');
      t.isMessage(one, 'a', 'one');
      t.isMessage(two, 'a', 'two');
      t.equal([one.packetId, two.packetId], [1, 2], 'The packet ids');
      await t.lose(connection);
      connection = await t.lasting(session);
    }
    await connection.server.receiveMessage();
    await connection.server.receiveMessage();
    await connection.server.isQuiet();
    await t.lose(connection);
    const { server } = await t.lasting(session);
    await server.isQuiet();
  });
});
