import type { QoS } from '@cauldron/codec';
import type { Authorizer, Decision, Principal } from '../core/ports/access.js';

const KEPT_MS = 60 * 60 * 1000;
const MAX_ACCESSES = 100_000;
/** Of names and topics together, in characters: clients choose how long those are. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Longer ones are not recorded. */
const MAX_TOPIC_CHARACTERS = 4096;
/**
 * Once it is full, so many take the place of others in a second. A client with a million topics shall neither wash out what
 * all others did nor cost much: of what comes faster, some is recorded.
 */
const REPLACED_EACH_SECOND = 1_000;
/** When there have been enough, the clock is looked at for each of so many that are not recorded. */
const ASKED_FOR_TIME = 16;
/** How often what goes on is asked about anew, so that it counts as recent: several times in the hour. */
const REFRESH_MS = 20 * 60 * 1000;

/** What a client did, or tried to do, with a topic. */
export interface Access {
  readonly action: 'read' | 'write' | 'subscribe';
  readonly clientId: string;
  readonly username: string | undefined;
  /** For `subscribe` a filter. */
  readonly topic: string;
  /** As it was decided the last time. */
  readonly allowed: boolean;
  readonly rule: string;
  /** The last time that it was asked about, in ms since 1970. */
  readonly atMs: number;
}

/**
 * The distinct accesses of the last hour, each once. Bounded in number and in memory: the ones that were longest not seen
 * go first, as fast as others may take their place.
 */
export class AccessRecord {
  readonly #wallMs: () => number;
  readonly #maximum: number;
  /** The oldest comes first. */
  readonly #accesses = new Map<string, Access>();
  /**
   * Where the oldest are, kept from one to the next: a Map remembers the places of entries that were deleted for a while,
   * and a new iterator would pass over all of them each time.
   */
  #oldest = this.#accesses.keys();
  #characters = 0;
  /** The second in which the last one came that could replace another, and how many have been in it. */
  #second = 0;
  #replaced = 0;
  #leftOut = 0;

  constructor(wallMs: () => number, maximum = MAX_ACCESSES) {
    this.#wallMs = wallMs;
    this.#maximum = maximum;
  }

  get size(): number {
    return this.#accesses.size;
  }

  note(action: Access['action'], client: Principal, topic: string, { allowed, rule }: Decision): void {
    if (topic.length > MAX_TOPIC_CHARACTERS) return;
    if (this.#isFull && !this.#mayReplace()) return;
    const { clientId, username } = client;
    const key = `${action}\0${topic}\0${clientId}\0${username ?? '\0'}`;
    if (this.#accesses.delete(key)) this.#characters -= key.length;
    this.#accesses.set(key, { action, clientId, username, topic, allowed, rule, atMs: this.#wallMs() });
    this.#characters += key.length;
    while (this.#isOverfull) {
      const { value, done } = this.#oldest.next();
      if (done) this.#oldest = this.#accesses.keys();
      else this.#forget(value);
    }
  }

  /** Those of the last hour, the oldest first. */
  recent(): Access[] {
    const fromMs = this.#wallMs() - KEPT_MS;
    for (const [key, { atMs }] of this.#accesses) {
      if (atMs >= fromMs) break;
      this.#forget(key);
    }
    return [...this.#accesses.values()];
  }

  get #isFull(): boolean {
    return this.#accesses.size >= this.#maximum || this.#characters >= MAX_CHARACTERS - MAX_TOPIC_CHARACTERS;
  }

  get #isOverfull(): boolean {
    return this.#accesses.size > this.#maximum || this.#characters > MAX_CHARACTERS;
  }

  #mayReplace(): boolean {
    // To ask for the time costs more than the rest.
    if (this.#replaced > REPLACED_EACH_SECOND && ++this.#leftOut % ASKED_FOR_TIME !== 0) return false;
    const second = Math.floor(this.#wallMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#replaced = 0;
    }
    return ++this.#replaced <= REPLACED_EACH_SECOND;
  }

  #forget(key: string): void {
    this.#accesses.delete(key);
    this.#characters -= key.length;
  }
}

/**
 * An authorizer that records what it is asked. The core keeps the answers, so nothing is recorded, and nothing costs
 * anything, for a message whose answer is known. With nothing to decide there is nothing to record.
 */
export class RecordedAuthorizer implements Authorizer {
  readonly #inner: Authorizer;
  readonly #record: AccessRecord;
  #refreshes = 0;

  constructor(inner: Authorizer, record: AccessRecord) {
    this.#inner = inner;
    this.#record = record;
  }

  get unrestricted(): boolean {
    return this.#inner.unrestricted;
  }

  get version(): number {
    return this.#inner.version + this.#refreshes;
  }

  get answersAtOnce(): boolean {
    return this.#inner.answersAtOnce === true;
  }

  /** Has everything asked anew when it next happens, so that what goes on all the time is recorded as recent. */
  refresh(): void {
    this.#refreshes++;
  }

  /** Does so again and again. The function that is returned ends it. It keeps no process running. */
  keepFresh(): () => void {
    const timer = setInterval(() => this.refresh(), REFRESH_MS).unref();
    return () => clearInterval(timer);
  }

  mayPublish(client: Principal, topic: string): Decision | Promise<Decision> {
    return this.#noted('write', client, topic, this.#inner.mayPublish(client, topic));
  }

  maySubscribe(client: Principal, filter: string, qos: QoS): Decision | Promise<Decision> {
    return this.#noted('subscribe', client, filter, this.#inner.maySubscribe(client, filter, qos));
  }

  mayUnsubscribe(client: Principal, filter: string): Decision {
    return this.#inner.mayUnsubscribe?.(client, filter) ?? { allowed: true, rule: 'no rule speaks against it' };
  }

  mayReceive(client: Principal, topic: string): Decision {
    const decision = this.#inner.mayReceive(client, topic);
    this.#record.note('read', client, topic, decision);
    return decision;
  }

  #noted(
    action: Access['action'],
    client: Principal,
    topic: string,
    answer: Decision | Promise<Decision>,
  ): Decision | Promise<Decision> {
    if (answer instanceof Promise) {
      return answer.then((decision) => {
        this.#record.note(action, client, topic, decision);
        return decision;
      });
    }
    this.#record.note(action, client, topic, answer);
    return answer;
  }
}
