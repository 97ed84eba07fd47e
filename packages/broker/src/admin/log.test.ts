import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogType } from '../core/ports/log.js';
import { ALL_LOG_TYPES, BrokerLog, DEFAULT_LOG, type LogConfig, type LogSink } from './log.js';
import { isTimestampFormat, strftime } from './timestamp.js';

class MemorySink implements LogSink {
  pendingBytes = 0;
  writes: string[] = [];

  write(text: string): void {
    this.writes.push(text);
  }

  reopen(): void {}

  async close(): Promise<void> {}
}

const NOW_MS = 1_700_000_000_999;
const turn = () => new Promise(setImmediate);

function open(config: Partial<LogConfig> = {}) {
  const sink = new MemorySink();
  const log = new BrokerLog(
    { ...DEFAULT_LOG, ...config },
    () => NOW_MS,
    () => sink,
  );
  return { log, sink };
}

describe('the log', () => {
  it('begins each line with the second, and writes the lines of one turn together', async () => {
    const { log, sink } = open();
    log.write(LogType.NOTICE, 'one');
    log.write(LogType.ERROR, 'two');
    expect(sink.writes).toEqual([]);
    await turn();
    expect(sink.writes).toEqual(['1700000000: one\n1700000000: two\n']);
  });

  it('writes only the types that are wanted', async () => {
    const { log, sink } = open({ types: LogType.ERROR });
    log.write(LogType.NOTICE, 'no');
    await turn();
    expect(log.types).toBe(LogType.ERROR);
    expect(sink.writes).toEqual([]);
  });

  it('takes nothing when there is no destination', () => {
    expect(open({ destinations: [], types: ALL_LOG_TYPES }).log.types).toBe(0);
  });

  it('can leave the time away, or write it as strftime does', async () => {
    const { log, sink } = open({ timestamp: false });
    log.write(LogType.ERROR, 'plain');
    await turn();
    log.configure({ ...DEFAULT_LOG, timestampFormat: '%s!' });
    log.write(LogType.ERROR, 'stamped');
    await turn();
    expect(sink.writes).toEqual(['plain\n', '1700000000!: stamped\n']);
  });

  it('lets nobody write lines of their own with line breaks in a client id', async () => {
    const { log, sink } = open({ timestamp: false });
    log.write(LogType.ERROR, 'client x\n1700000000: all is well\r\x1b[2J');
    await turn();
    expect(sink.writes).toEqual(['client x\\x0a1700000000: all is well\\x0d\\x1b[2J\n']);
  });

  it('drops lines when a destination takes nothing, and says how many when it does again', async () => {
    const { log, sink } = open({ timestamp: false });
    sink.pendingBytes = 5 * 1024 * 1024;
    log.write(LogType.ERROR, 'lost');
    log.write(LogType.ERROR, 'lost, too');
    await turn();
    sink.pendingBytes = 0;
    log.write(LogType.ERROR, 'kept');
    await turn();
    expect(sink.writes).toEqual([expect.stringMatching(/^Warning: 2 log lines lost.*\nkept\n$/)]);
  });

  it('writes at once for a caller who keeps the event loop busy', async () => {
    const { log, sink } = open({ timestamp: false });
    log.write(LogType.ERROR, 'now');
    log.flush();
    expect(sink.writes).toEqual(['now\n']);
    await turn();
    expect(sink.writes).toEqual(['now\n']);
  });

  it('writes what is left when it is closed', async () => {
    const { log, sink } = open({ timestamp: false });
    log.write(LogType.ERROR, 'last');
    await log.close();
    expect(sink.writes).toEqual(['last\n']);
  });
});

describe('a log file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-log-'));
    path = join(folder, 'cauldron.log');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const config = (): LogConfig => ({ ...DEFAULT_LOG, timestamp: false, destinations: [{ kind: 'file', path }] });

  it('is appended to, in order', async () => {
    for (const half of [0, 1]) {
      const log = new BrokerLog(config(), () => NOW_MS);
      for (let i = 0; i < 50; i++) {
        log.write(LogType.ERROR, `line ${half * 50 + i}`);
        if (i % 7 === 0) await turn();
      }
      await log.close();
    }
    const expected = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('');
    expect(readFileSync(path, 'utf8')).toBe(expected);
  });

  it('is opened again after somebody moved it away', async () => {
    const log = new BrokerLog(config(), () => NOW_MS);
    log.write(LogType.ERROR, 'old');
    await turn();
    renameSync(path, `${path}.1`);
    log.configure(config());
    log.write(LogType.ERROR, 'new');
    await log.close();
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('old\n');
    expect(readFileSync(path, 'utf8')).toBe('new\n');
  });

  it('that cannot be opened is an error', () => {
    path = join(folder, 'missing', 'cauldron.log');
    expect(() => new BrokerLog(config(), () => NOW_MS)).toThrow(/ENOENT/);
  });
});

describe('strftime', () => {
  const time = new Date(2026, 0, 5, 7, 8, 9);

  it.each([
    ['%Y-%m-%dT%H:%M:%S', '2026-01-05T07:08:09'],
    ['%F %T', '2026-01-05 07:08:09'],
    ['%a %e %b %y, %I %p %%', 'Mon  5 Jan 26, 07 AM %'],
    ['%A %B %j %R %D', 'Monday January 005 07:08 01/05/26'],
  ])('%s', (format, expected) => {
    expect(isTimestampFormat(format)).toBe(true);
    expect(strftime(format, time)).toBe(expected);
  });

  it.each(['', '%', '%Q', '%Y%'])('does not know %j', (format) => {
    expect(isTimestampFormat(format)).toBe(false);
  });

  it('writes the offset to UTC', () => {
    expect(strftime('%z', time)).toMatch(/^[+-]\d{4}$/);
  });
});
