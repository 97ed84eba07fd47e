import { ConfigError, findOption, OPTIONS, readConfigFrom } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';
import { CHECKLIST } from './checklist.js';

const FILE = '/etc/mosquitto/mosquitto.conf';

/** What is wrong with a file of these lines. Folders that it includes are empty. */
function problemsOf(lines: readonly string[]): readonly string[] {
  try {
    readConfigFrom({ file: FILE, text: lines.join('\n') }, () => []);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe.each(CHECKLIST)('of the names that Mosquitto knows, for $title', ({ lines, after = [], rows }) => {
  it.each(rows)('%s %s is there, and is what the list says: %s', (name, value, fate) => {
    expect(findOption(name)?.status.kind).toBe(fate);
    const line = `${name} ${value}`;
    // A line around it that says the same would be another one.
    const around = (others: readonly string[]) => others.filter((other) => !other.startsWith(`${name} `));
    const all = [...around(lines), line, ...around(after)];
    const at = `${FILE}:${all.indexOf(line) + 1}: ${name} `;
    const problems = problemsOf(all);
    if (fate !== 'refused') {
      expect(problems).toEqual([]);
      return;
    }
    expect(problems).toHaveLength(1);
    expect(problems[0].slice(0, at.length)).toBe(at);
    // Why, and what to do.
    expect(problems[0].slice(at.length)).toMatch(/^.{20,}\.$/);
  });
});

describe('the list', () => {
  it('has every option but those that Mosquitto does not have', () => {
    const listed = new Set(CHECKLIST.flatMap(({ rows }) => rows.map(([name]) => findOption(name))));
    const others = OPTIONS.filter((option) => !listed.has(option)).map(({ name }) => name);
    expect(others).toEqual(OPTIONS.filter(({ isOwn }) => isOwn).map(({ name }) => name));
  });

  it('has each name once', () => {
    const names = CHECKLIST.flatMap(({ rows }) => rows.map(([name]) => name));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(names.length).toBeGreaterThan(140);
  });
});
