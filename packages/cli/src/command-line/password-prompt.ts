import { PasswordRefused } from '@cauldron/broker/passwords';

/** Where passwords are typed: standard input, a terminal or not. */
export interface PasswordInput {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  pause(): unknown;
}

/** The person at the terminal pressed Ctrl-C. */
export class PromptCancelled extends Error {
  override readonly name = 'PromptCancelled';
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_U = 0x15;
const BACKSPACE = 0x08;
const DELETE = 0x7f;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_PASSWORD_BYTES = 65_535;

/** Reads lines that are not shown while they are typed. Lines from a pipe are taken as they come. */
export class PasswordPrompt {
  readonly #input: PasswordInput;
  readonly #show: (text: string) => void;
  #line: number[] = [];
  #lines: Buffer[] = [];
  #isOver = false;
  #isCancelled = false;
  #wake: () => void = () => {};

  /** @param show writes what the person sees */
  constructor(input: PasswordInput, show: (text: string) => void) {
    this.#input = input;
    this.#show = show;
    input.on('data', (bytes) => this.#take(bytes));
    input.on('end', () => this.#end());
  }

  /**
   * Asks twice. Null: both were not the same.
   * @throws (rejects) PasswordRefused for an empty line, PromptCancelled
   */
  async askTwice(): Promise<Buffer | null> {
    this.#setRaw(true);
    try {
      const first = await this.#ask('Password: ');
      const second = await this.#ask('Reenter password: ');
      return first.equals(second) ? first : null;
    } finally {
      this.#setRaw(false);
      this.#input.pause();
    }
  }

  async #ask(question: string): Promise<Buffer> {
    this.#show(question);
    while (this.#lines.length === 0 && !this.#isOver && !this.#isCancelled) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#show('\n');
    if (this.#isCancelled) throw new PromptCancelled();
    const line = this.#lines.shift();
    if (line === undefined || line.length === 0) throw new PasswordRefused('it is empty');
    return line;
  }

  #take(bytes: Buffer): void {
    const isTyped = this.#input.isTTY === true;
    for (const byte of bytes) {
      if (byte === LINE_FEED || (isTyped && byte === CARRIAGE_RETURN)) this.#endLine();
      else if (isTyped && byte === CTRL_C) this.#isCancelled = true;
      else if (isTyped && byte === CTRL_D) this.#end();
      else if (isTyped && byte === CTRL_U) this.#line = [];
      else if (isTyped && (byte === BACKSPACE || byte === DELETE)) this.#dropCharacter();
      else if (this.#line.length <= MAX_PASSWORD_BYTES) this.#line.push(byte);
    }
    this.#wake();
  }

  #dropCharacter(): void {
    // All bytes of a character in UTF-8 but the first begin with the bits 10.
    for (let byte = this.#line.pop(); byte !== undefined && (byte & 0xc0) === 0x80; ) byte = this.#line.pop();
  }

  #endLine(): void {
    while (this.#line.at(-1) === CARRIAGE_RETURN) this.#line.pop();
    this.#lines.push(Buffer.from(this.#line));
    this.#line = [];
  }

  /** What was begun counts: the last line of a pipe may lack its end. */
  #end(): void {
    if (this.#line.length > 0) this.#endLine();
    this.#isOver = true;
    this.#wake();
  }

  #setRaw(isRaw: boolean): void {
    if (this.#input.isTTY === true) this.#input.setRawMode?.(isRaw);
  }
}
