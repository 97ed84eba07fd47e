import { topicMatches } from '@cauldron/codec';

export const SHAPES = ['pair', 'fan-out', 'fan-in', 'tree'] as const;
export type Shape = (typeof SHAPES)[number];

/** Who there is. */
export interface Population {
  readonly shape: Shape;
  readonly publishers: number;
  readonly subscribers: number;
  /** Of each publisher. */
  readonly topics: number;
}

/** Who publishes and subscribes where nothing else is said. */
export const DEFAULT_CLIENTS: Readonly<Record<Shape, Pick<Population, 'publishers' | 'subscribers'>>> = {
  pair: { publishers: 10, subscribers: 10 },
  'fan-out': { publishers: 1, subscribers: 100 },
  'fan-in': { publishers: 100, subscribers: 1 },
  tree: { publishers: 20, subscribers: 20 },
};

/** Groups of publishers in a tree, at most. */
const AREAS = 10;

/** The filter of a subscriber of a tree, by turns. The numbers count those that have the same kind. */
const TREE_FILTERS: readonly ((n: number, population: Population) => string)[] = [
  (n, { publishers }) => `a${n % Math.min(AREAS, publishers)}/#`,
  (n, { publishers }) => `+/d${n % publishers}/+`,
  (n, { publishers, topics }) => `a${n % Math.min(AREAS, publishers)}/+/m${n % topics}`,
  (n, { topics }) => `+/+/m${n % topics}`,
];

/** Who publishes what to whom. A stream is what one publisher publishes to one topic; streams are numbered from 0. */
export class Topology {
  readonly #prefix: string;
  readonly #population: Population;

  /** @param prefix that all topics begin with, without a slash at the end */
  constructor(prefix: string, population: Population) {
    this.#prefix = prefix;
    this.#population = population;
  }

  get streams(): number {
    return this.#population.publishers * this.#population.topics;
  }

  /** The topics of a publisher, in the order of its streams: those from `publisher * topics` on. */
  topicsOf(publisher: number): string[] {
    const { shape, topics } = this.#population;
    const place = shape === 'tree' ? `a${publisher % AREAS}/d${publisher}` : String(publisher);
    const kind = shape === 'tree' ? 'm' : '';
    return Array.from({ length: topics }, (_, n) => `${this.#prefix}/${place}/${kind}${n}`);
  }

  /** The one filter of a subscriber: no message comes to it by two. */
  filterOf(subscriber: number): string {
    const { shape, publishers, topics } = this.#population;
    const anyTopic = topics === 1 ? '0' : '+';
    switch (shape) {
      case 'pair':
        return `${this.#prefix}/${subscriber}/${anyTopic}`;
      case 'fan-out':
      case 'fan-in':
        return `${this.#prefix}/${publishers === 1 ? '0' : '+'}/${anyTopic}`;
      case 'tree': {
        const filter = TREE_FILTERS[subscriber % TREE_FILTERS.length];
        return `${this.#prefix}/${filter(Math.floor(subscriber / TREE_FILTERS.length), this.#population)}`;
      }
    }
  }

  /** The streams that a subscriber is to get, in ascending order. */
  streamsOf(subscriber: number): number[] {
    const { shape, publishers, topics } = this.#population;
    const all = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);
    if (shape === 'pair') return all(topics, subscriber * topics);
    if (shape !== 'tree') return all(this.streams);
    const filter = this.filterOf(subscriber);
    return all(publishers).flatMap((publisher) =>
      this.topicsOf(publisher).flatMap((topic, n) => (topicMatches(filter, topic) ? [publisher * topics + n] : [])),
    );
  }

  /** By stream: how many subscribers are to get it. */
  receivers(): Uint32Array {
    const { shape, subscribers } = this.#population;
    const receivers = new Uint32Array(this.streams);
    if (shape === 'pair') return receivers.fill(1);
    if (shape !== 'tree') return receivers.fill(subscribers);
    for (let subscriber = 0; subscriber < subscribers; subscriber++) {
      for (const stream of this.streamsOf(subscriber)) receivers[stream]++;
    }
    return receivers;
  }
}

/** Which clients one worker has, by their numbers. */
export interface Share {
  readonly publishers: readonly number[];
  readonly subscribers: readonly number[];
  readonly idle: readonly number[];
}

/** Deals the clients out. Pairs stay together: a window then moves on without word from another thread. */
export function shareOf(population: Population, idle: number, worker: number, workers: number): Share {
  const { shape, publishers, subscribers } = population;
  const dealt = (count: number, to: number) =>
    Array.from({ length: Math.max(0, Math.ceil((count - to) / workers)) }, (_, n) => to + n * workers);
  // Where there is one publisher or one subscriber, the other side begins with the others.
  return {
    publishers: dealt(publishers, worker),
    subscribers: dealt(subscribers, shape === 'pair' ? worker : workers - 1 - worker),
    idle: dealt(idle, worker),
  };
}
