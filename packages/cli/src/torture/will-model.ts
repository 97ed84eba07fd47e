import type { Findings } from './findings.js';
import type { Ending } from './session-model.js';
import type { StreamModel } from './stream-model.js';
import type { Moment, Timeline } from './timeline.js';

/**
 * What is to become of a will. `withdrawn`: the client said DISCONNECT, but the broker has not yet said anything that
 * makes this lasting. `open`: it may come or not, because the broker may have seen the connection in either way.
 */
type Fate = 'with CONNECT' | 'armed' | 'withdrawn' | 'due' | 'forbidden' | 'open';

/** Timers of a broker may be that inexact. */
const TOLERANCE_MS = 200;

/** The wills of one client, one for each of its connections; they are the numbered messages of a stream of their own. */
export class WillModel {
  readonly stream: StreamModel;
  readonly delayMs: number;
  readonly #clientId: string;
  readonly #timeline: Timeline;
  readonly #findings: Findings;
  readonly #forbidden = new Set<number>();
  #number = 0;
  #fate: Fate = 'open';
  #endedAt: Moment = 0;
  #kills = 0;
  /** The will that somebody got last, and how often the broker had been killed by then. */
  #seen = { number: 0, kills: 0 };
  /** That of the connection before, while CONNECT is not answered. `hasArrived`: before CONNECT left. */
  #before: { readonly number: number; readonly fate: Fate; readonly hasArrived: boolean } = {
    number: 0,
    fate: 'open',
    hasArrived: false,
  };

  /** @param delayMs the will delay interval of all of its connections */
  constructor(clientId: string, stream: StreamModel, delayMs: number, timeline: Timeline, findings: Findings) {
    this.#clientId = clientId;
    this.stream = stream;
    this.delayMs = delayMs;
    this.#timeline = timeline;
    this.#findings = findings;
  }

  /** The client stays away, so that its last will has to come. */
  get isDue(): boolean {
    return this.#fate === 'due';
  }

  get hasArrived(): boolean {
    return this.stream.hasArrived(this.#number);
  }

  /** The number of the will that goes with the next CONNECT. */
  connecting(): number {
    this.#before = { number: this.#number, fate: this.#fate, hasArrived: this.hasArrived };
    this.stream.abandoned(this.#number);
    this.#number = this.stream.publishing();
    this.#fate = 'with CONNECT';
    return this.#number;
  }

  connected(): void {
    const now = this.#timeline.now();
    const { number, fate, hasArrived } = this.#before;
    const { kills } = this.#timeline;
    // [MQTT-3.1.3-9] Whoever returns before the delay is over keeps its will to itself.
    const isEarly = fate === 'due' && now - this.#endedAt < this.delayMs - TOLERANCE_MS;
    const isGone = fate === 'withdrawn' && this.#kills === kills;
    if (isEarly || isGone) {
      this.#forbidden.add(number);
      this.#findings.checks.wills++;
    }
    // It was published, and nothing has undone that: all who subscribed get it.
    if (fate === 'due' && hasArrived && this.#seen.number === number && this.#seen.kills === kills) this.#owe(number);
    this.#fate = 'armed';
  }

  ended(how: Ending): void {
    const isArmed = this.#fate === 'armed';
    this.#endedAt = this.#timeline.now();
    this.#kills = this.#timeline.kills;
    this.#fate = !isArmed || how === 'take-over' ? 'open' : how === 'disconnect' ? 'withdrawn' : 'due';
  }

  /** Somebody has got it. */
  arrived(watcher: string, number: number): void {
    this.#findings.checks.wills++;
    this.#seen = { number, kills: this.#timeline.kills };
    const why = this.#whyNot(number);
    if (why === null) return;
    const text = `${watcher} got will ${number} of ${this.#clientId}, ${why}`;
    this.#findings.add('will', text, () => this.#timeline.history(['broker', this.#clientId, watcher], 0));
  }

  /** Why it must not come now; null if it may. */
  #whyNot(number: number): string | null {
    if (this.#forbidden.has(number)) return 'which the client had withdrawn, or returned in time for';
    if (number !== this.#number) return null;
    if (this.#fate === 'armed') return 'while the client is connected';
    if (this.#fate === 'withdrawn' && this.#kills === this.#timeline.kills) return 'which the client had withdrawn';
    const isEarly = this.#fate === 'due' && this.#timeline.now() - this.#endedAt < this.delayMs - TOLERANCE_MS;
    return isEarly ? 'before its delay was over' : null;
  }

  /** The client does not return any more: from now on, its will is owed to all who have subscribed. */
  settle(): void {
    if (this.#fate === 'due') this.stream.accepted(this.#number);
  }

  #owe(number: number): void {
    this.stream.accepted(number);
    this.stream.finished(number);
  }
}
