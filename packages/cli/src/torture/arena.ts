import { setTimeout as wait } from 'node:timers/promises';
import { BrokerChild, BrokerFailure } from './broker-child.js';
import { Cast } from './cast.js';
import { Director } from './director.js';
import { Latencies, type Percentiles } from './latencies.js';
import { Model } from './model.js';
import { Random } from './random.js';
import type { StreamQoS } from './stream-model.js';

export interface ArenaOptions {
  /** Starts the broker, see `BrokerChild`. */
  readonly command: readonly string[];
  /** Gets what the broker says. */
  readonly logFile: string;
  readonly qos: readonly StreamQoS[];
  /** How long there is load. */
  readonly durationMs: number;
  /** The load ends after this many kills, too. */
  readonly maximumKills: number;
  readonly seed: number;
  /** Ends the load early; what was asked until then is judged. */
  readonly signal: AbortSignal;
  /** Added to the broker's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called after each kill, while nobody has the broker's files open. What it throws ends the run. */
  onKilled(): void;
  /** Called now and then. */
  onProgress(progress: Progress): void;
}

export interface Progress {
  readonly seconds: number;
  readonly kills: number;
  /** Messages that the broker has taken over. */
  readonly acknowledged: number;
  readonly violations: number;
  readonly isSettling: boolean;
}

export interface ArenaResult {
  readonly model: Model;
  readonly seconds: number;
  readonly kills: number;
  /** Of these kills, those of a broker that did not take connections yet. */
  readonly killsAtStart: number;
  /** Messages that the broker has taken over, by QoS. */
  readonly acknowledged: ReadonlyMap<StreamQoS, number>;
  /** From the start of the process until it took connections, after a kill. */
  readonly startMs: Percentiles | null;
  /** From PUBLISH to PUBACK, where both were on the same connection. */
  readonly pubackMs: Percentiles | null;
}

const TICK_MS = 10;
const PROGRESS_EVERY_MS = 500;

/** Some lives are so short that the broker dies while it takes up what the life before has left. */
const SHORT_LIVES = 0.3;
const SHORT_LIFE_MS = 250;
const LONG_LIFE_MS = 3_000;
/** Some end before the broker takes connections; that takes about as long as this. */
const LIVES_CUT_AT_START = 0.15;
const START_MS = 400;
/** How often in a row the broker may fail to start before it is given up: whoever watches over one tries again. */
const MOST_FAILURES = 3;

/** At the end: how long nothing may happen before what is outstanding is given up. Longer than the delay of any will. */
const QUIET_MS = 6_000;
/** Looking takes long; meanwhile, acknowledgements go on. */
const TICKS_BETWEEN_LOOKS = 20;
/** How long the sockets of a broker that is gone may take to notice. */
const DRAIN_MS = 5_000;

/** Loads a broker, kills it again and again, and finds out what it has lost. */
export class Arena {
  readonly #options: ArenaOptions;
  readonly #startedAtMs = performance.now();
  readonly #model = new Model(() => performance.now() - this.#startedAtMs);
  readonly #random: Random;
  readonly #cast: Cast;
  readonly #director: Director;
  readonly #broker: BrokerChild;
  readonly #acknowledged = new Map<StreamQoS, number>();
  readonly #pubackMs = new Latencies();
  readonly #startMs = new Latencies();
  #killsAtStart = 0;
  #port = 0;
  /** From the moment before it is killed until it takes connections again. */
  #isDown = true;
  #isSettling = false;
  /** Wakes whoever waits for the time to kill, because the broker has died by itself. */
  #onDeath: () => void = () => {};

