import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { strftime } from './strftime.js';
import { parseRule } from './time-zone.js';

const LETTERS = [...'aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ'];

/** Around new years, leap days, the ends of summer time, midnight and noon. */
const TIMES = [
  '1970-01-01T00:00:00Z',
  '1999-12-31T23:59:59Z',
  '2000-02-29T12:00:00Z',
  '2005-01-01T11:59:59Z',
  '2008-12-29T00:30:00Z',
  '2010-01-03T13:05:09Z',
  '2016-02-29T23:01:01Z',
  '2024-03-31T00:59:59Z',
  '2024-03-31T01:00:00Z',
  '2024-10-27T00:59:59Z',
  '2024-12-30T06:07:08Z',
  '2026-07-04T18:45:00Z',
];

const zone = process.env.TZ;

afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

describe('strftime', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', 'Australia/Lord_Howe'])(
    'says what the C library says in %s',
    (name) => {
      process.env.TZ = name;
      const env = { ...process.env, TZ: name, LC_ALL: 'C' };
      // The name of the zone is that of today's rule, and dates of the past may have had another.
      const letters = LETTERS.filter((letter) => letter !== 'Z');
      for (const text of TIMES) {
        const at = new Date(text);
        const seconds = at.getTime() / 1_000;
        const wanted = spawnSync('date', ['-d', `@${seconds}`, `+${letters.map((one) => `%${one}`).join('|')}`], {
          env,
        });
        expect(letters.map((letter) => strftime(letter, at)).join('|')).toBe(wanted.stdout.toString().trimEnd());
      }
    },
  );

  it.each(['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', 'America/Sao_Paulo'])(
    'calls the zone %s as the C library does',
    (name) => {
      process.env.TZ = name;
      for (const at of [new Date('2026-01-15T00:00:00Z'), new Date('2026-07-15T00:00:00Z')]) {
        const env = { ...process.env, TZ: name, LC_ALL: 'C' };
        const wanted = spawnSync('date', ['-d', `@${at.getTime() / 1_000}`, '+%Z'], { env });
        expect(strftime('Z', at)).toBe(wanted.stdout.toString().trimEnd());
      }
    },
  );

  it('calls a zone that nobody knows by its distance from UTC', () => {
    process.env.TZ = 'Nowhere/Atall';
    expect(strftime('Z', new Date(0))).toBe('+00');
  });

  it.each(['!', 'E', '1', 'ü', 'N', 'toString'])('leaves %%%s as it is', (letter) => {
    expect(strftime(letter, new Date(0))).toBe(`%${letter}`);
  });
});

describe('the names of a time zone', () => {
  it.each([
    ['UTC0', [{ name: 'UTC', minutesEast: 0 }]],
    [
      'CET-1CEST,M3.5.0,M10.5.0/3',
      [
        { name: 'CET', minutesEast: 60 },
        { name: 'CEST', minutesEast: 120 },
      ],
    ],
    [
      'NST3:30NDT,M3.2.0,M11.1.0',
      [
        { name: 'NST', minutesEast: -210 },
        { name: 'NDT', minutesEast: -150 },
      ],
    ],
    [
      '<+1030>-10:30<+11>-11,M10.1.0,M4.1.0',
      [
        { name: '+1030', minutesEast: 630 },
        { name: '+11', minutesEast: 660 },
      ],
    ],
    ['no rule', []],
  ])('are in the rule %s', (rule, expected) => {
    expect(parseRule(rule)).toEqual(expected);
  });
});
