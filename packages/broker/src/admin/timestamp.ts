const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

const two = (number: number) => String(number).padStart(2, '0');
const spaced = (number: number) => String(number).padStart(2);
const hour12 = (time: Date) => time.getHours() % 12 || 12;

/** The letters of strftime that make sense in a log, in the C locale and local time. */
const LETTERS: Readonly<Record<string, (time: Date) => string>> = {
  '%': () => '%',
  a: (time) => DAYS[time.getDay()].slice(0, 3),
  A: (time) => DAYS[time.getDay()],
  b: (time) => MONTHS[time.getMonth()].slice(0, 3),
  B: (time) => MONTHS[time.getMonth()],
  d: (time) => two(time.getDate()),
  D: (time) => strftime('%m/%d/%y', time),
  e: (time) => spaced(time.getDate()),
  F: (time) => strftime('%Y-%m-%d', time),
  H: (time) => two(time.getHours()),
  I: (time) => two(hour12(time)),
  j: (time) => String(dayOfYear(time)).padStart(3, '0'),
  m: (time) => two(time.getMonth() + 1),
  M: (time) => two(time.getMinutes()),
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  R: (time) => strftime('%H:%M', time),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  S: (time) => two(time.getSeconds()),
  T: (time) => strftime('%H:%M:%S', time),
  y: (time) => two(time.getFullYear() % 100),
  Y: (time) => String(time.getFullYear()),
  z: (time) => offset(-time.getTimezoneOffset()),
};

/** Whether all letters behind a `%` are known. */
export function isTimestampFormat(format: string): boolean {
  const letters = format.match(/%(.|$)/g) ?? [];
  return format !== '' && letters.every((letter) => Object.hasOwn(LETTERS, letter.slice(1)));
}

/** Writes a time; for a format that `isTimestampFormat` accepts. */
export function strftime(format: string, time: Date): string {
  return format.replace(/%(.)/g, (_, letter: string) => LETTERS[letter](time));
}

/** What stands before a log line, `1700000000: ` by default. Worked out once a second. */
export function timestampFormatter(format: string | null): (nowMs: number) => string {
  let second = Number.NaN;
  let stamp = '';
  return (nowMs) => {
    const now = Math.floor(nowMs / 1000);
    if (now !== second) {
      second = now;
      stamp = format === null ? `${now}: ` : `${strftime(format, new Date(nowMs))}: `;
    }
    return stamp;
  };
}

function dayOfYear(time: Date): number {
  const today = Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
  return (today - Date.UTC(time.getFullYear(), 0, 1)) / DAY_MS + 1;
}

function offset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}
