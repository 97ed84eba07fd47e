import { encodePacket, PacketType, type Properties, type Publish, type QoS } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PublishProperties } from './publish-properties.js';
import { RunFrames, RunLayout } from './run-layout.js';

const message = fc.record({
  topic: fc.constantFrom('t', 'a/b', 'ü/ß', 'x'.repeat(120), 'y'.repeat(16_380)),
  size: fc.constantFrom(0, 1, 2, 3, 119, 120, 121, 122, 123, 126, 127, 128, 16_379),
  packetId: fc.integer({ min: 1, max: 65_535 }),
  /** In version 5, an alias stands for its topic; it comes before the content type, or after it. */
  alias: fc.constantFrom('none', 'none', 'first', 'last'),
  /** Characters of a content type, so that the lengths are of one byte and of two. */
  contentType: fc.constantFrom(0, 0, 1, 120, 121, 122, 123, 124, 125, 126, 300),
});
type Plan = typeof message extends fc.Arbitrary<infer P> ? P : never;

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
          const publish = (as: QoS, to: 4 | 5, isSource: boolean, plan: Plan): Publish => ({
            type: PacketType.PUBLISH,
            topic: isSource && to === 5 && plan.alias !== 'none' ? '' : plan.topic,
            payload: new Uint8Array(plan.size).fill(plan.size),
            qos: as,
            retain: false,
            dup: false,
            ...(as > 0 && { packetId: plan.packetId }),
            // What came by version 4 has none.
            ...(v === 5 && to === 5 && { properties: propertiesOf(plan, isSource) }),
          });
          const frames = plans.map((plan) => encodePacket(publish(q, v, true, plan), v));
          // The run lies somewhere in a read.
          const source = Buffer.concat([new Uint8Array(3), ...frames, new Uint8Array(5)]);
          const run = new RunFrames();
          run.bytes = source;
          run.hasIds = q > 0;
          run.isV5 = v === 5;
          run.end = 3;
          for (const [i, frame] of frames.entries()) {
            const properties = new PublishProperties();
            const payloadAt = run.end + frame.length - plans[i].size;
            if (v === 5) {
              const topicBytes = plans[i].alias === 'none' ? Buffer.byteLength(plans[i].topic) : 0;
              const body = run.end + (frame[1] < 128 ? 2 : frame[2] < 128 ? 3 : 4);
              const frameEnd = run.end + frame.length;
              expect(properties.read(source, body + 2 + topicBytes + (q > 0 ? 2 : 0), frameEnd)).toBe(true);
              expect(properties.end).toBe(payloadAt);
              if (properties.alias > 0) run.addAlias(properties.aliasAt, Buffer.from(plans[i].topic));
            }
            run.starts[i] = run.end;
            run.end += frame.length;
            run.payloads[i] = payloadAt;
            run.count++;
          }
          const layout = new RunLayout(v2 === 5, q2);
          layout.make(run);
          const made = plans.map((plan, i) => {
            const end = i + 1 === plans.length ? layout.end : layout.starts[i + 1];
            const bytes = layout.bytes.slice(layout.starts[i], end);
            if (q2 > 0) {
              const idAt = layout.ids[i] - layout.starts[i];
              bytes[idAt] = plan.packetId >> 8;
              bytes[idAt + 1] = plan.packetId & 0xff;
            }
            return Buffer.from(bytes).toString('hex');
          });
          const wanted = plans.map((plan) =>
            Buffer.from(encodePacket(publish(q2, v2, false, plan), v2)).toString('hex'),
          );
          expect(made).toEqual(wanted);
        },
      ),
    );
  });
});

function propertiesOf({ alias, contentType }: Plan, isSource: boolean): Properties {
  const topicAlias = isSource && alias !== 'none' ? { topicAlias: 7 } : {};
  const type = contentType > 0 ? { contentType: 'x'.repeat(contentType) } : {};
  return alias === 'first' ? { ...topicAlias, ...type } : { ...type, ...topicAlias };
}
