import type { BatchedOutput } from '../command-line/batched-output.js';
import type { Printer } from './printer.js';

/** The number of messages, each second on a line of its own. */
export class RatePrinter implements Printer {
  readonly #output: BatchedOutput;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(output: BatchedOutput) {
    this.#output = output;
  }

  begin(): void {
    this.#timer = setInterval(() => {
      this.#output.writeText(`${this.#count}\n`);
      this.#count = 0;
    }, 1_000);
  }

  message(): void {
    this.#count++;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
