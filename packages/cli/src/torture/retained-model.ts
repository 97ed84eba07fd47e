import type { Findings } from './findings.js';
import { type Moment, OPEN, type Timeline } from './timeline.js';

/** A change of the topic, which happened between these two moments. */
interface Write {
  readonly number: number;
  /** An empty payload: nothing is retained any more. */
  readonly clears: boolean;
  readonly since: Moment;
  until: Moment;
}

const KEPT = 50;

/**
 * The retained message of one topic, set, replaced and cleared by one publisher, in the order of the numbers. A read may
 * see any write that had begun before the read ended, unless a later one was acknowledged before the read began.
 */
export class RetainedModel {
  readonly topic: string;
  readonly #timeline: Timeline;
  readonly #findings: Findings;
  readonly #writes: Write[] = [{ number: 0, clears: true, since: 0, until: 0 }];

  constructor(topic: string, timeline: Timeline, findings: Findings) {
    this.topic = topic;
    this.#timeline = timeline;
    this.#findings = findings;
  }

  /** The number of the next write, which is about to be sent. */
  writing(clears: boolean): number {
    const number = (this.#writes.at(-1)?.number ?? 0) + 1;
    const since = this.#timeline.note(this.topic, clears ? `${number} clears ${this.topic}` : `${number} is sent`);
    this.#writes.push({ number, clears, since, until: OPEN });
    // What a write that was acknowledged has replaced can be seen only by a read that is long over.
    if (this.#writes.length > 2 * KEPT && this.#writes[KEPT].until !== OPEN) this.#writes.splice(0, KEPT);
    return number;
  }

  /** PUBACK or PUBCOMP came. */
  written(number: number): void {
    const write = this.#writes.find((one) => one.number === number);
    if (write !== undefined) write.until = this.#timeline.note(this.topic, `${number} is acknowledged`);
  }

  /** A new subscription has seen this, or nothing. `since`: when it was asked for. */
  read(seen: number | null, since: Moment): void {
    this.#findings.checks.retained++;
    const at = this.#timeline.note(this.topic, `${seen ?? 'nothing'} is seen`);
    const candidates = this.#writes.filter((write) => write.since < at && !this.#isReplaced(write, since));
    const isRight = candidates.some(({ number, clears }) => (seen === null ? clears : !clears && number === seen));
    if (isRight) return;
    const allowed = candidates.map(({ number, clears }) => (clears ? 'nothing' : String(number))).join(' or ');
    const what = seen === null ? 'is gone' : candidates.every(({ clears }) => clears) ? 'was cleared' : 'is stale';
    const text = `the retained message of ${this.topic} ${what}: ${seen ?? 'nothing'} is seen, not ${allowed}`;
    this.#findings.add('retained', text, () => this.#timeline.history(['broker', this.topic], 0).slice(-HISTORY_LINES));
  }

  #isReplaced({ number }: Write, since: Moment): boolean {
    return this.#writes.some((later) => later.number > number && later.until <= since);
  }
}

const HISTORY_LINES = 10;
