import type { QueuedMessage, StoredSession } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';
import {
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../../../../test/contract/store-samples.js';
import { sampleStore } from './sample-store.test-support.js';
import { problemsOf } from './soundness.js';

/** A store that says whatever it is told to. */
function told(session: Partial<StoredSession>, queue: readonly QueuedMessage[] = []) {
  const whole: StoredSession = {
    record: sampleRecord('c'),
    subscriptions: [],
    inflight: [],
    inbound: [],
    queuedMessages: queue.length,
    queuedBytes: queue.reduce((sum, { message }) => sum + message.bytes, 0),
    ...session,
  };
  return {
    sessions: () => [whole],
    retained: () => [],
    queue: (_: string, after: number) => (after === 0 ? [...queue] : []),
  };
}

describe('a store', () => {
  const examined = () => ({ sessions: 0, messages: 0, retained: 0 });
  const queued = (position: number, topic = 'a'): QueuedMessage => {
    return { ...sampleTarget('c'), position, message: sampleMessage({ topic }) };
  };

  it('is sound as brokers leave it, and all of it has been looked at', () => {
    const counts = examined();
    expect([...problemsOf(sampleStore(), counts, () => {})]).toEqual([]);
    expect(counts).toEqual({ sessions: 3, messages: 4, retained: 2 });
  });

  it.each<[string, ReturnType<typeof told>]>([
    ["it has subscribed to 'a/#/b', which is no filter", told({ subscriptions: [sampleSubscription('a/#/b')] })],
    ['there are two subscriptions to a', told({ subscriptions: [sampleSubscription('a'), sampleSubscription('a')] })],
    ['a message is in flight with the packet id 0', told({ inflight: [{ packetId: 0, state: 3, delivery: null }] })],
    [
      'the message in flight with the packet id 7 is missing',
      told({ inflight: [{ packetId: 7, state: 1, delivery: null }] }),
    ],
    [
      'there are two messages in flight with the packet id 7',
      told({ inflight: [1, 2].map((position) => ({ packetId: 7, state: 1, delivery: queued(position) })) }),
    ],
    ['a message came with the packet id 65536', told({ inbound: [65_536] })],
    ['there are two inbound messages with the packet id 3', told({ inbound: [3, 3] })],
    ['5 messages should wait, and there are 1', told({ queuedMessages: 5 }, [queued(1)])],
    ['5 bytes should wait, and there are 8', told({ queuedBytes: 5 }, [queued(1)])],
    ['position 1 follows position 2 in its queue', told({}, [queued(2), queued(1)])],
    ["a message has the topic '', which is none", told({}, [queued(1, '')])],
    [
      'the message at position 4 waits, and is in flight',
      told({ inflight: [{ packetId: 1, state: 1, delivery: queued(4) }] }, [queued(4)]),
    ],
    [
      'its queue cannot be read beyond position 0: torn',
      {
        ...told({}),
        queue: () => {
          throw new Error('torn');
        },
      },
    ],
  ])('is not when %s', (problem, store) => {
    expect([...problemsOf(store, examined(), () => {})]).toEqual([`Session of client 'c': ${problem}.`]);
  });

  it('is not when a session or a retained message is there twice, or cannot be read', () => {
    const store = told({});
    const message = sampleMessage({ topic: 'a/#' });
    const [session] = store.sessions();
    const twice = { ...store, sessions: () => [session, session], retained: () => [message, message] };
    expect([...problemsOf(twice, examined(), () => {})]).toEqual([
      "There are two sessions of client 'c'.",
      "A retained message has the topic 'a/#', which is none.",
      "There are two retained messages of topic 'a/#'.",
      "A retained message has the topic 'a/#', which is none.",
    ]);
    const torn = () => {
      throw new Error('torn');
    };
    expect([...problemsOf({ ...store, sessions: torn, retained: torn }, examined(), () => {})]).toEqual([
      'Sessions cannot be read: torn.',
      'Retained messages cannot be read: torn.',
    ]);
  });
});
