import { PacketType, type Publish } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutboxRecord } from '../outbox.js';
import { replay as replayInSession } from '../session/outbox-replay.js';
import { LiveRecords } from './live-records.js';

function message(position: number): Publish {
  const payload = new TextEncoder().encode(String(position));
  return { type: PacketType.PUBLISH, topic: 't', payload, qos: 2, retain: false, dup: false };
}

interface ReplayedMessage {
  readonly position: number;
  packetId: number | null;
  isReleased: boolean;
}

/** What records say when all of them are read: a list that is searched, with no thought of what may be thrown away. */
function replay(records: readonly OutboxRecord[]) {
  let clientId = '';
  let messages: ReplayedMessage[] = [];
  let received: number[] = [];
  for (const record of records) {
    switch (record.kind) {
      case 'session':
        clientId = record.clientId;
        break;
      case 'queued':
        messages.push({ position: record.position, packetId: null, isReleased: false });
        break;
      case 'sent':
        for (const one of messages) if (one.position === record.position) one.packetId = record.packetId;
        break;
      case 'released':
        for (const one of messages) if (one.packetId === record.packetId) one.isReleased = true;
        break;
      case 'done':
        messages = messages.filter(({ position }) => position !== record.position);
        break;
      case 'received':
        received.push(record.packetId);
        break;
      case 'forgotten':
        received = received.filter((packetId) => packetId !== record.packetId);
        break;
      case 'restarted':
        received = [];
        messages = messages.filter(({ isReleased }) => !isReleased);
        for (const one of messages) one.packetId = null;
        break;
      case 'cleared':
        received = [];
        messages = [];
        break;
    }
  }
  return { clientId, messages, received: received.sort((a, b) => a - b) };
}

/** Steps as a session takes them, made of numbers: each picks a step, and the message or id that it is about. */
function historyOf(numbers: readonly number[]): OutboxRecord[] {
  const history: OutboxRecord[] = [{ kind: 'session', clientId: 'first' }];
  let next = 1;
  for (const number of numbers) {
    const { messages, received } = replay(history);
    const waiting = messages.filter(({ packetId }) => packetId === null);
    const sent = messages.filter(({ packetId, isReleased }) => packetId !== null && !isReleased);
    const free = [1, 2, 3, 4].filter((id) => !messages.some(({ packetId }) => packetId === id));
    const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(number / 16) % list.length];
    const step = number % 16;
    if (step < 5) {
      history.push({ kind: 'queued', position: next, packet: message(next), queuedAtMs: next });
      next++;
    } else if (step < 8 && waiting.length > 0 && free.length > 0) {
      history.push({ kind: 'sent', position: waiting[0].position, packetId: pick(free) ?? free[0] });
    } else if (step < 10 && sent.length > 0) {
      history.push({ kind: 'released', packetId: pick(sent)?.packetId ?? 0 });
    } else if (step < 12 && messages.length > 0) {
      history.push({ kind: 'done', position: pick(messages)?.position ?? 0 });
    } else if (step === 12) {
      const packetId = 1 + (Math.floor(number / 16) % 4);
      history.push(received.includes(packetId) ? { kind: 'forgotten', packetId } : { kind: 'received', packetId });
    } else if (step === 13) {
      history.push({ kind: 'session', clientId: `client-${number}` });
    } else if (step === 14 && number % 3 === 0) {
      history.push({ kind: 'restarted' });
    } else if (step === 15 && number % 5 === 0) {
      history.push({ kind: 'cleared' });
    }
  }
  return history;
}

const numbers = fc.array(fc.nat({ max: 100_000 }), { maxLength: 80 });

describe('records that live', () => {
  it('say the same as all of them, and the others are told exactly once', () => {
    fc.assert(
      fc.property(numbers, (steps) => {
        const history = historyOf(steps);
        const live = new LiveRecords<number>();
        const dead = history.flatMap((record, place) => live.add(record, place));
        expect(new Set(dead).size).toBe(dead.length);
        const left = [...live.places()].sort((a, b) => a - b);
        expect([...left, ...dead].sort((a, b) => a - b)).toEqual(history.map((_, place) => place));
        expect(replay(left.map((place) => history[place]))).toEqual(replay(history));
      }),
      { numRuns: 500 },
    );
  });

  it('say the same to a session', () => {
    const stateOf = (records: readonly OutboxRecord[]) => {
      const { clientId, inflight, waiting, received } = replayInSession(records);
      const told = ({ position, progress, packet }: (typeof inflight)[number]) => [position, progress, packet.packetId];
      return { clientId, inflight: inflight.map(told), waiting: waiting.map(told), received: [...received].sort() };
    };
    fc.assert(
      fc.property(numbers, (steps) => {
        const history = historyOf(steps);
        const live = new LiveRecords<number>();
        history.forEach((record, place) => {
          live.add(record, place);
        });
        const left = [...live.places()].sort((a, b) => a - b).map((place) => history[place]);
        expect(stateOf(left)).toEqual(stateOf(history));
      }),
      { numRuns: 500 },
    );
  });

  it('say the same when they are thinned out on the way', () => {
    fc.assert(
      fc.property(numbers, fc.nat(), (steps, seed) => {
        const history = historyOf(steps);
        const at = seed % history.length;
        const before = new LiveRecords<number>();
        history.slice(0, at).forEach((record, place) => {
          before.add(record, place);
        });
        const kept = [...before.places()].sort((a, b) => a - b).map((place) => history[place]);
        expect(replay([...kept, ...history.slice(at)])).toEqual(replay(history));
      }),
      { numRuns: 500 },
    );
  });

  it('are few when everything is over', () => {
    const live = new LiveRecords<string>();
    live.add({ kind: 'session', clientId: 'c' }, 'session');
    live.add({ kind: 'queued', position: 1, packet: message(1), queuedAtMs: 1 }, 'queued');
    live.add({ kind: 'sent', position: 1, packetId: 7 }, 'sent');
    live.add({ kind: 'released', packetId: 7 }, 'released');
    expect(live.add({ kind: 'done', position: 1 }, 'done')).toEqual(['queued', 'sent', 'released', 'done']);
    live.add({ kind: 'received', packetId: 3 }, 'received');
    expect(live.add({ kind: 'forgotten', packetId: 3 }, 'forgotten')).toEqual(['received', 'forgotten']);
    expect([...live.places()]).toEqual(['session']);
  });

  it('do not include what speaks of messages that nobody knows', () => {
    const live = new LiveRecords<string>();
    expect(live.add({ kind: 'sent', position: 9, packetId: 1 }, 'sent')).toEqual(['sent']);
    expect(live.add({ kind: 'released', packetId: 1 }, 'released')).toEqual(['released']);
    expect(live.add({ kind: 'done', position: 9 }, 'done')).toEqual(['done']);
    expect([...live.places()]).toEqual([]);
  });
});
