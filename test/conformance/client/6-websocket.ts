import { type Client, connect } from '@cauldron/client';
import type { WebSocketChannel } from '../raw/channels.js';
import { listenWebSocket } from '../raw/listeners.js';
import { publishPacket } from '../raw/packet-writer.js';
import { RawServer } from '../raw/raw-server.js';
import { type ClientTest, Inbox } from '../suite/client-test.js';
import { clientSection } from '../suite/section.js';

interface WebSocketClient {
  readonly client: Client;
  readonly server: RawServer;
  readonly channel: WebSocketChannel;
  readonly inbox: Inbox;
  /** The subprotocols that the client offered. */
  readonly offered: readonly string[];
  /** How many frames of text it has sent. */
  textFrames(): number;
}

export const webSocket = clientSection('6 Using WebSocket as a network transport', (test) => {
  test('packets are sent in binary frames', { 4: 'MQTT-6.0.0-1', 5: 'MQTT-6.0.0-1' }, async (t) => {
    const { client, server, inbox, textFrames } = await overWebSocket(t);
    const publishing = client.publish('a', 'there', { qos: 2 });
    t.isMessage(await server.receiveMessage(), 'a', 'there');
    await publishing;
    await server.publish({ topic: 'a', payload: 'and back', qos: 2 });
    t.isMessage(await inbox.next(), 'a', 'and back');
    t.equal(textFrames(), 0, 'The frames of text');
  });

  test('a frame of text from the server ends the connection', { 4: 'MQTT-6.0.0-1', 5: 'MQTT-6.0.0-1' }, async (t) => {
    const { client, server, channel, inbox } = await overWebSocket(t);
    // As text it is a PUBLISH: 0x30, a length of 3, an empty-handed topic.
    channel.writeText('0\u0003\u0000\u0001a');
    await server.ended();
    t.ok((await client.closed) !== null, 'The program is not told');
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('packets need not end where frames do', { 4: 'MQTT-6.0.0-2', 5: 'MQTT-6.0.0-2' }, async (t) => {
    const { client, server, inbox } = await overWebSocket(t);
    const packet = (payload: string): Buffer => publishPacket(t.level, { topic: 'a', payload, qos: 1, packetId: 1 });
    // Two and a half packets, then the rest byte by byte, and an empty frame in between.
    const [one, two, three] = [packet('one'), packet('two'), packet('three')];
    server.sendPiece(Buffer.concat([one, two, three.subarray(0, 4)]));
    server.sendPiece(Buffer.alloc(0));
    for (const byte of three.subarray(4)) server.sendPiece(Buffer.from([byte]));
    for (const payload of ['one', 'two', 'three']) {
      t.isMessage(await inbox.next(), 'a', payload);
      await server.receive('PUBACK');
    }
    // And what the client sends may be framed as it likes.
    const large = 'x'.repeat(200_000);
    for (let index = 0; index < 20; index++) t.begun(client.publish('a', index === 10 ? large : String(index)));
    for (let index = 0; index < 20; index++) {
      t.isMessage(await server.receive('PUBLISH'), 'a', index === 10 ? large : String(index));
    }
  });

  test('the client offers the subprotocol mqtt', { 4: 'MQTT-6.0.0-3', 5: 'MQTT-6.0.0-3' }, async (t) => {
    const { offered, channel } = await overWebSocket(t);
    t.ok(offered.includes('mqtt'), `The client offers ${offered.join(', ') || 'none'}`);
    t.equal(channel.subprotocol, 'mqtt', 'The subprotocol that was chosen');
  });
});

async function overWebSocket(t: ClientTest): Promise<WebSocketClient> {
  const inbox = new Inbox(t);
  const server = new RawServer(t.serverOptions('server'));
  let textFrames = 0;
  let isAccepted: (connection: { offered: readonly string[]; channel: WebSocketChannel }) => void = () => {};
  const accepted = new Promise<{ offered: readonly string[]; channel: WebSocketChannel }>((resolve) => {
    isAccepted = resolve;
  });
  const { port } = await t.listening(
    listenWebSocket(({ offered, open }) => {
      const channel = open({
        onBytes: (bytes) => server.onBytes(bytes),
        onText: () => {
          textFrames++;
        },
        onEnd: () => server.onEnd(),
      });
      server.attach(channel);
      isAccepted({ offered, channel });
    }),
  );
  const connecting = t.begun(
    connect(`ws://127.0.0.1:${port}/mqtt`, {
      protocolVersion: t.level,
      reconnect: false,
      onMessage: (message) => inbox.add(message),
    }),
  );
  const { offered, channel } = await t.until(accepted, 'A connection of the client');
  await server.accept();
  const client = await t.until(connecting, 'The end of connecting');
  return { client, server, channel, inbox, offered, textFrames: () => textFrames };
}
