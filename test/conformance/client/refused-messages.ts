import type { Message } from '@cauldron/client';
import { publishPacket } from '../raw/packet-writer.js';
import type { ClientTest, Connected } from '../suite/client-test.js';
import type { Declare } from '../suite/section.js';

/** The refusals that an acknowledgement has a reason code for. */
const REFUSALS = [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] as const;
/** Reason codes of other packets. */
const OTHERS = [0x00, 0x01, 0x10, 0x81, 0x8e, 0x92] as const;

/** The tests of sections 3.4 and 3.5, which say the same of PUBACK and PUBREC. `section` is `3.4.2` or `3.5.2`. */
export function refusedMessages(test: Declare<ClientTest>, name: 'PUBACK' | 'PUBREC', section: string): void {
  const qos = name === 'PUBACK' ? 1 : 2;

  test(`a message that is taken is answered by ${name} with success`, { 5: `MQTT-${section}-1` }, async (t) => {
    const { server } = await t.connected();
    server.send(publishPacket(5, { topic: 'a', qos, packetId: 1 }));
    t.equal((await server.receive(name)).reasonCode, 0, 'The reason code');
  });

  test(`a program refuses a message with the reason codes of ${name}, and with no others`, {
    5: `MQTT-${section}-1`,
  }, async (t) => {
    const errors: unknown[] = [];
    for (const reasonCode of [...REFUSALS, ...OTHERS]) {
      const { server } = await t.connected({
        onMessage: (message, client) => {
          try {
            client.refuse(message, reasonCode);
          } catch (error) {
            errors.push(error);
          }
        },
      });
      server.send(publishPacket(5, { topic: 'a', qos, packetId: 1 }));
      const wanted = REFUSALS.some((code) => code === reasonCode) ? reasonCode : 0;
      t.equal((await server.receive(name)).reasonCode, wanted, 'The reason code');
      await server.isQuiet();
    }
    t.equal(errors.length, OTHERS.length, 'How often the program was told that it cannot');
  });

  test(`${name} explains a refusal where the server takes a packet of that size`, {
    5: [`MQTT-${section}-2`, `MQTT-${section}-3`],
  }, async (t) => {
    const properties = { reasonString: 'no room', userProperties: [['a', 'b']] as [string, string][] };
    // Header, packet id, reason code, property length; three bytes and the text; five bytes and the pair.
    const size = 2 + 2 + 1 + 1 + (3 + 7) + (5 + 2);
    for (const [maximumPacketSize, wanted] of [
      [size, { reasonString: 'no room', userProperty: [['a', 'b']] }],
      [size - 1, {}],
      [5, {}],
    ] as const) {
      const { server } = await refusing(t, maximumPacketSize, properties);
      server.send(publishPacket(5, { topic: 'a', qos, packetId: 1 }));
      const answer = await server.receive(name);
      t.equal([answer.reasonCode, answer.properties], [0x97, wanted], 'Reason code and properties');
      t.ok(answer.bytes.length <= maximumPacketSize, `${name} has ${answer.bytes.length} bytes`);
      await server.isQuiet();
    }
  });
}

/** A client that refuses all messages, and a server that takes packets of this size. */
function refusing(
  t: ClientTest,
  maximumPacketSize: number,
  properties: { reasonString: string; userProperties: [string, string][] },
): Promise<Connected> {
  return t.connected(
    { onMessage: (message: Message, client) => client.refuse(message, 0x97, properties) },
    { properties: { maximumPacketSize } },
  );
}
