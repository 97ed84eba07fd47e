import type { ByteSink } from '../command-line/byte-sink.js';
import { Moment } from './moment.js';
import type { PrintedMessage } from './printed-message.js';
import { parseSequences } from './sequences.js';
import type { Writer } from './writer.js';

export interface FormatOptions {
  /** JSON on several lines. */
  readonly isPretty?: boolean;
  /** Takes a line, with its end, about a payload that is not what a sequence needs. */
  readonly complain?: (text: string) => void;
}

/** How messages are printed, ready for many of them. */
export class Format {
  /** Whether it prints the time: without, that need not be asked for. */
  readonly needsTime: boolean;
  readonly #writers: readonly Writer[];
  readonly #moment = new Moment();

  constructor(writers: readonly Writer[], needsTime = false) {
    this.#writers = writers;
    this.needsTime = needsTime;
  }

  /** @param atMs when the message came: ms since 1970, with fractions */
  write(sink: ByteSink, message: PrintedMessage, atMs: number): void {
    const moment = this.#moment;
    moment.set(atMs);
    for (const writer of this.#writers) writer(sink, message, moment);
  }
}

export interface PrintFlags extends FormatOptions {
  /** The text of `-F`. */
  readonly format?: string | undefined;
  /** `-v` */
  readonly isVerbose?: boolean;
  /** `-N` */
  readonly hasNoLineEnd?: boolean;
}

/**
 * What Mosquitto's tools print by these flags.
 * @throws UsageError that names the place, when the format has a sequence that there is not
 */
export function formatOf(flags: PrintFlags): Format {
  const { format, isVerbose = false, hasNoLineEnd = false } = flags;
  if (format !== undefined) {
    const { writers, needsTime } = parseSequences(format, flags);
    return new Format(hasNoLineEnd ? writers : [...writers, endLine], needsTime);
  }
  if (isVerbose) return new Format([hasNoLineEnd ? topicAndPayload : topicAndPayloadLine]);
  return new Format([hasNoLineEnd ? payloadOnly : payloadLine]);
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

function endLine(sink: ByteSink): void {
  sink.byte(NEWLINE);
}

function payloadOnly(sink: ByteSink, { payload, decoded }: PrintedMessage): void {
  sink.bytes(decoded ?? payload);
}

/** An empty message leaves no line. */
function payloadLine(sink: ByteSink, { payload, decoded }: PrintedMessage): void {
  if (payload.length === 0) return;
  sink.bytes(decoded ?? payload);
  sink.byte(NEWLINE);
}

function topicAndPayload(sink: ByteSink, { topic, payload, decoded }: PrintedMessage): void {
  if (payload.length === 0) return;
  sink.text(topic);
  sink.byte(SPACE);
  sink.bytes(decoded ?? payload);
}

function topicAndPayloadLine(sink: ByteSink, message: PrintedMessage): void {
  if (message.payload.length === 0) {
    sink.text(message.topic);
    sink.text(' (null)');
  } else {
    topicAndPayload(sink, message);
  }
  sink.byte(NEWLINE);
}
