import { jsonTokens } from '../decode/json-tokens.js';
import { ISO_TIME, isoTimeMs, isTimeMember, unitsPerSecond } from '../decode/payload-times.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const OPENINGS = new Set([0x5b, 0x7b]);

/**
 * Moves the times in a payload of JSON by `byMs`: numbers of members that are known for times (`tst`, `timestamp` ...), in
 * the unit that they have, and all texts that are times of ISO 8601 with a zone. All else stays as it was written, byte
 * for byte. A payload without any comes back itself.
 */
export function withShiftedTimes(payload: Uint8Array, byMs: number): Uint8Array {
  const first = payload.find((byte) => byte > 0x20);
  if (first === undefined || !OPENINGS.has(first)) return payload;
  let json: string;
  try {
    json = decoder.decode(payload);
    JSON.parse(json);
  } catch {
    return payload;
  }
  const shifted = shiftedJson(json, byMs);
  return shifted === json ? payload : encoder.encode(shifted);
}

const COLON_FOLLOWS = /[ \t\n\r]*:/y;

function shiftedJson(json: string, byMs: number): string {
  let shifted = '';
  let copied = 0;
  /** The name in front of the next value. */
  let member = '';
  for (const { kind, start, end } of jsonTokens(json)) {
    if (kind === 'colon') continue;
    const text = kind === 'text' ? json.slice(start + 1, end - 1) : '';
    if (kind === 'text' && isName(json, end)) {
      member = text;
      continue;
    }
    const isTime = kind === 'number' && isTimeMember(member);
    const other = isTime ? shiftedNumber(json.slice(start, end), byMs) : shiftedText(text, byMs);
    member = '';
    if (other === null) continue;
    shifted += json.slice(copied, start) + (kind === 'text' ? `"${other}"` : other);
    copied = end;
  }
  return shifted + json.slice(copied);
}

/** Whether the text that ends there is the name of a member. */
function isName(json: string, end: number): boolean {
  COLON_FOLLOWS.lastIndex = end;
  return COLON_FOLLOWS.test(json);
}

/** With as many digits behind the point as it had. */
function shiftedNumber(token: string, byMs: number): string | null {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(token) ?? [];
  const units = whole === undefined ? null : unitsPerSecond(Number(whole));
  if (units === null) return null;
  const perSecond = BigInt(units) * 10n ** BigInt(fraction.length);
  const moved = BigInt(whole + fraction) + rounded(BigInt(Math.round(byMs * 1e3)) * perSecond, 1_000_000n);
  const digits = moved.toString();
  return fraction === '' ? digits : `${digits.slice(0, -fraction.length)}.${digits.slice(-fraction.length)}`;
}

/** The quotient that is the nearest whole number. */
function rounded(dividend: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return (dividend < 0n ? dividend - half : dividend + half) / divisor;
}

/** In the same zone, and as exact as it was written. */
function shiftedText(text: string, byMs: number): string | null {
  const timeMs = text === '' ? null : isoTimeMs(text);
  if (timeMs === null) return null;
  const [, minutes, seconds, fraction, zone] = ISO_TIME.exec(text) ?? [];
  const local = new Date(timeMs + byMs + zoneOffsetMs(zone)).toISOString();
  const separator = minutes.slice(10, 11);
  return [
    `${local.slice(0, 10)}${separator}${local.slice(11, 16)}`,
    seconds === undefined ? '' : local.slice(16, 19),
    fraction === undefined ? '' : `.${local.slice(20, 23).padEnd(9, '0').slice(0, fraction.length)}`,
    zone,
  ].join('');
}

function zoneOffsetMs(zone: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
