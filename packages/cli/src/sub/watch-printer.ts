import type { BatchedOutput } from '../command-line/batched-output.js';
import type { PrintedMessage } from '../format/printed-message.js';
import type { Printer } from './printer.js';

/** A line of the screen for each topic, in the order in which they first came; the lines are those of another printer. */
export class WatchPrinter implements Printer {
  readonly #output: BatchedOutput;
  readonly #lines: Printer;
  readonly #title: string;
  readonly #lineOf = new Map<string, number>();

  /** @param title for the first line */
  constructor(output: BatchedOutput, lines: Printer, title: string) {
    this.#output = output;
    this.#lines = lines;
    this.#title = title;
  }

  begin(): void {
    this.#output.writeText(`\x1b[2J\x1b[1;1H${this.#title}\n`);
  }

  message(message: PrintedMessage): void {
    let line = this.#lineOf.get(message.topic);
    if (line === undefined) {
      line = this.#lineOf.size + 2;
      this.#lineOf.set(message.topic, line);
    }
    // What was there before may have been longer.
    this.#output.writeText(`\x1b[${line};1H\x1b[2K`);
    this.#lines.message(message);
    this.#output.writeText(`\x1b[${this.#lineOf.size + 1};1H\n`);
  }
}
