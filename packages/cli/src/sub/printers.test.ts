import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BatchedOutput } from '../command-line/batched-output.js';
import { formatOf } from '../format/format.js';
import type { PrintedMessage } from '../format/printed-message.js';
import { CountPrinter } from './count-printer.js';
import { DecodedPrinter, FormatPrinter } from './format-printer.js';
import type { Printer } from './printer.js';
import { printerOf } from './printer-of.js';
import { RatePrinter } from './rate-printer.js';
import { StatisticsPrinter } from './statistics-printer.js';
import { type TerminalLayout, TerminalPrinter } from './terminal-printer.js';
import { WatchPrinter } from './watch-printer.js';

/** What a printer prints. */
class Page {
  text = '';
  readonly output = new BatchedOutput(
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.text += chunk.toString('latin1');
        done();
      },
    }),
  );

  async print(printer: Printer, messages: readonly PrintedMessage[]): Promise<string> {
    printer.begin?.();
    for (const message of messages) printer.message(message);
    printer.end?.();
    await this.output.end();
    return this.text;
  }
}

const message = (topic: string, payload: string | Uint8Array, more: Partial<PrintedMessage> = {}): PrintedMessage => ({
  topic,
  payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
  qos: 0,
  retain: false,
  ...more,
});

/** Sequences for the terminal as something that can be read. */
const readable = (text: string) => text.replaceAll('\u001b', 'ESC');

