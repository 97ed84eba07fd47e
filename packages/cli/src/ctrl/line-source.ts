import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

export interface LineSourceOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Whether a person types: then lines can be edited, completed and called back. */
  readonly isTerminal: boolean;
  /** What the line could go on with. */
  readonly complete: (line: string) => readonly string[];
}

/** Lines that somebody types, or that come from a pipe, one at a time. */
export class LineSource {
  readonly #readline: Interface;
  readonly #lines: string[] = [];
  #isSecret = false;
  #isOver = false;
  #wake: () => void = () => {};

  constructor({ input, output, isTerminal, complete }: LineSourceOptions) {
    const shown = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        if (!this.#isSecret) output.write(chunk);
        done();
      },
    });
    // Where a long line is broken while it is edited.
    if ('columns' in output) Object.defineProperty(shown, 'columns', { get: () => output.columns });
    this.#readline = createInterface({
      input,
      output: shown,
      terminal: isTerminal,
      completer: (line: string) => {
        const word = line.slice(line.lastIndexOf(' ') + 1);
        const fitting = complete(line).filter((choice) => choice.toLowerCase().startsWith(word.toLowerCase()));
        return [fitting.length === 1 ? [`${fitting[0]} `] : fitting, word];
      },
    });
    this.#readline.on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    // What is secret cannot be called back.
    this.#readline.on('history', (history: string[]) => {
      if (this.#isSecret) history.shift();
    });
    this.#readline.on('SIGINT', () => this.close());
    this.#readline.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** The next line; null: there is none any more. */
  async next(prompt: string): Promise<string | null> {
    if (this.#lines.length === 0 && !this.#isOver) {
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
    }
    while (this.#lines.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift() ?? null;
  }

  /** The same for a line that is not shown while it is typed. `write`: shows the prompt, and ends its line. */
  async nextSecret(prompt: string, write: (text: string) => void): Promise<string | null> {
    write(prompt);
    this.#isSecret = true;
    try {
      return await this.next('');
    } finally {
      this.#isSecret = false;
      write('\n');
    }
  }

  close(): void {
    this.#readline.close();
  }
}
