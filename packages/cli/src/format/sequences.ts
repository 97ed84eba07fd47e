import { UsageError } from '../command-line/arguments.js';
import type { ByteSink } from '../command-line/byte-sink.js';
import { integer, payloadFloat, payloadHex, payloadRaw, text } from './fields.js';
import type { FormatOptions } from './format.js';
import { writeJsonMessage } from './json-message.js';
import type { Moment } from './moment.js';
import type { PrintedMessage } from './printed-message.js';
import { strftime } from './strftime.js';
import type { Field, Writer } from './writer.js';

/** Flags, width, precision and separator may stand between the percent sign and the letter. */
const PERCENT = /%(-?)(0?)(\d*)(?:\.(\d*))?(?:([-:.,;_/| +])(?=[xX]))?/uy;
const MAX_WIDTH = 65_535;
const SPACE = 0x20;
/** Sequences that print the time. */
const WITH_TIME = ['I', 'j', 'J', 'U'];

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\x07',
  e: '\x1b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

type Options = Required<FormatOptions>;

export interface Sequences {
  readonly writers: Writer[];
  /** Whether one of them prints the time. */
  readonly needsTime: boolean;
}

/** The parts of a format. @throws UsageError that names the place of what it does not know */
export function parseSequences(format: string, { isPretty = false, complain = () => {} }: FormatOptions): Sequences {
  return new FormatParser(format, { isPretty, complain }).parse();
}

class FormatParser {
  readonly #format: string;
  readonly #options: Options;
  readonly #writers: Writer[] = [];
  #literal = '';
  #needsTime = false;
  #at = 0;

  constructor(format: string, options: Options) {
    this.#format = format;
    this.#options = options;
  }

  parse(): Sequences {
    while (this.#at < this.#format.length) {
      const start = this.#at;
      const sign = this.#character();
      if (sign === '%') this.#percent(start);
      else if (sign === '@') this.#time(start);
      else if (sign === '\\') this.#escape(start);
      else this.#literal += sign;
    }
    this.#endLiteral();
    return { writers: this.#writers, needsTime: this.#needsTime };
  }

  #percent(start: number): void {
    PERCENT.lastIndex = start;
    const [whole, left, zero, width, precision, separator] = PERCENT.exec(this.#format) ?? [''];
    this.#at = start + whole.length;
    const letter = this.#letter(start);
    const field: Field = {
      isLeft: left !== '',
      hasZeros: zero !== '',
      width: this.#number(width, start),
      precision: precision === undefined ? undefined : this.#number(precision, start),
      separator: separator?.charCodeAt(0) ?? SPACE,
    };
    if (letter === '%') {
      this.#literal += '%';
      return;
    }
    if (!Object.hasOwn(SEQUENCES, letter)) {
      throw this.#unknown(start, 'The letters are A C D d E F f I j J l m P p q R r S t U x X');
    }
    this.#add(SEQUENCES[letter](field, this.#options));
    this.#needsTime ||= WITH_TIME.includes(letter);
  }

  #number(digits: string, start: number): number {
    const number = Number(digits);
    if (number <= MAX_WIDTH) return number;
    throw new UsageError(`-F: ${digits} in ${this.#shown(start)} is too large. ${MAX_WIDTH} is the largest.`);
  }

