import { encodePacket, Framer, PacketType, type ProtocolVersion, type QoS } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../storage/memory-store.js';
import { Counters } from './counters.js';
import { Delivery } from './delivery.js';
import { Message } from './message.js';
import { Output, OutputPool } from './output.js';
import type { Link } from './ports/link.js';
import { QueueTotals } from './queue-totals.js';
import { RunFrames } from './run-layout.js';
import { SessionQueue } from './session-queue.js';

interface Waiting {
  readonly topic: string;
  readonly size: number;
  readonly qos: QoS;
}

const waiting: fc.Arbitrary<Waiting> = fc.record({
  topic: fc.constantFrom('t', 'a/b', 'ü'),
  size: fc.constantFrom(0, 1, 100, 200, 20_000),
  qos: fc.constantFrom<QoS>(1, 1, 2),
});

const step = fc.oneof(
  fc.record({ do: fc.constant('frames' as const), messages: fc.array(waiting, { minLength: 1, maxLength: 40 }) }),
  fc.record({ do: fc.constant('object' as const), message: waiting }),
  fc.record({ do: fc.constant('shift' as const) }),
  fc.record({ do: fc.constant('send' as const), most: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ do: fc.constant('end' as const) }),
);

/** Frames of one run, as they came from a client of this version. Only those that have the QoS of the first. */
function runOf(messages: readonly Waiting[], version: ProtocolVersion): RunFrames {
  const run = new RunFrames();
  const parts: Uint8Array[] = [];
  for (const { topic, size, qos } of messages) {
    const payload = new Uint8Array(size).fill(size);
    const packet = { type: PacketType.PUBLISH, topic, payload, qos, retain: false, dup: false, packetId: 9 } as const;
    const frame = encodePacket(packet, version);
    run.starts[run.count] = run.end;
    run.end += frame.length;
    run.payloads[run.count] = run.end - size;
    run.ids[run.count] = run.end - size - (version === 5 ? 3 : 2);
    run.count++;
    parts.push(frame);
  }
  run.bytes = Buffer.concat(parts);
  run.hasIds = true;
  run.isV5 = version === 5;
  return run;
}

class Wire {
  readonly chunks: Uint8Array[] = [];
  readonly pool = new OutputPool(new Counters());
  readonly output = new Output(this.pool, {
    pendingBytes: 0,
    write: (bytes: Uint8Array) => {
      this.chunks.push(Uint8Array.prototype.slice.call(bytes));
      return true;
    },
  } as unknown as Link);

  /** What was sent since the last call: topics, sizes and packet ids. */
  take(version: ProtocolVersion): (Waiting & { id: number })[] {
    this.pool.flush();
    const bytes = Buffer.concat(this.chunks);
    this.chunks.length = 0;
    const framer = new Framer();
    framer.feed(bytes, bytes.length);
    const sent: (Waiting & { id: number })[] = [];
    while (framer.next()) {
      const topicEnd = framer.body + 2 + bytes.readUInt16BE(framer.body);
      sent.push({
        topic: bytes.toString('utf8', framer.body + 2, topicEnd),
        id: bytes.readUInt16BE(topicEnd),
        size: framer.end - topicEnd - 2 - (version === 5 ? 1 : 0),
        qos: ((bytes[framer.start] >> 1) & 3) as QoS,
      });
    }
    return sent;
  }
}

describe('What waits as frames', () => {
  it.each<ProtocolVersion>([4, 5])('comes in its order among what waits as objects, and is counted (%i)', (version) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const totals = new QueueTotals();
        const queue = new SessionQueue('c', new MemoryStore(), totals);
        const wire = new Wire();
        const model: Waiting[] = [];
        let id = 65_530;
        for (const each of steps) {
          if (each.do === 'frames') {
            // A run has one QoS.
            const messages = each.messages.filter(({ qos }) => qos === each.messages[0].qos);
            const run = runOf(messages, version);
            const from = Math.min(1, messages.length - 1);
            queue.pushFrames(version, run, run, from);
            run.bytes.fill(0xff); // Only lent.
            model.push(...messages.slice(from));
          } else if (each.do === 'object') {
            const { topic, size, qos } = each.message;
            const payload = new Uint8Array(size).fill(size);
            const message = new Message(topic, payload, qos, false, null, 'p', Number.POSITIVE_INFINITY, true);
            queue.push(new Delivery(message, 'c', qos, false, null, 0, null));
            model.push(each.message);
          } else if (each.do === 'shift') {
            const delivery = queue.shift();
            const wanted = model.shift();
            expect(delivery?.message.topic).toBe(wanted?.topic);
            expect(delivery?.qos).toBe(wanted?.qos);
            expect(delivery?.message.payload).toEqual(wanted && new Uint8Array(wanted.size).fill(wanted.size));
          } else if (each.do === 'send') {
            const frames = queue.nextFrames;
            if (frames === null) continue;
            const count = frames.adjacent(each.most);
            const wanted = model.splice(0, count);
            expect(count).toBeLessThanOrEqual(each.most);
            expect(frames.qos).toBe(wanted[0].qos);
            queue.framesSent(frames, count);
            const payloadBytes = frames.send(wire.output, count, id);
            expect(payloadBytes).toBe(wanted.reduce((sum, { size }) => sum + size, 0));
            expect(wire.take(version)).toEqual(
              wanted.map((message) => {
                const sent = { ...message, id };
                id = id === 65_535 ? 1 : id + 1;
                return sent;
              }),
            );
          } else queue.takeFramesApart();
          expect(queue.length).toBe(model.length);
          expect(totals.unstoredMessages).toBe(model.length);
          expect(totals.bytes).toBe(queue.bytes);
        }
        queue.forget();
        expect([totals.bytes, totals.unstoredMessages, queue.length]).toEqual([0, 0, 0]);
      }),
      { numRuns: 400 },
    );
  });

  it('counts as the same messages do that wait as objects', () => {
    const queue = new SessionQueue('c', new MemoryStore(), new QueueTotals());
    const run = runOf([{ topic: 'a/b', size: 100, qos: 1 }], 5);
    queue.pushFrames(5, run, run, 0);
    const counted = queue.bytes;
    queue.takeFramesApart();
    expect(queue.bytes).toBe(counted);
    expect(counted).toBe(103);
  });
});
