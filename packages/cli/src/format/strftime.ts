import { zoneName } from './time-zone.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

const DAY_MS = 86_400_000;

/** strftime of the C library for one letter, in the locale C. An unknown letter stays as it is: `%!`. */
export function strftime(letter: string, local: Date): string {
  const conversion = CONVERSIONS[letter];
  return conversion === undefined || !Object.hasOwn(CONVERSIONS, letter) ? `%${letter}` : conversion(local);
}

/** Each takes local time in whole seconds. */
const CONVERSIONS: Readonly<Record<string, (local: Date) => string>> = {
  a: (local) => DAYS[local.getDay()].slice(0, 3),
  A: (local) => DAYS[local.getDay()],
  b: monthName,
  B: (local) => MONTHS[local.getMonth()],
  c: (local) =>
    `${DAYS[local.getDay()].slice(0, 3)} ${monthName(local)} ${dayPadded(local)} ${time(local)} ${year(local)}`,
  C: (local) => two(Math.floor(local.getFullYear() / 100)),
  d: day,
  D: date,
  e: dayPadded,
  F: (local) => `${year(local)}-${month(local)}-${day(local)}`,
  g: (local) => two(isoWeek(local).year % 100),
  G: (local) => String(isoWeek(local).year),
  h: monthName,
  H: hour,
  I: (local) => two(hour12(local)),
  j: (local) => String(dayOfYear(local) + 1).padStart(3, '0'),
  k: (local) => String(local.getHours()).padStart(2),
  l: (local) => String(hour12(local)).padStart(2),
  m: month,
  M: minute,
  n: () => '\n',
  p: half,
  P: (local) => half(local).toLowerCase(),
  r: (local) => `${two(hour12(local))}:${minute(local)}:${second(local)} ${half(local)}`,
  R: (local) => `${hour(local)}:${minute(local)}`,
  s: (local) => String(local.getTime() / 1_000),
  S: second,
  t: () => '\t',
  T: time,
  u: (local) => String(local.getDay() || 7),
  U: (local) => two(Math.floor((dayOfYear(local) + 7 - local.getDay()) / 7)),
  V: (local) => two(isoWeek(local).week),
  w: (local) => String(local.getDay()),
  W: (local) => two(Math.floor((dayOfYear(local) + 7 - mondayBased(local)) / 7)),
  x: date,
  X: time,
  y: (local) => two(local.getFullYear() % 100),
  Y: year,
  z: offset,
  Z: zoneName,
  '%': () => '%',
};

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

function year(local: Date): string {
  return String(local.getFullYear());
}

function month(local: Date): string {
  return two(local.getMonth() + 1);
}

function monthName(local: Date): string {
  return MONTHS[local.getMonth()].slice(0, 3);
}

function day(local: Date): string {
  return two(local.getDate());
}

function dayPadded(local: Date): string {
  return String(local.getDate()).padStart(2);
}

function hour(local: Date): string {
  return two(local.getHours());
}

function hour12(local: Date): number {
  return local.getHours() % 12 || 12;
}

function half(local: Date): string {
  return local.getHours() < 12 ? 'AM' : 'PM';
}

function minute(local: Date): string {
  return two(local.getMinutes());
}

function second(local: Date): string {
  return two(local.getSeconds());
}

function time(local: Date): string {
  return `${hour(local)}:${minute(local)}:${second(local)}`;
}

function date(local: Date): string {
  return `${month(local)}/${day(local)}/${two(local.getFullYear() % 100)}`;
}

function offset(local: Date): string {
  const minutes = -local.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

/** 0 on the first of January. */
function dayOfYear(local: Date): number {
  return dayNumber(local.getFullYear(), local.getMonth(), local.getDate()) - dayNumber(local.getFullYear(), 0, 1);
}

function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month, day) / DAY_MS;
}

/** 0 on Mondays. */
function mondayBased(local: Date): number {
  return (local.getDay() + 6) % 7;
}

/** ISO 8601: a week belongs to the year that its Thursday is in. */
function isoWeek(local: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(local.getFullYear(), local.getMonth(), local.getDate() - mondayBased(local) + 3));
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() / DAY_MS - dayNumber(year, 0, 1)) / 7) };
}
