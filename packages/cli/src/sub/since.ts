import { UsageError } from '../command-line/arguments.js';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3, w: 7 * 86_400e3 };

/**
 * The time that `--since` names, in ms since 1970: `now`, a duration such as `10m` that lies behind us, or an ISO time;
 * without a zone, that is local time.
 * @throws UsageError for anything else
 */
export function sinceMs(text: string, nowMs: number): number {
  if (text === 'now') return nowMs;
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  if (number !== undefined) return nowMs - Number(number) * UNITS_MS[unit];
  const isIso = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text);
  // A date alone would be UTC.
  const timeMs = isIso ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new UsageError(`--since is 10m, 2h, 3d, now, or a time such as 2026-05-01T12:00, not "${text}"`);
}