describe('messages on a terminal', () => {
  const plain: TerminalLayout = { isTerminal: true, hasColours: false, isVerbose: true, hasNoLineEnd: false };

  const shown = (layout: Partial<TerminalLayout>, messages: readonly PrintedMessage[]) => {
    const page = new Page();
    return page.print(new TerminalPrinter(page.output, { ...plain, ...layout }, null), messages);
  };

  it('stand in one column, which moves to the right with longer topics', async () => {
    const messages = ['a', 'long/topic', 'b', 'x'.repeat(61), '居間'].map((topic) => message(topic, '1'));
    // Those of the last topic are as wide as two others.
    const lines = ['a 1', 'long/topic 1', 'b          1', `${'x'.repeat(61)} 1`, '居間       1', ''];
    expect(await shown({}, messages)).toBe(Buffer.from(lines.join('\n')).toString('latin1'));
  });

  it('cannot steer it, by their topic or their payload; what is no text is hexadecimal', async () => {
    const messages = [
      message('a\u001b[2J', 'b\u001b[31m\u0007\n\tc'),
      message('b', Uint8Array.of(0xff, 0x1b)),
      message('c', ''),
    ];
    const text = await shown({}, messages);
    expect(text).not.toContain('\u001b');
    expect(text).toMatch(/^a\\u001b\[2J b\\u001b\[31m\\u0007\n\\u0009c\nb +ff 1b {2}\|\.\.\|\nc +\(null\)\n$/);
  });

  it('have a colour for each topic, always the same, and a dim one for what is retained', async () => {
    const messages = [message('a', '1'), message('b', '1'), message('a', '2', { retain: true })];
    const text = await shown({ hasColours: true, isTerminal: false }, messages);
    const [first, second, third] = readable(text).split('\n');
    const [, colour] = /^(ESC\[\d+m)aESC\[0m 1$/.exec(first) ?? [];
    expect(colour).toBeDefined();
    expect(second).toMatch(/^ESC\[\d+mbESC\[0m 1$/);
    expect(second).not.toContain(colour);
    expect(third).toBe(`ESC[2m${colour}aESC[0m 2`);
  });

  it('without -v are payloads, and empty ones leave no line', async () => {
    expect(await shown({ isVerbose: false }, [message('a', '1'), message('b', ''), message('c', '2')])).toBe('1\n2\n');
    expect(await shown({ hasNoLineEnd: true }, [message('a', '1'), message('b', '')])).toBe('a 1');
  });

  it('of several lines stay so when they are decoded', async () => {
    const page = new Page();
    const decoder = { text: (topic: string) => `<${topic}\n>` };
    expect(await page.print(new TerminalPrinter(page.output, plain, decoder), [message('a', 'x')])).toBe('a <a\n>\n');
  });
});

describe('decoded payloads', () => {
  it('stand where the payload is text, and bytes stay bytes', async () => {
    const page = new Page();
    const decoder = { text: (topic: string, payload: Uint8Array) => `{"${topic}":${payload.length}}` };
    const format = formatOf({ format: '%p %x %l %30p|%j' });
    const text = await page.print(new DecodedPrinter(page.output, format, decoder), [message('a', 'xyz')]);
    expect(text).toMatch(/^\{"a":3\} 78797a 3 {24}\{"a":3\}\|.*"payload":"\{\\"a\\":3\}"\}\n$/);
  });

  it('are none where nothing was', async () => {
    const page = new Page();
    const decoder = { text: () => 'never' };
    const format = formatOf({ isVerbose: true });
    expect(await page.print(new DecodedPrinter(page.output, format, decoder), [message('a', '')])).toBe('a (null)\n');
  });
});

describe('--watch', () => {
  it('gives each topic a line of the screen, and keeps the cursor below all', async () => {
    const page = new Page();
    const lines = new FormatPrinter(page.output, formatOf({ isVerbose: true }));
    const printer = new WatchPrinter(page.output, lines, 'Broker: here');
    const text = await page.print(printer, [message('a', '1'), message('b', '2'), message('a', '3')]);
    expect(readable(text)).toBe(
      'ESC[2JESC[1;1HBroker: here\n' +
        'ESC[2;1HESC[2Ka 1\nESC[2;1H\n' +
        'ESC[3;1HESC[2Kb 2\nESC[3;1H\n' +
        'ESC[2;1HESC[2Ka 3\nESC[3;1H\n',
    );
  });
});

describe('numbers instead of messages', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => vi.useRealTimers());

  it('--message-rate has a line each second', async () => {
    const page = new Page();
    const printer = new RatePrinter(page.output);
    printer.begin();
    for (let i = 0; i < 3; i++) printer.message();
    vi.advanceTimersByTime(1_000);
    printer.message();
    vi.advanceTimersByTime(2_000);
    printer.end();
    vi.advanceTimersByTime(5_000);
    await page.output.end();
    expect(page.text).toBe('3\n1\n0\n');
  });

  it('--count has the topics at the end, most messages first', async () => {
    const page = new Page();
    const topics = ['b', 'a', ...Array.from({ length: 10 }, () => 'c'), 'd\u001b'];
    const text = await page.print(
      new CountPrinter(page.output),
      topics.map((topic) => message(topic, 'x')),
    );
    expect(text).toBe('10 c\n 1 a\n 1 b\n 1 d\\u001b\n');
  });

  it('--count of nothing is nothing', async () => {
    const page = new Page();
    expect(await page.print(new CountPrinter(page.output), [])).toBe('');
  });

  it('--stats has rates and sizes at the end', async () => {
    const page = new Page();
    const printer = new StatisticsPrinter(page.output);
    printer.begin();
    printer.message(message('a', 'x'.repeat(1_000)));
    printer.message(message('a', 'x'.repeat(2_000), { qos: 2, retain: true }));
    printer.message(message('b', ''));
    vi.advanceTimersByTime(2_000);
    printer.end();
    await page.output.end();
    expect(page.text).toBe(
      [
        'messages  3 in 2.0 s, 1.5 a second',
        'payloads  3.0 kB, 1.5 kB a second; 1.0 kB each, from 0 bytes to 2.0 kB',
        'QoS       0: 2  1: 0  2: 1',
        'retained  1',
        'topics    2',
        '',
        'messages  a second  payloads     each  topic',
        '       2         1    3.0 kB   1.5 kB  a',
        '       1       0.5   0 bytes  0 bytes  b',
        '',
      ].join('\n'),
    );
  });

  it('--stats shows the twenty topics with most messages, and how many more there are', async () => {
    const page = new Page();
    const messages = Array.from({ length: 25 }, (_, i) => message(`t${i}`, 'x'));
    const lines = (await page.print(new StatisticsPrinter(page.output), messages)).split('\n');
    expect(lines.at(-2)).toBe('... and 5 more topics');
    expect(lines.filter((line) => / t\d+$/.test(line))).toHaveLength(20);
  });
});

describe('the printer of the flags', () => {
  const page = new Page();
  const screen = { output: page.output, isTerminal: false, complain: () => {}, host: 'here', onQuit: () => {} };

  it.each([
    [{}, FormatPrinter],
    [{ color: 'always' }, TerminalPrinter],
    [{ color: 'always', format: '%p' }, FormatPrinter],
    [{ decode: [['hex']] }, DecodedPrinter],
    [{ watch: true }, WatchPrinter],
    [{ stats: true }, StatisticsPrinter],
  ] as const)('%j', async (values, expected) => {
    const mutable = { ...values, decode: 'decode' in values ? values.decode.map((one) => [...one]) : undefined };
    expect(await printerOf(mutable as Parameters<typeof printerOf>[0], screen)).toBeInstanceOf(expected);
  });

  it('has colours on a terminal only, unless NO_COLOR is set', async () => {
    const lines = async () => {
      const one = new Page();
      const printer = await printerOf({ verbose: true }, { ...screen, output: one.output, isTerminal: true });
      return one.print(printer, [message('a', '1')]);
    };
    try {
      vi.stubEnv('TERM', 'xterm');
      vi.stubEnv('NO_COLOR', '');
      expect(readable(await lines())).toMatch(/^ESC\[\d+maESC\[0m 1\n$/);
      vi.stubEnv('NO_COLOR', '1');
      expect(await lines()).toBe('a 1\n');
      vi.stubEnv('NO_COLOR', '');
      vi.stubEnv('TERM', 'dumb');
      expect(await lines()).toBe('a 1\n');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([
    [{ tree: true }, '--tree needs a terminal'],
    [{ tree: true, stats: true }, '--tree and --stats cannot be used together'],
    [{ watch: true, countTopics: true, messageRate: true }, '--watch and --count and --message-rate cannot be used'],
    [{ decode: [['json'], ['hex']] }, '--decode can be given once'],
    [{ decode: [['yaml']] }, "There is no decoder 'yaml'"],
    [{ format: '%z' }, "there is no '%z'"],
  ])('%j is refused: %s', async (values, text) => {
    await expect(printerOf(values as Parameters<typeof printerOf>[0], screen)).rejects.toThrow(text);
  });

  it('prints nothing where the recording goes to', async () => {
    const one = new Page();
    const printer = await printerOf({ record: '-' }, { ...screen, output: one.output });
    expect(await one.print(printer, [message('a', '1')])).toBe('');
  });
});
