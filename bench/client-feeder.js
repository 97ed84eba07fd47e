// A server that does nothing but send messages to whoever subscribes, as fast as they are taken, so that a client whose
// receiving is measured is the only limit: node client-feeder.js. It tells its port on stdout.
import { createServer } from 'node:net';
import { decodePacket, encodePacket, Framer, PacketType, ReasonCode } from '@cauldron/codec';

const VERSION = 5;
const FRAMES_PER_WRITE = 600;

const publish = encodePacket(
  {
    type: PacketType.PUBLISH,
    topic: 'bench/room-7/celsius',
    payload: new Uint8Array(64).fill(0x2e),
    qos: 0,
    retain: false,
    dup: false,
  },
  VERSION,
);
const block = Buffer.concat(Array.from({ length: FRAMES_PER_WRITE }, () => publish));

const server = createServer({ noDelay: true }, (socket) => {
  const framer = new Framer();
  const feed = () => {
    while (socket.write(block));
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    framer.feed(bytes, bytes.length);
    while (framer.next()) {
      const packet = decodePacket(framer.bytes, framer.start, framer.body, framer.end, VERSION);
      if (packet.type === PacketType.CONNECT) {
        const reasonCode = ReasonCode.SUCCESS;
        socket.write(encodePacket({ type: PacketType.CONNACK, sessionPresent: false, reasonCode }, VERSION));
      } else if (packet.type === PacketType.SUBSCRIBE) {
        const { packetId } = packet;
        socket.write(encodePacket({ type: PacketType.SUBACK, packetId, reasonCodes: [ReasonCode.SUCCESS] }, VERSION));
        socket.on('drain', feed);
        feed();
      }
    }
    framer.finish();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(address.port);
});
