import { type AcknowledgementName, byte, frame, two } from '../raw/packet-writer.js';
import type { ServerTest } from '../suite/server-test.js';

/**
 * Demands that the answer to a packet, which tells more than it has to where there is room, is cut to the maximum packet
 * size of the client: one byte less than it would take, and no more than the bare answer takes.
 */
export async function fitsMaximum(t: ServerTest, name: AcknowledgementName, packet: Uint8Array): Promise<void> {
  const unlimited = await t.open('unlimited');
  const connack = await unlimited.connect({ clientId: t.clientId() });
  unlimited.send(packet);
  const whole = await unlimited.receive(name).catch((error: unknown) => {
    if (unlimited.isEnded) t.skip(`the broker ends the connection instead of sending ${name}`);
    throw error;
  });
  // A maximum below this one would keep the client from being let in.
  const smallest = connack.bytes.length;
  for (const maximumPacketSize of new Set([Math.max(whole.bytes.length - 1, smallest), smallest])) {
    const client = await t.connected({ properties: { maximumPacketSize } }, `maximum ${maximumPacketSize}`);
    client.send(packet);
    const answer = await client.receive(name);
    t.equal([answer.packetId, answer.reasonCode], [whole.packetId, whole.reasonCode], 'Packet id and reason code');
    const { length } = answer.bytes;
    t.ok(length <= maximumPacketSize, `${name} has ${length} bytes, the maximum is ${maximumPacketSize}`);
    await client.isQuiet();
  }
}

/**
 * Demands the same of SUBACK and UNSUBACK, whose codes all have to stand there: only a reason string and user properties
 * can be left out.
 */
export async function fitsMaximumWithCodes(
  t: ServerTest,
  name: 'SUBACK' | 'UNSUBACK',
  packet: Uint8Array,
): Promise<void> {
  const unlimited = await t.open('unlimited');
  const connack = await unlimited.connect({ clientId: t.clientId() });
  unlimited.send(packet);
  const whole = await unlimited.receive(name);
  const bare = frame(whole.firstByte, two(whole.packetId), byte(0), Buffer.from(whole.reasonCodes)).length;
  t.ok(bare >= connack.bytes.length, `CONNACK has ${connack.bytes.length} bytes: more than the ${bare} of ${name}`);
  for (const maximumPacketSize of new Set([Math.max(whole.bytes.length - 1, bare), bare])) {
    const client = await t.connected({ properties: { maximumPacketSize } }, `maximum ${maximumPacketSize}`);
    client.send(packet);
    const answer = await client.receive(name);
    t.equal([answer.packetId, answer.reasonCodes], [whole.packetId, whole.reasonCodes], 'Packet id and codes');
    const { length } = answer.bytes;
    t.ok(length <= maximumPacketSize, `${name} has ${length} bytes, the maximum is ${maximumPacketSize}`);
    await client.isQuiet();
  }
}
