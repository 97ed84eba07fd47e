// @ts-check
import { isDeepStrictEqual } from 'node:util';
import { decodePacket, encodePacket, Framer, PacketType, ProtocolError } from '@cauldron/codec';
import { bytesOf, packetFixtures } from '../test/fixtures/packets.js';

/** Frames that begin the search: all packets of the fixture table, the broken ones, too. */
const seeds = packetFixtures.map(({ hex }) => bytesOf(hex));

/** Bytes on which decisions of the decoder turn. */
const TELLING_BYTES = [0x00, 0x01, 0x02, 0x03, 0x0b, 0x23, 0x26, 0x2b, 0x2f, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xff];
const VERSIONS = /** @type {const} */ ([3, 4, 5]);

/**
 * The next input: one to three seeds, changed in a few places, with the remaining length of the first mostly put right, so
 * that the change reaches the decoder behind it.
 * @param {(below: number) => number} random a whole number from 0 to below - 1
 * @returns {Uint8Array}
 */
export function makeInput(random) {
  let bytes = [...seeds[random(seeds.length)]];
  for (let more = random(4) === 0 ? 1 + random(2) : 0; more > 0; more--) bytes.push(...seeds[random(seeds.length)]);
  for (let changes = random(5); changes > 0; changes--) bytes = change(bytes, random);
  if (random(4) !== 0 && bytes.length >= 2 && bytes.length < 130) bytes[1] = bytes.length - 2;
  return Uint8Array.from(bytes);
}

/**
 * @param {number[]} bytes
 * @param {(below: number) => number} random
 * @returns {number[]}
 */
function change(bytes, random) {
  const at = random(bytes.length + 1);
  switch (random(7)) {
    case 0: // another byte
      return bytes.with(Math.min(at, bytes.length - 1), random(256));
    case 1: // one bit
      return bytes.map((byte, i) => (i === at ? byte ^ (1 << random(8)) : byte));
    case 2: // a telling byte
      return [...bytes.slice(0, at), TELLING_BYTES[random(TELLING_BYTES.length)], ...bytes.slice(at + 1)];
    case 3: // one byte more
      return [...bytes.slice(0, at), TELLING_BYTES[random(TELLING_BYTES.length)], ...bytes.slice(at)];
    case 4: // a few bytes less
      return bytes.length > 4 ? [...bytes.slice(0, at), ...bytes.slice(at + 1 + random(3))] : bytes;
    case 5: // a stretch twice
      return [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - random(12)), at), ...bytes.slice(at)];
    default: {
      // a stretch of another seed
      const other = seeds[random(seeds.length)];
      const from = random(other.length);
      return [...bytes.slice(0, at), ...other.slice(from, from + 1 + random(20)), ...bytes.slice(at)];
    }
  }
}

/**
 * Receives `input` in every version, cut at a random place. Throws for whatever the codec may not do: any error but a
 * ProtocolError, another packet because of the cut, or a packet that cannot be encoded again and decoded to the same.
 * @param {Uint8Array} input
 * @param {(below: number) => number} random
 * @returns {number} how many packets were accepted
 */
export function checkInput(input, random) {
  let accepted = 0;
  for (const version of VERSIONS) {
    const whole = receive(input, input.length, version);
    const cut = receive(input, random(input.length + 1), version);
    if (!isDeepStrictEqual(whole, cut)) throw new Error(`version ${version}: a cut changed what was received`);
    for (const packet of whole.packets) {
      const spoken = packet.type === PacketType.CONNECT ? packet.protocolVersion : version;
      const again = receive(encodePacket(packet, spoken), Number.POSITIVE_INFINITY, spoken);
      if (again.refusal !== undefined || !isDeepStrictEqual(again.packets, [packet])) {
        throw new Error(`version ${version}: type ${packet.type} does not survive being encoded again`);
      }
    }
    accepted += whole.packets.length;
  }
  return accepted;
}

/**
 * @param {Uint8Array} input
 * @param {number} cut bytes in the first of two reads
 * @param {import('@cauldron/codec').ProtocolVersion} version
 */
function receive(input, cut, version) {
  const framer = new Framer();
  framer.strictLength = version === 5;
  /** @type {import('@cauldron/codec').Packet[]} */
  const packets = [];
  try {
    for (const piece of [input.slice(0, cut), input.slice(cut)]) {
      framer.feed(piece, piece.length);
      while (framer.next()) packets.push(decodePacket(framer.bytes, framer.start, framer.body, framer.end, version));
      framer.finish();
    }
  } catch (error) {
    if (error instanceof ProtocolError) return { packets, refusal: `${error.reasonCode} ${error.message}` };
    throw error;
  }
  return { packets, refusal: undefined };
}
