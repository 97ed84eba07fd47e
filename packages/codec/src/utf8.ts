import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';

/** A string, and binary data, carry their length in two bytes. */
export const MAX_STRING_BYTES = 65_535;

/** Characters up to which plain code beats a call into the platform's decoder and encoder (measured). */
const SHORT = 40;

// fatal: over-long forms, surrogates and what lies above U+10FFFF are refused, not replaced [MQTT-1.5.4-1].
// ignoreBOM: U+FEFF is a character like any other and stays [MQTT-1.5.4-3].
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Whether `bytes[start..end)` is a string as MQTT allows it: well-formed UTF-8 (no over-long forms, no surrogates, nothing
 * above U+10FFFF) without U+0000. Makes no string, so that text which is only passed on costs no memory.
 */
export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const lead = bytes[at++];
    if (lead < 0x80) {
      if (lead === 0) return false; // [MQTT-1.5.4-2]
      continue;
    }
    // How many bytes follow, and the range of the first of them, which rules out over-long forms (E0, F0), surrogates (ED)
    // and what lies above U+10FFFF (F4).
    let more: number;
    let low = 0x80;
    let high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) more = 1;
    else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead === 0xe0) low = 0xa0;
      else if (lead === 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead === 0xf0) low = 0x90;
      else if (lead === 0xf4) high = 0x8f;
    } else return false;
    if (at + more > end) return false;
    if (bytes[at] < low || bytes[at] > high) return false;
    for (let i = 1; i < more; i++) {
      if ((bytes[at + i] & 0xc0) !== 0x80) return false;
    }
    at += more;
  }
  return true;
}

/**
 * The string in `bytes[start..end)`.
 * @param field what the string is, for the error
 * @throws ProtocolError MALFORMED_PACKET where `isValidUtf8` is false
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number, field = 'a string'): string {
  const length = end - start;
  if (length === 0) return '';
  if (length <= SHORT) {
    const codes = new Array<number>(length);
    let i = 0;
    for (; i < length; i++) {
      const byte = bytes[start + i];
      if (byte >= 0x80 || byte === 0) break;
      codes[i] = byte;
    }
    if (i === length) return String.fromCharCode.apply(null, codes);
  }
  const text = decoded(bytes.subarray(start, end));
  // [MQTT-1.5.4-2]
  if (text === null || text.includes('\0')) {
    throw new ProtocolError(
      ReasonCode.MALFORMED_PACKET,
      `${field} is not valid UTF-8, or contains the null character [MQTT-1.5.4-1, MQTT-1.5.4-2]`,
    );
  }
  return text;
}

/** Null: it is not UTF-8. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** The number of bytes of `text` in UTF-8; -1 if MQTT cannot carry it, because of U+0000 or a lone surrogate. */
export function utf8Length(text: string): number {
  const units = text.length;
  let bytes = units;
  for (let i = 0; i < units; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) {
      if (code === 0) return -1; // [MQTT-1.5.4-2]
    } else if (code < 0x800) {
      bytes++;
    } else if (code < 0xd800 || code > 0xdfff) {
      bytes += 2;
    } else {
      // A pair is two units here and four bytes there.
      if (code > 0xdbff || i + 1 === units || (text.charCodeAt(i + 1) & 0xfc00) !== 0xdc00) return -1; // [MQTT-1.5.4-1]
      i++;
      bytes += 2;
    }
  }
  return bytes;
}

/**
 * The number of bytes of `text` in UTF-8, for a field that is about to be encoded.
 * @throws ProtocolError MALFORMED_PACKET that names `field` if MQTT cannot carry the string
 */
export function encodedLength(text: string, field: string): number {
  const length = utf8Length(text);
  if (length < 0) {
    throw new ProtocolError(
      ReasonCode.MALFORMED_PACKET,
      `${field} contains the null character or half of a surrogate pair`,
    );
  }
  if (length > MAX_STRING_BYTES) {
    throw new ProtocolError(
      ReasonCode.MALFORMED_PACKET,
      `${field} has ${length} bytes, the most that MQTT can carry is ${MAX_STRING_BYTES}`,
    );
  }
  return length;
}

/**
 * Writes `text` as UTF-8, without its length, and returns the offset after it. The text must have passed `encodedLength`,
 * and the caller sees to the room that this told.
 */
export function writeUtf8(out: Uint8Array, at: number, text: string): number {
  const units = text.length;
  let i = 0;
  if (units <= SHORT) {
    for (; i < units; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) break;
      out[at + i] = code;
    }
    if (i === units) return at + units;
  }
  return at + i + encoder.encodeInto(i === 0 ? text : text.slice(i), out.subarray(at + i)).written;
}
