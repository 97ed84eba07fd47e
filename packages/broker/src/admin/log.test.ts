import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogType } from '../core/ports/log.js';
import {
  ALL_LOG_TYPES,
  BrokerLog,
  DEFAULT_LOG,
  LOG_TYPE_NAMES,
  type LogConfig,
  type LogDestination,
  withLogType,
} from './log.js';
import type { LogSink } from './log-sink.js';
import { type TextOutput, TextSink } from './text-sink.js';

class MemoryOutput implements TextOutput {
  pendingBytes = 0;
  writes: string[] = [];
  reopened = 0;
  isClosed = false;

  write(text: string): void {
    this.writes.push(text);
  }

  reopen(): void {
    this.reopened++;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const NOW_MS = 1_700_000_000_999;
const turn = () => new Promise(setImmediate);

/** A log whose destinations are in memory; `outputs` has them by kind. One that is a file called /bad cannot be opened. */
function open(config: Partial<LogConfig> = {}) {
  const outputs: Record<string, MemoryOutput> = {};
  const openSink = (
    destination: LogDestination,
    _config: LogConfig,
    voice: ConstructorParameters<typeof TextSink>[1],
  ) => {
    if (destination.kind === 'file' && destination.path === '/bad') throw new Error('ENOENT');
    const output = new MemoryOutput();
    outputs[destination.kind] = output;
    return new TextSink(output, voice) satisfies LogSink;
  };
  const log = new BrokerLog({ ...DEFAULT_LOG, ...config }, () => NOW_MS, openSink);
  return { log, outputs, sink: outputs.stderr };
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

  it('takes no debug lines for topics alone: nobody has to make them', () => {
    const log = new BrokerLog(
      { ...DEFAULT_LOG, destinations: [{ kind: 'topic' }], types: ALL_LOG_TYPES },
      () => NOW_MS,
    );
    expect(log.types).toBe(ALL_LOG_TYPES & ~LogType.DEBUG);
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

  it.each(['\n', '\r', '\x1b', '\x7f', '\u009b'])(
    'lets nobody write lines or commands of their own with %j',
    async (bad) => {
      const { log, sink } = open({ timestamp: false });
      log.write(LogType.ERROR, `client x${bad}1700000000: all is well\tand so on`);
      await turn();
      const code = bad.charCodeAt(0).toString(16).padStart(2, '0');
      expect(sink.writes).toEqual([`client x\\x${code}1700000000: all is well\tand so on\n`]);
    },
  );

  it('writes JSON, one object a line, with what the line is about', async () => {
    const { log, sink } = open({ format: 'json' });
    log.write(LogType.NOTICE, 'Client a\n is "here".', { client: 'a\n', address: '127.0.0.1:5' });
    log.write(LogType.SUBSCRIBE, 'not wanted');
    await turn();
    expect(sink.writes.join('').match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(sink.writes[0])).toEqual({
      time: '2023-11-14T22:13:20.999Z',
      type: 'notice',
      message: 'Client a\n is "here".',
      client: 'a\n',
      address: '127.0.0.1:5',
    });
  });

  it('leaves the time out of JSON, too', async () => {
    const { log, sink } = open({ format: 'json', timestamp: false });
    log.write(LogType.ERROR, 'x');
    await turn();
    expect(sink.writes).toEqual(['{"type":"error","message":"x"}\n']);
  });

  it('drops lines where a destination takes nothing, and says how many when it does again', async () => {
    const { log, outputs } = open({ timestamp: false, destinations: [{ kind: 'stdout' }, { kind: 'stderr' }] });
    const { stdout, stderr } = outputs;
    stderr.pendingBytes = 5 * 1024 * 1024;
    log.write(LogType.ERROR, 'lost');
    log.write(LogType.ERROR, 'lost, too');
    await turn();
    stderr.pendingBytes = 0;
    log.write(LogType.ERROR, 'kept');
    await turn();
    expect(stderr.writes).toEqual([expect.stringMatching(/^Warning: 2 log lines are lost.*\nkept\n$/)]);
    expect(stdout.writes.join('')).toBe('lost\nlost, too\nkept\n');
  });

  it('writes at once for a caller who keeps the event loop busy', async () => {
    const { log, sink } = open({ timestamp: false });
    log.write(LogType.ERROR, 'now');
    log.flush();
    expect(sink.writes).toEqual(['now\n']);
    await turn();
    expect(sink.writes).toEqual(['now\n']);
  });

  it('writes what is left when it is closed, and nothing after that', async () => {
    const { log, sink } = open({ timestamp: false });
    log.write(LogType.ERROR, 'last');
    await log.close();
    log.write(LogType.ERROR, 'too late');
    await turn();
    expect(sink.writes).toEqual(['last\n']);
    expect(sink.isClosed).toBe(true);
  });
});

describe('a log that is configured anew', () => {
  const both: LogDestination[] = [{ kind: 'stdout' }, { kind: 'file', path: '/good' }];

  it('opens what is new, closes what is not wanted any more, and keeps the rest', async () => {
    const { log, outputs } = open({ timestamp: false, destinations: [{ kind: 'stderr' }, { kind: 'stdout' }] });
    const { stdout, stderr } = outputs;
    log.write(LogType.ERROR, 'before');
    log.configure({ ...DEFAULT_LOG, timestamp: false, destinations: both });
    log.write(LogType.ERROR, 'after');
    await turn();
    expect(stderr.writes).toEqual(['before\n']);
    expect(stderr.isClosed).toBe(true);
    expect(stdout.writes).toEqual(['before\n', 'after\n']);
    expect(stdout).toMatchObject({ isClosed: false, reopened: 1 });
    expect(outputs.file.writes).toEqual(['after\n']);
    expect(outputs.file.reopened).toBe(0);
  });

  it('stays as it was when something cannot be opened', async () => {
    const { log, outputs } = open({ timestamp: false });
    const changed: LogConfig = {
      ...DEFAULT_LOG,
      types: 0,
      destinations: [{ kind: 'stdout' }, { kind: 'file', path: '/bad' }],
    };
    expect(() => log.configure(changed)).toThrow(/ENOENT/);
    expect(outputs.stdout.isClosed).toBe(true);
    log.write(LogType.ERROR, 'still here');
    await turn();
    expect(outputs.stderr.writes).toEqual(['still here\n']);
  });

  it('can be prepared, and left as it was', async () => {
    const { log, outputs } = open({ timestamp: false });
    log.prepare({ ...DEFAULT_LOG, destinations: both }).cancel();
    log.write(LogType.ERROR, 'still here');
    await turn();
    expect(outputs.stderr.writes).toEqual(['still here\n']);
    expect(outputs.file).toMatchObject({ isClosed: true, writes: [] });
  });

  it('opens a destination that is named twice once', async () => {
    const { log, outputs } = open({ timestamp: false, destinations: [{ kind: 'stderr' }, { kind: 'stderr' }] });
    log.write(LogType.ERROR, 'once');
    await turn();
    expect(outputs.stderr.writes).toEqual(['once\n']);
  });
});

describe('log_type', () => {
  it('knows all names of Mosquitto', () => {
    expect([...LOG_TYPE_NAMES].sort()).toEqual(
      'all debug error information internal none notice subscribe unsubscribe warning websockets'.split(' '),
    );
  });

  it('adds up, and none takes back what was said before', () => {
    const of = (...names: string[]) => names.reduce<number | null>(withLogType, null);
    expect(of('error', 'debug')).toBe(LogType.ERROR | LogType.DEBUG);
    expect(of('all')).toBe(ALL_LOG_TYPES);
    expect(of('error', 'none')).toBe(0);
    expect(of('error', 'none', 'notice')).toBe(LogType.NOTICE);
    expect(of('internal')).toBe(0);
    expect(of('error', 'internal')).toBe(LogType.ERROR);
  });
});

describe('a log to topics', () => {
  function openTopics() {
    const published: [string, string][] = [];
    const config: LogConfig = {
      ...DEFAULT_LOG,
      timestamp: false,
      types: ALL_LOG_TYPES,
      destinations: [{ kind: 'topic' }],
    };
    return { log: new BrokerLog(config, () => NOW_MS), published };
  }

  it('publishes each line where Mosquitto does, at the end of the turn', async () => {
    const { log, published } = openTopics();
    log.publishTo((topic, line) => published.push([topic, line]));
    for (const type of Object.values(LogType)) log.write(type, `type ${type}`);
    expect(published).toEqual([]);
    await turn();
    expect(published).toEqual([
      ['$SYS/broker/log/E', 'type 1'],
      ['$SYS/broker/log/W', 'type 2'],
      ['$SYS/broker/log/N', 'type 4'],
      ['$SYS/broker/log/I', 'type 8'],
      ['$SYS/broker/log/M/subscribe', 'type 32'],
      ['$SYS/broker/log/M/unsubscribe', 'type 64'],
      ['$SYS/broker/log/WS', 'type 128'],
    ]);
  });

  it('does not publish what is logged because of it', async () => {
    const { log, published } = openTopics();
    log.publishTo((topic, line) => {
      published.push([topic, line]);
      log.write(LogType.NOTICE, `delivered: ${line}`);
    });
    log.write(LogType.NOTICE, 'one');
    for (let i = 0; i < 5; i++) await turn();
    expect(published.map(([, line]) => line)).toEqual(['one']);
    log.write(LogType.NOTICE, 'two');
    await turn();
    expect(published.map(([, line]) => line)).toEqual(['one', 'two']);
  });

  it('drops lines while there is no broker', async () => {
    const { log, published } = openTopics();
    log.write(LogType.NOTICE, 'before');
    await turn();
    log.publishTo((topic, line) => published.push([topic, line]));
    await turn();
    log.publishTo(null);
    log.write(LogType.NOTICE, 'after');
    await turn();
    expect(published).toEqual([]);
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

  it.each(['configure', 'reopen'] as const)('is opened again after somebody moved it away (%s)', async (method) => {
    const log = new BrokerLog(config(), () => NOW_MS);
    log.write(LogType.ERROR, 'old');
    await turn();
    renameSync(path, `${path}.1`);
    if (method === 'configure') log.configure(config());
    else log.reopen();
    log.write(LogType.ERROR, 'new');
    await log.close();
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('old\n');
    expect(readFileSync(path, 'utf8')).toBe('new\n');
  });

  it('that cannot be opened again stays the one that is open, and says so', async () => {
    const log = new BrokerLog(config(), () => NOW_MS);
    renameSync(path, `${path}.1`);
    mkdirSync(path);
    log.reopen();
    log.write(LogType.ERROR, 'more');
    await log.close();
    const text = readFileSync(`${path}.1`, 'utf8');
    expect(text).toContain(`Warning: The log file ${path} cannot be opened again: EISDIR`);
    expect(text).toContain('\nmore\n');
  });

  it('that cannot be opened at the start is an error', () => {
    path = join(folder, 'missing', 'cauldron.log');
    expect(() => new BrokerLog(config(), () => NOW_MS)).toThrow(/ENOENT/);
  });
});
