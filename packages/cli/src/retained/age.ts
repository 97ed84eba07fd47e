import { UsageError } from '../command-line/arguments.js';

const MS_PER: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3, w: 604_800e3 };

/** `90s`, `30m`, `12h`, `30d` or `4w` in milliseconds. @throws UsageError */
export function ageMs(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * MS_PER[unit];
  throw new UsageError(`--older-than is a number and s, m, h, d or w, such as 30d, not "${text}"`);
}

/** For people, in the unit that gives a small number: 12 d. */
export function ageText(ms: number): string {
  const units = ['d', 'h', 'm', 's'];
  const unit = units.find((one) => ms >= 2 * MS_PER[one]) ?? 's';
  return `${Math.max(0, Math.floor(ms / MS_PER[unit]))} ${unit === 'm' ? 'min' : unit}`;
}
