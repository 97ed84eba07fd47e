import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Broker } from '../core/broker.js';
import type { Message } from '../core/message.js';
import type { Subscriber } from '../core/router.js';

/** So many characters are made and written in one go; then others have their turn. */
const SLICE_CHARACTERS = 16 * 1024;

/** One of them follows when an output says that it is full. */
const EVENTS_AT_LAST = ['drain', 'close', 'error'] as const;

/** What is asked of the broker. */
export type TreeSource = Pick<Broker, 'subscriptionLevels' | 'retainedLevels'>;

/**
 * The tree of subscriptions and that of retained messages as people read them, a level in a line, in the form of
 * Mosquitto: `topic (client, QoS)`. It comes in small pieces, which end anywhere in a line, made when they are asked for:
 * a million lines need no memory. What changes while they are read is met, or not.
 */
export function* treeText(broker: TreeSource): Generator<string> {
  yield 'Subscriptions:\n';
  for (const { depth, level, values } of broker.subscriptionLevels()) {
    yield indented(depth, level);
    for (const subscriber of values) yield ` ${subscriberText(subscriber)}`;
    yield '\n';
  }
  yield 'Retained messages:\n';
  for (const { depth, level, value } of broker.retainedLevels()) {
    yield `${indented(depth, level)}${value === null ? '' : ` ${messageText(value)}`}\n`;
  }
}

/** Prints the trees of a broker, as Mosquitto does at SIGUSR2. */
export class TreePrinter {
  readonly #broker: TreeSource;
  readonly #output: Writable;
  #isPrinting = false;

  constructor(broker: TreeSource, output: Writable) {
    this.#broker = broker;
    this.#output = output;
  }

  /**
   * Resolves when all is written, or the output takes no more. The broker goes on meanwhile: the text is made in slices,
   * as the output takes them. A call before the last one is done does nothing.
   */
  async print(): Promise<void> {
    if (this.#isPrinting) return;
    this.#isPrinting = true;
    try {
      let slice = '';
      for (const piece of treeText(this.#broker)) {
        slice += piece;
        if (slice.length < SLICE_CHARACTERS) continue;
        await this.#write(slice);
        if (!this.#output.writable) return;
        slice = '';
      }
      await this.#write(slice);
    } finally {
      this.#isPrinting = false;
    }
  }

  /** Resolves when the output takes more, or never will again. */
  async #write(slice: string): Promise<void> {
    if (this.#output.write(slice)) await setImmediate();
    else await this.#untilDrained();
  }

  #untilDrained(): Promise<void> {
    const output = this.#output;
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of EVENTS_AT_LAST) output.off(event, done);
        resolve();
      };
      for (const event of EVENTS_AT_LAST) output.on(event, done);
    });
  }
}

function indented(depth: number, level: string): string {
  return `${' '.repeat(4 + 2 * depth)}${visible(level)}`;
}

function subscriberText({ clientId, qos, group }: Subscriber): string {
  if (clientId === null) return '(the broker itself)';
  const text = `(${visible(clientId)}, ${qos})`;
  return group === null ? text : `$share/${visible(group)} ${text}`;
}

function messageText({ payload, qos }: Message): string {
  return `(${payload.length} bytes, QoS ${qos})`;
}

/** Control characters, which topics may have, would play tricks with a terminal. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}
