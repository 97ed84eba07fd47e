import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { sampleTarget } from '../../../../../test/contract/store-samples.js';
import { closeAll, open, type WatchedEnvironment } from '../lmdb-store.test-support.js';
import { sessionPrefix } from './keys.js';
import { QueuePages } from './queue-pages.js';
import { RecordWriter } from './record-writer.js';
import { Share } from './share.js';

afterAll(closeAll);

const step = fc.oneof(
  /** So many at the end, with gaps of this size between them. */
  { weight: 3, arbitrary: fc.record({ do: fc.constant<'append'>('append'), count: fc.nat(150), gap: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant<'insert'>('insert'), at: fc.nat(), count: fc.nat(60) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant<'take'>('take'), at: fc.nat(), count: fc.nat(150) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant<'page'>('page'), at: fc.nat(), count: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant<'takeChunks'>('takeChunks'), count: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant<'begin'>('begin') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant<'settle'>('settle'), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant<'reopen'>('reopen') }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The queue beside an array that says what it should have. */
class Subject {
  readonly #environment: WatchedEnvironment;
  readonly #prefix: Buffer;
  readonly #writer = new RecordWriter();
  #queue: QueuePages;
  #positions: number[] = [];
  #lastPosition = 0;
  #isCommitting = false;

  constructor(environment: WatchedEnvironment, number: number) {
    this.#environment = environment;
    this.#prefix = sessionPrefix(3, number);
    this.#queue = this.#open(true);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        for (let n = 0; n < step.count; n++) {
          this.#lastPosition += 1 + step.gap;
          this.#add(this.#lastPosition);
        }
        break;
      case 'insert':
        for (let n = 0; n < step.count; n++) this.#add(1 + ((step.at + n) % (this.#lastPosition + 1)));
        break;
      case 'take':
        this.#take(step.at, step.count);
        break;
      case 'page':
        this.#page(step.at % (this.#lastPosition + 2), step.count);
        break;
      case 'takeChunks': {
        const taken = this.#queue.takeChunks(step.count).map(({ position }) => position);
        expect(taken).toEqual(this.#positions.splice(0, taken.length));
        break;
      }
      case 'begin':
        if (!this.#isCommitting) this.#queue.write(this.#environment, this.#writer);
        this.#isCommitting = true;
        break;
      case 'settle':
        if (this.#isCommitting) await this.#settle(step.fails);
        break;
      case 'reopen':
        await this.#reopen();
        break;
      default:
        step satisfies never;
    }
    expect(this.#queue.length).toBe(this.#positions.length);
    expect(this.#queue.bytes).toBe(this.#positions.reduce((sum, position) => sum + (position % 100), 0));
  }

  /** Of what is left, nothing is wrong, now and on the disk; and the disk can be emptied. */
  async end(): Promise<void> {
    await this.#reopen();
    this.#page(0, Number.POSITIVE_INFINITY);
    while (this.#queue.length > 0) {
      this.#queue.takeChunks(2);
      await this.#reopen();
    }
    expect(this.#environment.count('queues')).toBe(0);
  }

  #open(isNew: boolean): QueuePages {
    return new QueuePages(this.#environment, this.#prefix, 'client', isNew, (what) => expect.unreachable(what));
  }

  #add(position: number): void {
    const isNew = !this.#positions.includes(position);
    const share = new Share(position, sampleTarget('client'), position % 100, false);
    expect(this.#queue.add(share)).toBe(isNew);
    if (isNew) this.#positions = [...this.#positions, position].sort((a, b) => a - b);
  }

  /** Some in a row, and one that is not there. */
  #take(at: number, count: number): void {
    const first = at % (this.#positions.length + 1);
    for (const position of this.#positions.splice(first, count)) {
      expect(this.#queue.take(position)?.position).toBe(position);
      expect(this.#queue.take(position)).toBeUndefined();
    }
  }

  #page(after: number, limit: number): void {
    const expected = this.#positions.filter((position) => position > after).slice(0, limit);
    expect(this.#queue.page(after, limit).map(({ position }) => position)).toEqual(expected);
  }

  async #settle(fails: boolean): Promise<void> {
    this.#environment.nextFault = () => (fails ? 'no room' : null);
    await this.#environment.commit().catch(() => {});
    this.#queue.settle(!fails);
    this.#writer.reset();
    this.#isCommitting = false;
  }

  async #reopen(): Promise<void> {
    if (this.#isCommitting) await this.#settle(false);
    this.#queue.write(this.#environment, this.#writer);
    await this.#settle(false);
    const { length, bytes } = this.#queue;
    this.#queue = this.#open(false);
    this.#queue.length = length;
    this.#queue.bytes = bytes;
  }
}

describe('QueuePages', () => {
  it('has what a sorted array would have, whatever is committed, fails and is opened again', async () => {
    const { environment } = open();
    let number = 0;
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      const subject = new Subject(environment, ++number);
      for (const each of steps) await subject.take(each);
      await subject.end();
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
