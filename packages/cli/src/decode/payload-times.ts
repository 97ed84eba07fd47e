// What in the payloads of others says when something was. Names of members and forms of times are those that are in use:
// OwnTracks (`tst`, `created_at`), and what firmware and converters write.

/** Members whose number is a time, in the order of preference. Letters may be large or small. */
const TIME_MEMBERS = ['tst', 'timestamp', 'time', 'ts', 'created_at', 'datetime', 'date'];

/** From 2001-09-09 to 2100, in seconds: numbers of these ranges are times, in the units that make them so. */
const EARLIEST_S = 1e9;
const LATEST_S = 4_102_444_800;
/** Seconds, milliseconds, microseconds and nanoseconds: how many of them a second has. */
const UNITS_PER_SECOND = [1, 1e3, 1e6, 1e9];

/** ISO 8601 with date, time and zone: without a zone nobody knows which moment is meant. */
export const ISO_TIME = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(?:(:\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)$/;

export function isTimeMember(name: string): boolean {
  return TIME_MEMBERS.includes(name.toLowerCase());
}

/** How many of its units a second has, if it is a time since 1970; null if it is none. */
export function unitsPerSecond(number: number): number | null {
  return UNITS_PER_SECOND.find((units) => number >= EARLIEST_S * units && number < LATEST_S * units) ?? null;
}

/** The time of such a text, in milliseconds since 1970; null if it is none, or as far away as what stands for "never". */
export function isoTimeMs(text: string): number | null {
  if (!ISO_TIME.test(text)) return null;
  const ms = Date.parse(text.replace(/([+-]\d\d)$/, '$1:00'));
  return ms >= EARLIEST_S * 1e3 && ms < LATEST_S * 1e3 ? ms : null;
}

const decoder = new TextDecoder();
const OPENING_BRACE = 0x7b;

/**
 * When a payload says that it was made: by the first of these members of a JSON object that is a time. In milliseconds
 * since 1970; null if it does not say so.
 */
export function payloadTimeMs(payload: Uint8Array): number | null {
  const first = payload.find((byte) => byte > 0x20);
  if (first !== OPENING_BRACE) return null;
  let object: object;
  try {
    object = JSON.parse(decoder.decode(payload));
  } catch {
    return null;
  }
  const members = new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of TIME_MEMBERS) {
    const timeMs = timeMsOf(members.get(name));
    if (timeMs !== null) return timeMs;
  }
  return null;
}

function timeMsOf(value: unknown): number | null {
  if (typeof value === 'string') return isoTimeMs(value);
  if (typeof value !== 'number') return null;
  const units = unitsPerSecond(value);
  return units === null ? null : (value / units) * 1e3;
}
