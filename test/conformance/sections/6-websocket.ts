import { connectPacket, pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const webSocket = serverSection('6 Using WebSocket as a network transport', (test) => {
  test('the packets of the server come in binary frames', { 4: 'MQTT-6.0.0-1', 5: 'MQTT-6.0.0-1' }, async (t) => {
    let textFrames = 0;
    const { client } = await t.openWebSocket(['mqtt'], () => textFrames++);
    await client.connect({ clientId: t.clientId() });
    await client.subscribe(t.topic());
    await client.publish({ topic: t.topic(), payload: 'there and back', qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'there and back', 1);
    await client.isQuiet();
    t.equal(textFrames, 0, 'The frames of text');
  });

  test('a frame of text ends the connection, though it is a packet by its bytes', {
    4: 'MQTT-6.0.0-1',
    5: 'MQTT-6.0.0-1',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const { client, channel } = await t.openWebSocket();
    await client.connect({ clientId: t.clientId() });
    // All its bytes are below 0x80, so it stays what it is as text.
    channel.writeText(publishPacket(t.level, { topic: t.topic(), payload: 'text' }).toString('latin1'));
    const answers = (await client.ended()).filter(({ name }) => name !== 'DISCONNECT');
    t.equal(answers, [], 'What was answered');
    await subscriber.isQuiet();
  });

  test('a packet may come in several frames, and a frame may hold several packets', {
    4: 'MQTT-6.0.0-2',
    5: 'MQTT-6.0.0-2',
  }, async (t) => {
    const { client, channel } = await t.openWebSocket();
    const connect = connectPacket(t.level, { clientId: t.clientId() });
    for (const byte of connect) channel.write(Buffer.from([byte]));
    await client.receive('CONNACK');
    await client.subscribe(t.topic());
    const [one, two, three] = ['one', 'two', 'three'].map((payload) =>
      publishPacket(t.level, { topic: t.topic(), payload }),
    );
    // Two and a half packets, an empty frame, then the rest with one more.
    channel.write(Buffer.concat([one, two, three.subarray(0, 5)]));
    channel.write(Buffer.alloc(0));
    channel.write(Buffer.concat([three.subarray(5), pingreqPacket()]));
    const received = [];
    for (let count = 0; count < 3; count++) received.push((await client.take('PUBLISH')).payload.toString());
    t.equal(received, ['one', 'two', 'three'], 'The payloads');
    await client.take('PINGRESP');
  });

  test('a packet larger than a frame that a server likes to read arrives whole', {
    4: 'MQTT-6.0.0-2',
    5: 'MQTT-6.0.0-2',
  }, async (t) => {
    const { client, channel } = await t.openWebSocket();
    await client.connect({ clientId: t.clientId() });
    await client.subscribe({ filter: t.topic(), qos: 0 });
    const payload = Buffer.alloc(200_000, 'x');
    const packet = publishPacket(t.level, { topic: t.topic(), payload });
    for (let at = 0; at < packet.length; at += 70_000) channel.write(packet.subarray(at, at + 70_000));
    const message = await client.receive('PUBLISH');
    t.ok(message.payload.equals(payload), 'The payload is another one');
  });

  test('the server selects the subprotocol mqtt', { 4: 'MQTT-6.0.0-4', 5: 'MQTT-6.0.0-4' }, async (t) => {
    const { client, channel } = await t.openWebSocket(['mqtt']);
    t.equal(channel.subprotocol, 'mqtt', 'The subprotocol');
    await client.connect({ clientId: t.clientId() });
    await client.isQuiet();
  });

  test('the server finds the subprotocol mqtt among others', { 4: 'MQTT-6.0.0-4', 5: 'MQTT-6.0.0-4' }, async (t) => {
    const { channel } = await t.openWebSocket(['chat', 'mqtt']);
    t.equal(channel.subprotocol, 'mqtt', 'The subprotocol');
  });
});