  #time(start: number): void {
    const letter = this.#letter(start);
    if (letter === '@') {
      this.#literal += '@';
      return;
    }
    if (letter === 'N') this.#add((sink, _, { nanoseconds }) => sink.text(String(nanoseconds).padStart(9, '0')));
    else this.#add(localTime(letter));
    this.#needsTime = true;
  }

  #escape(start: number): void {
    const letter = this.#letter(start);
    if (!Object.hasOwn(ESCAPES, letter)) throw this.#unknown(start, 'A backslash has to be written twice');
    this.#literal += ESCAPES[letter];
  }

  #letter(start: number): string {
    if (this.#at < this.#format.length) return this.#character();
    throw new UsageError(`-F: ${this.#shown(start)} at the end is not complete.`);
  }

  #character(): string {
    const character = String.fromCodePoint(this.#format.codePointAt(this.#at) ?? 0);
    this.#at += character.length;
    return character;
  }

  #unknown(start: number, hint: string): UsageError {
    return new UsageError(`-F: there is no ${this.#shown(start)}. ${hint}.`);
  }

  /** The sequence and its place, counted from 1. */
  #shown(start: number): string {
    return `'${this.#format.slice(start, this.#at)}' (character ${[...this.#format.slice(0, start)].length + 1})`;
  }

  #add(writer: Writer): void {
    this.#endLiteral();
    this.#writers.push(writer);
  }

  #endLiteral(): void {
    if (this.#literal === '') return;
    const bytes = new TextEncoder().encode(this.#literal);
    this.#writers.push(bytes.length === 1 ? (sink) => sink.byte(bytes[0]) : (sink) => sink.bytes(bytes));
    this.#literal = '';
  }
}

const SEQUENCES: Readonly<Record<string, (field: Field, options: Options) => Writer>> = {
  A: (field) => integer(field, ({ properties }) => properties?.topicAlias),
  C: (field) => text(field, ({ properties }) => properties?.contentType, field.width),
  D: () => correlationData,
  d: (field, { complain }) => payloadFloat(field, 8, complain),
  // As Mosquitto prints it, with a sign that it does not have.
  E: (field) =>
    integer(field, ({ properties }) => {
      const seconds = properties?.messageExpiryInterval;
      return seconds === undefined ? undefined : seconds | 0;
    }),
  F: (field) => integer(field, ({ properties }) => properties?.payloadFormatIndicator),
  f: (field, { complain }) => payloadFloat(field, 4, complain),
  I: (field) => text(field, (_, moment) => isoTime(moment), 0),
  j: (_, { isPretty }) => {
    const layout = { isPretty, embedsPayload: false };
    return (sink, message, moment) => {
      writeJsonMessage(sink, message, moment, layout);
    };
  },
  J: (_, { isPretty, complain }) => {
    const layout = { isPretty, embedsPayload: true };
    return (sink, message, moment) => {
      if (writeJsonMessage(sink, message, moment, layout)) return;
      complain(`Error: Message payload is not valid JSON on topic ${message.topic}.\n`);
    };
  },
  l: (field) => integer(field, ({ payload }) => payload.length),
  m: (field) => integer(field, ({ packetId = 0 }) => packetId),
  P: () => userProperties,
  p: payloadRaw,
  q:
    () =>
    (sink, { qos }) =>
      sink.byte(0x30 + qos),
  R: (field) => text(field, ({ properties }) => properties?.responseTopic, 0),
  r:
    () =>
    (sink, { retain }) =>
      sink.byte(retain ? 0x31 : 0x30),
  S: (field) => integer(field, ({ properties }) => properties?.subscriptionIdentifiers?.[0]),
  t: (field) => text(field, ({ topic }) => topic, 0),
  U: () => unixTime,
  x: (field) => payloadHex(field, '0123456789abcdef'),
  X: (field) => payloadHex(field, '0123456789ABCDEF'),
};

/** A part of the local time: it is the same for all messages of a second. */
function localTime(letter: string): Writer {
  let seconds = Number.NaN;
  let text = '';
  return (sink, _, moment) => {
    if (moment.seconds !== seconds) {
      seconds = moment.seconds;
      text = strftime(letter, moment.local);
    }
    sink.text(text);
  };
}

function correlationData(sink: ByteSink, { properties }: PrintedMessage): void {
  if (properties?.correlationData !== undefined) sink.bytes(properties.correlationData);
}

function userProperties(sink: ByteSink, { properties }: PrintedMessage): void {
  properties?.userProperties?.forEach(([name, value], i) => {
    if (i > 0) sink.byte(SPACE);
    sink.text(`${name}:${value}`);
  });
}

function isoTime({ isoDateTime, isoZone }: Moment): string {
  return isoDateTime + isoZone;
}

function unixTime(sink: ByteSink, _: PrintedMessage, { seconds, nanoseconds }: Moment): void {
  sink.text(`${seconds}.${String(nanoseconds).padStart(9, '0')}`);
}
