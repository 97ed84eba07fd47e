import { ConnectionLost, PublishRefused } from '@cauldron/client';
import { ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import type { RecordedMessage } from './recorded-message.js';
import { type ReplayClock, Replayer, type ReplayerOptions } from './replayer.js';

/** Time goes on when somebody waits, and by what a step takes. */
class StepClock implements ReplayClock {
  now = 1_000;
  /** How much too late timers are. */
  lateMs = 0;

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, callback: () => void): () => void {
    let isOver = false;
    queueMicrotask(() => {
      if (isOver) return;
      this.now += delayMs + this.lateMs;
      callback();
    });
    return () => {
      isOver = true;
    };
  }
}

/** In batches of two. */
async function* messagesAt(...times: readonly number[]): AsyncGenerator<RecordedMessage[]> {
  const messages = times.map((atMs, i): RecordedMessage => {
    return { atMs, topic: `t/${i}`, payload: new Uint8Array(10), qos: 1, retain: false, properties: null };
  });
  for (let i = 0; i < messages.length; i += 2) yield messages.slice(i, i + 2);
}

function replayer(clock: StepClock, options: Partial<ReplayerOptions<RecordedMessage>> = {}) {
  const sentAt: number[] = [];
  const made = new Replayer<RecordedMessage>({
    speed: 1,
    publish: () => {
      sentAt.push(clock.now);
      return Promise.resolve();
    },
    onRefused: () => {},
    signal: new AbortController().signal,
    clock,
    ...options,
  });
  return { made, sentAt };
}

describe('Replayer', () => {
  it('publishes the first at once, and the others when they are due', async () => {
    const { made, sentAt } = replayer(new StepClock());
    await made.run(messagesAt(500, 600, 600, 1_500));
    expect(sentAt).toEqual([1_000, 1_100, 1_100, 2_000]);
    expect([made.published, made.bytes, made.refused]).toEqual([4, 40, 0]);
  });

  it.each([
    [10, [1_000, 1_010, 1_100]],
    [0.5, [1_000, 1_200, 3_000]],
    [Number.POSITIVE_INFINITY, [1_000, 1_000, 1_000]],
  ])('at speed %d keeps the times between them', async (speed, expected) => {
    const { made, sentAt } = replayer(new StepClock(), { speed });
    await made.run(messagesAt(500, 600, 1_500));
    expect(sentAt).toEqual(expected);
  });

  it('is as exact after 1,000 messages as at the first, though each timer is late', async () => {
    const clock = new StepClock();
    clock.lateMs = 3;
    const { made, sentAt } = replayer(clock);
    await made.run(messagesAt(...Array.from({ length: 1_000 }, (_, i) => i * 10)));
    expect(sentAt.at(-1)).toBe(1_000 + 9_990 + 3);
  });

  it('catches up after a broker that was slow, and knows how late it was', async () => {
    const clock = new StepClock();
    const sentAt: number[] = [];
    const { made } = replayer(clock, {
      publish: async () => {
        sentAt.push(clock.now);
        if (sentAt.length === 1) clock.now += 250;
      },
    });
    await made.run(messagesAt(0, 100, 200, 300));
    expect(sentAt).toEqual([1_000, 1_250, 1_250, 1_300]);
  });

  it('does not hand over more than the broker has taken', async () => {
    const pending: (() => void)[] = [];
    const { made } = replayer(new StepClock(), {
      speed: Number.POSITIVE_INFINITY,
      publish: () => new Promise<void>((resolve) => pending.push(resolve)),
    });
    const done = made.run(messagesAt(...new Array<number>(5_000).fill(0)));
    let most = 0;
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, pending.length);
      for (const resolve of pending.splice(0)) resolve();
    }
    expect([made.published, most]).toEqual([5_000, 1_000]);
  });

  it('goes on after a message that the broker refused, and counts it', async () => {
    const refused: string[] = [];
    const { made } = replayer(new StepClock(), {
      publish: ({ topic }) =>
        topic === 't/1' ? Promise.reject(new PublishRefused(topic, ReasonCode.NOT_AUTHORIZED)) : Promise.resolve(),
      onRefused: ({ topic }) => refused.push(topic),
    });
    await made.run(messagesAt(0, 1, 2));
    expect([made.published, made.refused, refused]).toEqual([3, 1, ['t/1']]);
  });

  it('ends with the error that ended the connection, even while it waits', async () => {
    const clock = new StepClock();
    clock.after = () => () => {};
    const { made } = replayer(clock, { publish: () => Promise.reject(new ConnectionLost('gone')) });
    await expect(made.run(messagesAt(0, 1e9))).rejects.toThrow('gone');
  });

  it('ends when it is told to, and closes what it reads', async () => {
    const clock = new StepClock();
    clock.after = () => () => {};
    const end = new AbortController();
    const { made } = replayer(clock, { signal: end.signal });
    let isClosed = false;
    const messages = (async function* () {
      try {
        yield* messagesAt(0, 1e9);
      } finally {
        isClosed = true;
      }
    })();
    const done = made.run(messages);
    end.abort(new Error('enough'));
    await expect(done).rejects.toThrow('enough');
    expect(isClosed).toBe(true);
  });
});
