import type { BatchedOutput } from '../command-line/batched-output.js';
import { visible } from '../decode/json-text.js';
import type { PrintedMessage } from '../format/printed-message.js';
import type { Printer } from './printer.js';
import { TopicTallies } from './topic-tallies.js';

/** At the end, the number of messages of each topic. */
export class CountPrinter implements Printer {
  readonly #output: BatchedOutput;
  readonly #tallies = new TopicTallies();

  constructor(output: BatchedOutput) {
    this.#output = output;
  }

  message({ topic, payload }: PrintedMessage): void {
    this.#tallies.add(topic, payload.length);
  }

  end(): void {
    const rows = this.#tallies.sorted();
    const width = String(rows[0]?.[1].messages ?? 0).length;
    for (const [topic, { messages }] of rows)
      this.#output.writeText(`${String(messages).padStart(width)} ${visible(topic)}\n`);
  }
}
