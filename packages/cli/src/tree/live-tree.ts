import { visible } from '../decode/json-text.js';
import type { PayloadDecoder } from '../decode/payload-decoder.js';
import { type LastMessage, TopicNode, type TreeMessage } from './topic-node.js';
import { TreeView } from './tree-view.js';

export interface LiveTreeOptions {
  /** What stands in the first line: where the messages come from. */
  readonly title: string;
  /** Makes text of payloads; without one they are shown as UTF-8, or in hexadecimal. */
  readonly decoder?: PayloadDecoder | null;
  /** Whether lines may have colours and other attributes. Default true. */
  readonly hasColors?: boolean;
  /** Levels of topics that are kept at most; messages of further ones are counted. Default 20,000. */
  readonly maximumNodes?: number;
}

const DEFAULT_MAXIMUM_NODES = 20_000;
/** Characters of all names that are kept at most. */
const MAXIMUM_CHARACTERS = 8_000_000;
/** Deeper levels are shown as one. */
const DEEPEST = 32;
/** Larger payloads are not kept for the time when they are drawn. */
const LARGEST_KEPT = 2_048;
const LONGEST_VALUE = 500;

const encoder = new TextEncoder();

/** The topics of all messages that came, as a tree: with rates, counts and last values, in memory that has a bound. */
export class LiveTree {
  readonly #options: LiveTreeOptions;
  readonly #root = new TopicNode('', null);
  readonly #view: TreeView;
  #nodes = 0;
  #topics = 0;
  #characters = 0;
  #bytes = 0;
  /** Messages of topics for which there was no room. */
  #left = 0;

  constructor(options: LiveTreeOptions) {
    this.#options = options;
    this.#view = new TreeView(this.#root, (last, topic) => this.#valueOf(topic, last), options.hasColors ?? true);
  }

  /** Takes a message over; nothing of it is kept but copies. @param atMs of a clock that never goes back */
  message(message: TreeMessage, atMs: number, wallMs: number = Date.now()): void {
    const { topic, payload, qos, retain } = message;
    const node = this.#nodeOf(topic);
    this.#bytes += payload.length;
    this.#root.count(atMs, retain);
    if (node === null) {
      this.#left++;
      return;
    }
    if (node.last === null) this.#topics++;
    node.last = { payload: this.#kept(topic, payload), size: payload.length, qos, retain, atMs, wallMs };
    for (let one: TopicNode | null = node; one !== null && one !== this.#root; one = one.parent)
      one.count(atMs, retain);
  }

  /**
   * The lines of a screen, at most `rows`, none of them wider than `columns`.
   * @param atMs of the same clock as the messages
   */
  render(columns: number, rows: number, atMs: number): string[] {
    const note =
      this.#left === 0
        ? ''
        : `No room for more topics: ${this.#left.toLocaleString('en')} messages of others are not shown.`;
    return this.#view.render(columns, rows, atMs, {
      title: this.#options.title,
      topics: this.#topics,
      bytes: this.#bytes,
      note,
    });
  }

  /** Moves the mark by so many rows. */
  move(rows: number): void {
    this.#view.move(rows);
  }

  /** Hides what is below the marked level, or goes to the level above. */
  fold(): void {
    this.#view.fold();
  }

  /** Shows what is below the marked level, or goes to the first of it. */
  unfold(): void {
    this.#view.unfold();
  }

  toggle(): void {
    this.#view.toggle();
  }

  /** The node of a topic, made if there is room; null: there is none. */
  #nodeOf(topic: string): TopicNode | null {
    let node = this.#root;
    for (const name of levelsOf(topic)) {
      let next = node.child(name);
      if (next === undefined) {
        const { maximumNodes = DEFAULT_MAXIMUM_NODES } = this.#options;
        if (this.#nodes >= maximumNodes || this.#characters + name.length > MAXIMUM_CHARACTERS) return null;
        next = node.addChild(name);
        this.#nodes++;
        this.#characters += name.length;
      }
      node = next;
    }
    return node;
  }

  /** Text is made of it when it is drawn, which most messages never are; of what is too large to keep, now. */
  #kept(topic: string, payload: Uint8Array): Uint8Array {
    if (payload.length <= LARGEST_KEPT) return payload.slice();
    if (this.#options.decoder == null) return payload.slice(0, LARGEST_KEPT);
    return encoder.encode(this.#options.decoder.text(topic, payload).slice(0, LONGEST_VALUE));
  }

  #valueOf(topic: string, { payload, size }: LastMessage): string {
    if (size === 0) return '(empty)';
    if (payload.length === size && this.#options.decoder != null) {
      return this.#options.decoder.text(topic, payload).slice(0, LONGEST_VALUE).replaceAll('\n', ' ');
    }
    const text = textOf(payload, payload.length < size);
    if (text !== null) return visible(text.slice(0, LONGEST_VALUE));
    return `0x${Buffer.from(payload.subarray(0, LONGEST_VALUE / 2)).toString('hex')}`;
  }
}

function levelsOf(topic: string): readonly string[] {
  const levels = topic.split('/');
  return levels.length <= DEEPEST ? levels : [...levels.slice(0, DEEPEST - 1), levels.slice(DEEPEST - 1).join('/')];
}

/** Null for what is no text. What was cut may end within a character. */
function textOf(payload: Uint8Array, isCut: boolean): string | null {
  try {
    // A decoder remembers the character that was cut, so each text has its own.
    return new TextDecoder('utf-8', { fatal: true }).decode(payload, { stream: isCut });
  } catch {
    return null;
  }
}
