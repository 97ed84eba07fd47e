import type { Message } from '@cauldron/client';

/** The time over which rates are means, in milliseconds. */
const RATE_WINDOW_MS = 5_000;

/** What of the last message of a topic is kept. */
export interface LastMessage {
  readonly payload: Uint8Array;
  /** Bytes that it had, if more than are kept. */
  readonly size: number;
  readonly qos: number;
  readonly retain: boolean;
  readonly atMs: number;
  /** When it came, in milliseconds since 1970. */
  readonly wallMs: number;
}

const ORDER = new Intl.Collator('en', { numeric: true });

/** A level of topics, with what came for it and below it. */
export class TopicNode {
  readonly name: string;
  readonly parent: TopicNode | null;
  /** The last message of the topic that ends here; null: none came. */
  last: LastMessage | null = null;
  /** Messages of this topic and all below. */
  messages = 0;
  isFolded = false;
  readonly #children = new Map<string, TopicNode>();
  #sorted: readonly TopicNode[] | null = null;
  #rate = 0;
  #rateAtMs = 0;

  constructor(name: string, parent: TopicNode | null) {
    this.name = name;
    this.parent = parent;
  }

  /** In an order that stays: by name, numbers by their value. */
  get children(): readonly TopicNode[] {
    this.#sorted ??= [...this.#children.values()].sort(
      (a, b) => ORDER.compare(a.name, b.name) || (a.name < b.name ? -1 : 1),
    );
    return this.#sorted;
  }

  get topic(): string {
    return this.parent === null || this.parent.parent === null ? this.name : `${this.parent.topic}/${this.name}`;
  }

  child(name: string): TopicNode | undefined {
    return this.#children.get(name);
  }

  addChild(name: string): TopicNode {
    const node = new TopicNode(name, this);
    this.#children.set(name, node);
    this.#sorted = null;
    return node;
  }

  /** A message came for this topic or one below. Those that were retained say nothing about the rate. */
  count(atMs: number, isRetained: boolean): void {
    this.messages++;
    if (isRetained) return;
    this.#rate = this.rateAt(atMs) + 1_000 / RATE_WINDOW_MS;
    this.#rateAtMs = atMs;
  }

  /** Messages in a second, lately: what is long ago weighs less and less. */
  rateAt(atMs: number): number {
    return this.#rate * Math.exp((this.#rateAtMs - atMs) / RATE_WINDOW_MS);
  }
}

/** What a tree needs of a message. */
export type TreeMessage = Pick<Message, 'topic' | 'payload' | 'qos' | 'retain'>;
