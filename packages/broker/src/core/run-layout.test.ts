import { encodePacket, PacketType, type Publish, type QoS } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunLayout } from './run-layout.js';

const message = fc.record({
  topic: fc.constantFrom('t', 'a/b', 'ü/ß', 'x'.repeat(120), 'y'.repeat(16_380)),
  size: fc.constantFrom(0, 1, 2, 3, 119, 120, 121, 122, 123, 126, 127, 128, 16_379),
  packetId: fc.integer({ min: 1, max: 65_535 }),
});

const qos = fc.constantFrom<QoS>(0, 1, 2);
const version = fc.constantFrom<4 | 5>(4, 5);

describe('RunLayout', () => {
  it('makes of a run what the codec makes of its messages, for each QoS and version', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 100 }),
        qos,
        version,
        qos,
        version,
        (plans, q, v, q2, v2) => {
          const publish = (packetId: number, as: QoS, { topic, size }: (typeof plans)[number]): Publish => {
            const payload = new Uint8Array(size).fill(size);
            return {
              type: PacketType.PUBLISH,
              topic,
              payload,
              qos: as,
              retain: false,
              dup: false,
              ...(as > 0 && { packetId }),
            };
          };
          const frames = plans.map((plan) => encodePacket(publish(plan.packetId, q, plan), v));
          // The run lies somewhere in a read.
          const source = Buffer.concat([new Uint8Array(3), ...frames, new Uint8Array(5)]);
          const starts = new Int32Array(plans.length);
          let at = 3;
          for (const [i, frame] of frames.entries()) {
            starts[i] = at;
            at += frame.length;
          }
          const layout = new RunLayout(v2 === 5, q2);
          layout.make(source, starts, plans.length, at, q > 0, v === 5);
          const made = plans.map((plan, i) => {
            const end = i + 1 === plans.length ? layout.length : layout.starts[i + 1];
            const bytes = layout.bytes.slice(layout.starts[i], end);
            if (q2 > 0) {
              const idAt = layout.ids[i] - layout.starts[i];
              bytes[idAt] = plan.packetId >> 8;
              bytes[idAt + 1] = plan.packetId & 0xff;
            }
            return Buffer.from(bytes).toString('hex');
          });
          const wanted = plans.map((plan) =>
            Buffer.from(encodePacket(publish(plan.packetId, q2, plan), v2)).toString('hex'),
          );
          expect(made).toEqual(wanted);
        },
      ),
    );
  });
});
