import type { BatchedOutput } from '../command-line/batched-output.js';
import { hexLine } from '../decode/hex-dump.js';
import { visible } from '../decode/json-text.js';
import type { PayloadDecoder } from '../decode/payload-decoder.js';
import type { PrintedMessage } from '../format/printed-message.js';
import { widthOf } from '../tree/text-width.js';
import type { Printer } from './printer.js';

export interface TerminalLayout {
  /** Whether a person reads it at once: payloads stand below each other, and cannot steer the terminal. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** `-v` */
  readonly isVerbose: boolean;
  /** `-N` */
  readonly hasNoLineEnd: boolean;
}

/** Of the topics; the same topic always has the same. */
const COLOURS = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];
const DIM = '\x1b[2m';
const RESET = '\x1b[0m';
/** Payloads do not move further to the right than this, however long a topic is. */
const MAX_COLUMN = 60;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** For people: a colour for each topic, payloads in one column, and bytes that are no text in hexadecimal. */
export class TerminalPrinter implements Printer {
  readonly #output: BatchedOutput;
  readonly #layout: TerminalLayout;
  readonly #decoder: PayloadDecoder | null;
  #column = 0;

  constructor(output: BatchedOutput, layout: TerminalLayout, decoder: PayloadDecoder | null) {
    this.#output = output;
    this.#layout = layout;
    this.#decoder = decoder;
  }

  message(message: PrintedMessage): void {
    const { isVerbose, hasNoLineEnd } = this.#layout;
    const isEmpty = message.payload.length === 0;
    // As mosquitto_sub: an empty message shows only with -v, and not at all with -N.
    if (isEmpty && (!isVerbose || hasNoLineEnd)) return;
    if (isVerbose) this.#output.writeText(this.#topic(message));
    if (isEmpty) this.#output.writeText(this.#styled(DIM, '(null)'));
    else this.#payload(message);
    if (!hasNoLineEnd) this.#output.writeText('\n');
  }

  /** With the space up to the payload. What was retained is not new: its topic is dim. */
  #topic({ topic, retain }: PrintedMessage): string {
    const { isTerminal } = this.#layout;
    const text = isTerminal ? visible(topic) : topic;
    const style = `${retain ? DIM : ''}\x1b[${COLOURS[hashOf(topic) % COLOURS.length]}m`;
    if (!isTerminal) return `${this.#styled(style, text)} `;
    const width = widthOf(text);
    if (width <= MAX_COLUMN) this.#column = Math.max(this.#column, width);
    return `${this.#styled(style, text)}${' '.repeat(Math.max(0, this.#column - width))} `;
  }

  #payload({ topic, payload }: PrintedMessage): void {
    if (this.#decoder !== null) this.#output.writeText(this.#decoder.text(topic, payload));
    else if (this.#layout.isTerminal) this.#output.writeText(shownText(payload));
    else this.#output.writeBytes(payload);
  }

  #styled(style: string, text: string): string {
    return this.#layout.hasColours ? `${style}${text}${RESET}` : text;
  }
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) >>> 0;
  return hash;
}

function shownText(payload: Uint8Array): string {
  try {
    // Line ends stay: a text of several lines is one.
    return strict.decode(payload).split('\n').map(visible).join('\n');
  } catch {
    return hexLine(payload);
  }
}
