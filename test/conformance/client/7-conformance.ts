import { hex } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const conformance = clientSection('7 Conformance', (test) => {
  test('a whole conversation takes nothing that is not in the standard, down to the byte', {
    4: 'MQTT-7.0.0-2',
  }, async (t) => {
    const { client, server, inbox, connect } = await t.connected({ clientId: 'c', keepAliveSeconds: 60 });
    t.equal(connect.bytes, hex('10 0d 0004 4d515454 04 02 003c 0001 63'), 'CONNECT');
    const subscribing = client.subscribe('a/+', { qos: 1 }, (message) => inbox.add(message));
    t.equal((await server.receive('SUBSCRIBE')).bytes, hex('82 08 0001 0003 612f2b 01'), 'SUBSCRIBE');
    server.send(hex('90 03 0001 01'));
    await subscribing;
    server.send(hex('32 08 0003 612f62 0009 78'));
    t.isMessage(await inbox.next(), 'a/b', 'x');
    t.equal((await server.receive('PUBACK')).bytes, hex('40 02 0009'), 'PUBACK');
    const publishing = client.publish('a/b', 'y', { qos: 2 });
    t.equal((await server.receive('PUBLISH')).bytes, hex('34 08 0003 612f62 0002 79'), 'PUBLISH');
    server.send(hex('50 02 0002'));
    t.equal((await server.receive('PUBREL')).bytes, hex('62 02 0002'), 'PUBREL');
    server.send(hex('70 02 0002'));
    await publishing;
    const unsubscribing = client.unsubscribe('a/+');
    t.equal((await server.receive('UNSUBSCRIBE')).bytes, hex('a2 07 0003 0003 612f2b'), 'UNSUBSCRIBE');
    server.send(hex('b0 02 0003'));
    await unsubscribing;
    const leaving = client.disconnect();
    t.equal((await server.receive('DISCONNECT')).bytes, hex('e0 00'), 'DISCONNECT');
    await server.isClosed();
    await leaving;
  });
});
