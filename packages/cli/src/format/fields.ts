import type { ByteSink } from '../command-line/byte-sink.js';
import { fixedText } from './decimal-text.js';
import type { Moment } from './moment.js';
import type { PrintedMessage } from './printed-message.js';
import type { Field, Writer } from './writer.js';

const SPACE = 0x20;
const ZERO = 0x30;
const MINUS = 0x2d;

/** As `%s` of printf. @param blanks how many spaces stand for a text that there is not */
export function text(
  { width, precision, isLeft }: Field,
  value: (message: PrintedMessage, moment: Moment) => string | undefined,
  blanks: number,
): Writer {
  if (width === 0 && precision === undefined) {
    return (sink, message, moment) => {
      const found = value(message, moment);
      if (found !== undefined) sink.text(found);
    };
  }
  const encoder = new TextEncoder();
  return (sink, message, moment) => {
    const found = value(message, moment);
    if (found === undefined) {
      sink.fill(SPACE, blanks);
      return;
    }
    const bytes = encoder.encode(found).subarray(0, precision);
    padded(sink, bytes, SPACE, width, isLeft);
  };
}

/** As `%d` of printf; blank where there is no number. */
export function integer(
  { width, isLeft, hasZeros }: Field,
  value: (message: PrintedMessage) => number | undefined,
): Writer {
  const blank = hasZeros ? ZERO : SPACE;
  return (sink, message) => {
    const found = value(message);
    if (found === undefined) sink.fill(blank, width);
    else paddedNumber(sink, String(found), width, isLeft, hasZeros);
  };
}

/** The payload as it is. With a width, that many bytes and no more. */
export function payloadRaw({ width, isLeft, hasZeros }: Field): Writer {
  if (width === 0) return (sink, { payload, decoded }) => sink.bytes(decoded ?? payload);
  const pad = hasZeros ? ZERO : SPACE;
  return (sink, { payload, decoded = payload }) => padded(sink, decoded.subarray(0, width), pad, width, isLeft);
}

/**
 * Two digits for each byte. With a width, no more bytes than that. With a precision, a separator stands behind so many
 * digits each, padding included, but not at the end.
 */
export function payloadHex({ width, precision = 0, separator, isLeft, hasZeros }: Field, alphabet: string): Writer {
  const digits = Uint8Array.from(alphabet, (digit) => digit.charCodeAt(0));
  const pad = hasZeros ? ZERO : SPACE;
  return (sink, { payload }) => {
    const count = width === 0 ? payload.length : Math.min(payload.length, width);
    const padding = Math.max(0, width - 2 * count);
    if (precision > 0) {
      const before = isLeft ? 0 : padding;
      const total = before + 2 * count;
      for (let place = 0; place < total; place++) {
        const nibble = place - before;
        const byte = payload[nibble >> 1];
        sink.byte(nibble < 0 ? pad : digits[nibble % 2 === 0 ? byte >> 4 : byte & 0x0f]);
        const isLast = place === total - 1 && nibble >= 0;
        if ((place + 1) % precision === 0 && !isLast) sink.byte(separator);
      }
    } else {
      if (!isLeft) sink.fill(pad, padding);
      writeHex(sink, payload, count, digits);
    }
    if (isLeft) sink.fill(SPACE, padding);
  };
}

function writeHex(sink: ByteSink, payload: Uint8Array, count: number, digits: Uint8Array): void {
  sink.reserve(2 * count);
  const { buffer } = sink;
  let at = sink.length;
  for (let i = 0; i < count; i++) {
    buffer[at++] = digits[payload[i] >> 4];
    buffer[at++] = digits[payload[i] & 0x0f];
  }
  sink.length = at;
}

/** The payload as a floating-point number of so many bytes, little-endian, as `%f` of printf. */
export function payloadFloat(
  { width, precision = 6, isLeft, hasZeros }: Field,
  size: 4 | 8,
  complain: (text: string) => void,
): Writer {
  return (sink, { topic, payload }) => {
    if (payload.length !== size) {
      complain(`Error: The payload on topic ${topic} is no number of ${size} bytes.\n`);
      return;
    }
    const view = new DataView(payload.buffer, payload.byteOffset, size);
    const value = size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
    // What is no number does not get zeros.
    paddedNumber(sink, fixedText(value, precision), width, isLeft, hasZeros && Number.isFinite(value));
  };
}

function padded(sink: ByteSink, bytes: Uint8Array, pad: number, width: number, isLeft: boolean): void {
  const padding = width - bytes.length;
  if (!isLeft) sink.fill(pad, padding);
  sink.bytes(bytes);
  if (isLeft) sink.fill(SPACE, padding);
}

/** The sign stands in front of zeros and behind spaces. */
function paddedNumber(sink: ByteSink, number: string, width: number, isLeft: boolean, hasZeros: boolean): void {
  const padding = width - number.length;
  const isNegative = number.charCodeAt(0) === MINUS;
  if (isLeft || !hasZeros || padding <= 0) {
    if (!isLeft) sink.fill(SPACE, padding);
    sink.text(number);
    if (isLeft) sink.fill(SPACE, padding);
    return;
  }
  if (isNegative) sink.byte(MINUS);
  sink.fill(ZERO, padding);
  sink.text(isNegative ? number.slice(1) : number);
}
