// Publishes with QoS 0 as fast as a broker takes it, for a client whose receiving is measured: node client-feeder.js PORT
// Its bytes are made once, so that it costs next to nothing.
import { connect } from 'node:net';
import { encodePacket, PacketType } from '@cauldron/codec';

const FRAMES_PER_WRITE = 600;

const hello = encodePacket(
  { type: PacketType.CONNECT, protocolVersion: 4, clean: true, keepAlive: 0, clientId: 'feeder' },
  4,
);
const publish = encodePacket(
  {
    type: PacketType.PUBLISH,
    topic: 'bench/client/room-7/temperature',
    payload: new Uint8Array(64).fill(0x2e),
    qos: 0,
    retain: false,
    dup: false,
  },
  4,
);
const block = Buffer.concat(Array.from({ length: FRAMES_PER_WRITE }, () => publish));

const socket = connect(Number(process.argv[2]), '127.0.0.1');
socket.write(hello);
const feed = () => {
  while (socket.write(block));
};
socket.on('drain', feed);
socket.once('data', feed); // CONNACK