  constructor(options: ArenaOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const acknowledged = (qos: StreamQoS, latencyMs: number | undefined): void => {
      this.#acknowledged.set(qos, (this.#acknowledged.get(qos) ?? 0) + 1);
      if (qos === 1 && latencyMs !== undefined) this.#pubackMs.add(latencyMs);
    };
    this.#cast = new Cast(this.#model, options.qos, { acknowledged }, () => this.#isDown);
    this.#director = new Director(this.#cast, this.#model, this.#random);
    this.#broker = new BrokerChild({
      command: options.command,
      logFile: options.logFile,
      environment: options.environment,
      onDeath: ({ message }) => {
        this.#isDown = true;
        this.#breakdown(message);
        this.#onDeath();
      },
    });
  }

  /** @throws (rejects) BrokerFailure when the broker does not even start once */
  async run(): Promise<ArenaResult> {
    await this.#start();
    const ticks = setInterval(() => this.#tick(), TICK_MS);
    const reports = setInterval(() => this.#report(), PROGRESS_EVERY_MS);
    try {
      const isUp = await this.#torment();
      clearInterval(ticks);
      // Without a broker nothing can be said about what it still has.
      if (isUp) await this.#settle();
    } finally {
      clearInterval(ticks);
      clearInterval(reports);
      await this.#broker.kill();
    }
    const seconds = this.#seconds();
    const { kills } = this.#model.timeline;
    return {
      model: this.#model,
      seconds,
      kills,
      killsAtStart: this.#killsAtStart,
      acknowledged: this.#acknowledged,
      startMs: this.#startMs.percentiles,
      pubackMs: this.#pubackMs.percentiles,
    };
  }

  /** Kills the broker and starts it again until it is enough. @returns whether it runs at the end */
  async #torment(): Promise<boolean> {
    const { durationMs, maximumKills, signal } = this.#options;
    const endsAtMs = performance.now() + durationMs;
    const random = this.#random;
    for (;;) {
      const lifeMs = random.chance(SHORT_LIVES) ? random.below(SHORT_LIFE_MS) : random.below(LONG_LIFE_MS);
      const leftMs = endsAtMs - performance.now();
      await this.#live(Math.max(0, Math.min(lifeMs, leftMs)));
      if (signal.aborted && !this.#isDown) return true;
      if (!this.#isDown && leftMs <= lifeMs) return true;
      if (!(await this.#killAndStart())) return false;
      if (signal.aborted || this.#model.timeline.kills >= maximumKills) return true;
    }
  }

  /** Waits that long, or until the broker dies by itself, or until the user has seen enough. */
  async #live(ms: number): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onDeath = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', this.#onDeath, { once: true });
      if (signal.aborted || this.#isDown) this.#onDeath();
    });
    signal.removeEventListener('abort', this.#onDeath);
    this.#onDeath = () => {};
  }

  async #killAndStart(): Promise<boolean> {
    const { timeline } = this.#model;
    this.#isDown = true;
    timeline.killing();
    await this.#broker.kill();
    // What it had sent is still to be read: its last acknowledgements count.
    const drainedBy = performance.now() + DRAIN_MS;
    while (this.#cast.all.some((client) => !client.isOffline) && performance.now() < drainedBy) await wait(1);
    timeline.killed();
    this.#options.onKilled();
    const { maximumKills } = this.#options;
    for (let failures = 0; failures < MOST_FAILURES; failures++) {
      try {
        while (timeline.kills < maximumKills && this.#random.chance(LIVES_CUT_AT_START)) await this.#startBriefly();
        await this.#start();
        return true;
      } catch (error) {
        if (!(error instanceof BrokerFailure)) throw error;
        this.#breakdown(`does not start again: ${error.message}`);
      }
    }
    return false;
  }

  async #startBriefly(): Promise<void> {
    const { timeline } = this.#model;
    await this.#broker.startBriefly(this.#random.below(START_MS));
    timeline.killing(' while it starts');
    timeline.killed();
    this.#killsAtStart++;
    this.#options.onKilled();
  }

  async #start(): Promise<void> {
    const beganAt = performance.now();
    this.#port = await this.#broker.start();
    if (this.#model.timeline.kills > 0) this.#startMs.add(performance.now() - beganAt);
    this.#isDown = false;
    this.#model.timeline.note('broker', 'the broker takes connections');
  }

  #tick(): void {
    if (this.#isDown) this.#director.skip();
    else this.#director.play(this.#port);
  }

  /** No load and no kills any more: what is owed gets the time to come, then all is looked at. */
  async #settle(): Promise<void> {
    this.#isSettling = true;
    const director = this.#director;
    const model = this.#model;
    model.settle();
    await this.#untilQuiet(() => model.outstanding + director.waiting);
    if (!director.isIdle) this.#breakdown('does not answer all that it is asked');
    model.judge();
    director.read(this.#port);
    director.audit();
    await this.#untilQuiet(() => director.waiting);
    if (!director.isIdle) this.#breakdown('does not answer all that it is asked at the end');
    this.#isDown = true;
    const status = await this.#broker.stop();
    if (status !== 0) this.#breakdown(`does not stop in good order: exit status ${status}`);
  }

  /** Waits until all are there and nothing is left, or for long nothing has changed. */
  async #untilQuiet(left: () => number): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    let quietSince = performance.now();
    while (!this.#isDown) {
      const now = left();
      if (now === 0 && this.#director.isIdle) return;
      if (now !== before) quietSince = performance.now();
      before = now;
      if (performance.now() - quietSince > QUIET_MS) return;
      for (let tick = 0; tick < TICKS_BETWEEN_LOOKS && !this.#isDown; tick++) {
        this.#director.gather(this.#port);
        await wait(TICK_MS);
      }
    }
  }

  #breakdown(what: string): void {
    const { findings, timeline } = this.#model;
    const [first, ...rest] = what.split('\n');
    const text = first.startsWith('the broker') ? first : `the broker ${first}`;
    findings.add('broker', text, () => [...rest, ...timeline.history(['broker'], 0)]);
  }

  #seconds(): number {
    return (performance.now() - this.#startedAtMs) / 1000;
  }

  #report(): void {
    let acknowledged = 0;
    for (const count of this.#acknowledged.values()) acknowledged += count;
    const { findings, timeline } = this.#model;
    const counts = { kills: timeline.kills, acknowledged, violations: findings.total };
    this.#options.onProgress({ seconds: this.#seconds(), ...counts, isSettling: this.#isSettling });
  }
}
