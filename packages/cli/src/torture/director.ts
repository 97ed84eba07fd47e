import { type Cast, MESSAGES, RETAINED } from './cast.js';
import type { Model } from './model.js';
import type { Random } from './random.js';
import { RetainedReader } from './retained-reader.js';
import type { SessionClient } from './session-client.js';

/** Times a second. */
const Rate = {
  MESSAGES: 450,
  RETAINED_WRITES: 25,
  SUBSCRIPTION_CHANGES: 20,
  RETAINED_READS: 2,
  WANDERER_GOES: 0.6,
  WANDERER_RETURNS: 0.8,
  /** Of each client that should be there: its connection breaks. */
  ACCIDENTS: 0.1,
  /** Of each client that should be there: it connects while it is connected. */
  TAKE_OVERS: 0.15,
  FICKLE_CHANGES: 0.7,
  FICKLE_CLEAN_STARTS: 0.15,
  MORTAL_LEAVES: 1.5,
  MORTAL_RETURNS: 4,
} as const;

/** Longer pauses of this process are not made up for. */
const LONGEST_TICK_MS = 100;

/** Tells the cast what to do, at random moments. */
export class Director {
  readonly #cast: Cast;
  readonly #model: Model;
  readonly #random: Random;
  readonly #steady: readonly SessionClient[];
  #lastMs = performance.now();
  #reads = 0;
  #readers = 0;

  constructor(cast: Cast, model: Model, random: Random) {
    this.#cast = cast;
    this.#model = model;
    this.#random = random;
    const roamers = new Set([...cast.wanderers, ...cast.mortals.map(({ client }) => client)]);
    this.#steady = cast.all.filter((client) => !roamers.has(client));
  }

  /** Lets as much happen as belongs to the time since the last call. */
  play(port: number): void {
    const nowMs = performance.now();
    const seconds = Math.min(nowMs - this.#lastMs, LONGEST_TICK_MS) / 1000;
    this.#lastMs = nowMs;
    const random = this.#random;
    const cast = this.#cast;
    for (let left = this.#times(Rate.MESSAGES * seconds); left > 0; left--) cast.speak(random);
    for (let left = this.#times(Rate.RETAINED_WRITES * seconds); left > 0; left--) cast.write(random);
    for (let left = this.#times(Rate.SUBSCRIPTION_CHANGES * seconds); left > 0; left--) cast.change(random);
    if (random.chance(Rate.RETAINED_READS * seconds)) this.read(port);
    for (const client of this.#steady) this.#disturb(client, port, seconds);
    for (const client of cast.wanderers) this.#wander(client, port, seconds);
    this.#changeMind(port, seconds);
    this.#die(port, seconds);
    for (const client of cast.all) client.flush();
  }

  /** Time goes by in which nothing is to happen. */
  skip(): void {
    this.#lastMs = performance.now();
  }

  /** All come back, but for those whose will is owed. */
  gather(port: number): void {
    for (const client of this.#cast.all) {
      const isDead = this.#cast.mortals.some((mortal) => mortal.client === client && mortal.will.isDue);
      if (client.isOffline && !isDead) client.connect(port);
      client.flush();
    }
  }

  /** Whether all who should be there are, and nobody waits for an answer. */
  get isIdle(): boolean {
    const dead = new Set(this.#cast.mortals.filter(({ will }) => will.isDue).map(({ client }) => client));
    return this.#readers === 0 && this.#cast.all.every((one) => dead.has(one) || (one.isOnline && one.waiting === 0));
  }

  /** How many requests wait for their answers, at those who are there. */
  get waiting(): number {
    return this.#cast.all.reduce((sum, client) => sum + client.waiting, this.#readers);
  }

  /** Looks at all retained messages. */
  read(port: number): void {
    this.#readers++;
    new RetainedReader(port, `reader-${++this.#reads}`, RETAINED, this.#model, () => this.#readers--);
  }

  /** Asks every session that can say so whether it has the subscriptions that it should have, and no others. */
  audit(): void {
    for (const { client, filters } of this.#cast.changers) {
      for (const filter of filters) if (client.maySubscribe(filter)) client.unsubscribe(filter);
    }
    for (const client of [...this.#cast.listeners, ...this.#cast.wanderers, this.#cast.fickle]) {
      for (const filter of [...client.filters]) if (client.maySubscribe(filter)) client.unsubscribe(filter);
    }
  }

  #disturb(client: SessionClient, port: number, seconds: number): void {
    if (client.isOffline) client.connect(port);
    else if (!client.isOnline) return;
    else if (this.#random.chance(Rate.ACCIDENTS * seconds)) client.drop();
    else if (this.#random.chance(Rate.TAKE_OVERS * seconds)) client.connect(port);
  }

  #wander(client: SessionClient, port: number, seconds: number): void {
    if (client.isOffline && this.#random.chance(Rate.WANDERER_RETURNS * seconds)) client.connect(port);
    else if (client.isOnline && this.#random.chance(Rate.WANDERER_GOES * seconds)) {
      if (this.#random.chance(0.5)) client.disconnect();
      else client.drop();
    }
  }

  #changeMind(port: number, seconds: number): void {
    const { fickle } = this.#cast;
    if (!fickle.isOnline) return;
    if (this.#random.chance(Rate.FICKLE_CLEAN_STARTS * seconds)) fickle.connect(port, true);
    else if (this.#random.chance(Rate.FICKLE_CHANGES * seconds) && fickle.maySubscribe(MESSAGES)) {
      if (fickle.filters.has(MESSAGES)) fickle.unsubscribe(MESSAGES);
      else fickle.subscribe(MESSAGES);
    }
  }

  #die(port: number, seconds: number): void {
    const random = this.#random;
    for (const mortal of this.#cast.mortals) {
      const { client, will } = mortal;
      if (client.isOnline) {
        // A kill may come before it leaves by itself.
        mortal.isHasty = random.chance(0.4);
        if (!random.chance(Rate.MORTAL_LEAVES * seconds)) continue;
        if (random.chance(0.3)) client.disconnect();
        else client.drop();
      } else if (client.isOffline && random.chance(Rate.MORTAL_RETURNS * seconds)) {
        if (mortal.isHasty || !will.isDue || will.hasArrived) client.connect(port);
      }
    }
  }

  /** A whole number that is this on average. */
  #times(expected: number): number {
    const whole = Math.floor(expected);
    return whole + (this.#random.chance(expected - whole) ? 1 : 0);
  }
}
