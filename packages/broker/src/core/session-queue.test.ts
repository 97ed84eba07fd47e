import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../storage/memory-store.js';
import { Delivery } from './delivery.js';
import { Message } from './message.js';
import { QueueTotals } from './queue-totals.js';
import { SessionQueue } from './session-queue.js';
import { shardOf } from './shard.js';

const CLIENT_ID = 'client';

class CountingStore extends MemoryStore {
  reads = 0;

  override queue(...query: Parameters<MemoryStore['queue']>) {
    this.reads++;
    return super.queue(...query);
  }
}

/** A queue, and what a session does with it and its store. */
class Subject {
  readonly store = new CountingStore();
  totals = new QueueTotals();
  queue = new SessionQueue(CLIENT_ID, this.store, this.totals);
  #serial = 0;

  constructor() {
    const record = { clientId: CLIENT_ID, username: undefined, address: '', protocolVersion: 5 } as const;
    this.store.append({
      kind: 'session',
      record: { ...record, expiryIntervalS: 100, disconnectedAtMs: null, will: null },
    });
  }

  add(count: number, isStored = true): void {
    for (let i = 0; i < count; i++) {
      const payload = new TextEncoder().encode(`${this.#serial++}`);
      const message = new Message('t', payload, 1, false, null, '', Number.POSITIVE_INFINITY).keep();
      const shard = shardOf(CLIENT_ID);
      const position = isStored ? this.store.nextPosition(shard) : 0;
      const delivery = new Delivery(message, CLIENT_ID, 1, false, null, position, null);
      if (isStored) this.store.append({ kind: 'queued', shard, position, message, sessions: [delivery] });
      this.queue.push(delivery);
    }
  }

  take(count: number): string[] {
    const texts: string[] = [];
    while (texts.length < count) {
      const delivery = this.queue.shift();
      if (delivery === undefined) break;
      texts.push(Buffer.from(delivery.message.payload).toString());
      const { position } = delivery;
      if (position > 0) this.store.append({ kind: 'dropped', clientId: CLIENT_ID, position });
    }
    return texts;
  }

  /** As a restart does. */
  reopen(): void {
    const [{ queuedMessages, queuedBytes }] = [...this.store.sessions()];
    this.totals = new QueueTotals();
    this.queue = new SessionQueue(CLIENT_ID, this.store, this.totals);
    this.queue.restore(queuedMessages, queuedBytes);
  }
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);

describe('SessionQueue', () => {
  it('gives back in order what came, from memory as long as that is little', () => {
    const subject = new Subject();
    subject.add(128);
    expect(subject.take(200)).toEqual(numbers(0, 128));
    expect(subject.store.reads).toBe(0);
    expect([subject.queue.length, subject.queue.bytes]).toEqual([0, 0]);
  });

  it('leaves what is more in the store, and reads it by pages', () => {
    const subject = new Subject();
    subject.add(1000);
    expect(subject.queue.length).toBe(1000);
    const { bytes } = subject.queue;
    expect(bytes).toBe(1000 + numbers(0, 1000).join('').length);
    expect(subject.take(128)).toEqual(numbers(0, 128));
    expect(subject.store.reads).toBe(0);
    expect(subject.take(1)).toEqual(['128']);
    expect(subject.store.reads).toBe(1);
    expect(subject.take(2000)).toEqual(numbers(129, 1000));
    expect(subject.store.reads).toBeLessThan(20);
    expect([subject.queue.length, subject.queue.bytes]).toEqual([0, 0]);
  });

  it('keeps the order of what comes while there is something in the store', () => {
    const subject = new Subject();
    subject.add(130);
    expect(subject.take(120)).toEqual(numbers(0, 120));
    subject.add(100);
    expect(subject.take(9)).toEqual(numbers(120, 129));
    subject.add(100);
    expect(subject.take(1000)).toEqual(numbers(129, 330));
    expect(subject.queue.length).toBe(0);
  });

  it('keeps it for messages, too, that the store does not have', () => {
    const subject = new Subject();
    subject.add(300);
    subject.add(5, false);
    expect(subject.queue.length).toBe(305);
    subject.add(5);
    expect(subject.take(1000)).toEqual(numbers(0, 310));
    expect([subject.queue.length, subject.queue.bytes]).toEqual([0, 0]);
  });

  it('goes on after a restart where it was', () => {
    const subject = new Subject();
    subject.add(500);
    expect(subject.take(200)).toEqual(numbers(0, 200));
    subject.reopen();
    expect(subject.queue.length).toBe(300);
    subject.add(10);
    expect(subject.take(1000)).toEqual(numbers(200, 510));
    expect([subject.queue.length, subject.queue.bytes]).toEqual([0, 0]);
  });

  it('believes the store: what that no longer has does not wait', () => {
    const subject = new Subject();
    subject.add(200);
    subject.store.append({ kind: 'sessionRemoved', clientId: CLIENT_ID });
    expect(subject.take(1000)).toEqual(numbers(0, 128));
    expect([subject.queue.length, subject.queue.bytes]).toEqual([0, 0]);
  });

  it('gives all at once to whoever ends the session', () => {
    const subject = new Subject();
    subject.add(300);
    expect([...subject.queue.drain()]).toHaveLength(300);
    expect(subject.queue.length).toBe(0);
  });

  it('adds to what waits in all queues, and takes away what was taken, lost, or forgotten', () => {
    const subject = new Subject();
    const { totals } = subject;
    subject.add(300);
    subject.add(5, false);
    expect(totals).toEqual({ unstoredMessages: 5, bytes: subject.queue.bytes });
    subject.take(303);
    expect(totals).toEqual({ unstoredMessages: 2, bytes: subject.queue.bytes });
    subject.queue.forget();
    expect(totals).toEqual({ unstoredMessages: 0, bytes: 0 });

    subject.add(300);
    subject.take(10);
    subject.reopen();
    expect(subject.totals).toEqual({ unstoredMessages: 0, bytes: subject.queue.bytes });
    expect(subject.totals.bytes).toBeGreaterThan(290);
    subject.store.append({ kind: 'sessionRemoved', clientId: CLIENT_ID });
    subject.take(1000);
    expect(subject.totals).toEqual({ unstoredMessages: 0, bytes: 0 });
  });
});
