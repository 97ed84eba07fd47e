import { describe, expect, it } from 'vitest';
import { describeFlags, type FlagTable, parseArguments, UsageError, wrapProse } from './arguments.js';

const TABLE = {
  host: { short: '-h', long: '--host', kind: 'text', value: 'HOST', doc: 'Where.' },
  quiet: { long: '--quiet', kind: 'switch', doc: 'Silence.' },
  qos: { short: '-q', long: '--qos', kind: 'integer', value: 'QOS', lowest: 0, highest: 2, doc: 'How sure.' },
  delay: { long: '--delay', kind: 'decimal', value: 'SECONDS', lowest: 0, doc: 'How long.' },
  topics: { short: '-t', long: '--topic', kind: 'list', value: 'TOPIC', doc: 'What.' },
  version: { short: '-V', kind: 'choice', value: 'VERSION', choices: ['4', '5'], doc: 'Which.' },
  pairs: { short: '-D', kind: 'group', value: 'A B', arity: () => 2, doc: 'Pairs.' },
} as const satisfies FlagTable;

describe('parseArguments', () => {
  it('reads every kind of flag, by its short and its long name', () => {
    const argv = ['-h', 'there', '--quiet', '--qos', '2', '--delay', '0.5', '-t', 'a', '--topic', 'b', '-V', '5'];
    expect(parseArguments(TABLE, [...argv, '-D', 'x', 'y', '-D', 'z', '-q'])).toEqual({
      host: 'there',
      quiet: true,
      qos: 2,
      delay: 0.5,
      topics: ['a', 'b'],
      version: '5',
      pairs: [
        ['x', 'y'],
        ['z', '-q'],
      ],
    });
  });

  it('leaves absent what was not given', () => {
    expect(parseArguments(TABLE, [])).toEqual({});
  });

  it('takes an argument that begins with a dash, and one after an equals sign', () => {
    expect(parseArguments(TABLE, ['-h', '-5'])).toEqual({ host: '-5' });
    expect(parseArguments(TABLE, ['--host=a=b', '--quiet'])).toEqual({ host: 'a=b', quiet: true });
  });

  it('collects what is no flag, a lone dash, too: it stands for the standard input or output', () => {
    const operands: string[] = [];
    expect(parseArguments(TABLE, ['one', '--quiet', '-', '-h', '-'], operands)).toEqual({ quiet: true, host: '-' });
    expect(operands).toEqual(['one', '-']);
  });

  it.each([
    [['--hots', 'x'], "Unknown option '--hots'. Did you mean --host?"],
    [['-topic', 'x'], "Unknown option '-topic'. Did you mean --topic?"],
    [['--hots=x'], "Unknown option '--hots=x'. Did you mean --host?"],
    [['--entirely-different'], "Unknown option '--entirely-different'."],
    [['stray'], "Unknown option 'stray'."],
    [['-h'], '-h needs HOST'],
    [['-D', 'x'], '-D needs A B'],
    [['--quiet=yes'], '--quiet takes no argument'],
    [['-q', '3'], '-q is a whole number from 0 to 2, not "3"'],
    [['-q', '1.5'], '-q is a whole number from 0 to 2, not "1.5"'],
    [['-q', ''], '-q is a whole number from 0 to 2, not ""'],
    [['--delay', '-1'], '--delay is a number of at least 0, not "-1"'],
    [['--delay', '1..2'], '--delay is a number of at least 0, not "1..2"'],
    [['-V', '6'], '-V is one of 4, 5, not "6"'],
  ])('refuses %j with a message that says what to do', (argv, message) => {
    expect(() => parseArguments(TABLE, argv)).toThrow(new UsageError(message));
  });
});

describe('describeFlags', () => {
  it('lists every flag with its names and its argument, in columns', () => {
    const lines = describeFlags(TABLE).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + Object.keys(TABLE).length);
    expect(lines[0]).toBe('Options:');
    expect(lines[1]).toBe('  -h, --host HOST      Where.');
    expect(lines[2]).toBe('      --quiet          Silence.');
    expect(lines[6]).toBe('  -V VERSION           Which.');
  });

  it('puts them under the headings of their groups, those of the tool first', () => {
    const table = {
      key: { long: '--key', kind: 'switch', doc: 'Key.', group: 'tls' },
      host: { long: '--host', kind: 'switch', doc: 'Host.', group: 'connection' },
      topic: { long: '--topic', kind: 'switch', doc: 'Topic.' },
    } as const;
    expect(describeFlags(table)).toBe(`Options:
      --topic  Topic.
Connection:
      --host   Host.
TLS:
      --key    Key.
`);
  });

  it('wraps long texts below their column', () => {
    const table = { x: { short: '-x', kind: 'switch', doc: 'word '.repeat(40).trim() } } as const;
    const lines = describeFlags(table).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    expect(lines[2]).toMatch(/^ {6}word/);
  });
});

describe('wrapProse', () => {
  it('wraps paragraphs that are too wide, and nothing else', () => {
    const wide = 'word '.repeat(30).trim();
    const text = `Narrow.\nStays so.\n\n${wide}\nand more\n  a list ${wide}\ntable  ${wide}`;
    const row = 'word '.repeat(20).trim();
    expect(wrapProse(text)).toBe(
      `Narrow.\nStays so.\n\n${row}\n${'word '.repeat(10)}and more\n  a list ${wide}\ntable  ${wide}`,
    );
  });
});
