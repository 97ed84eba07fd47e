import { describe, expect, it } from 'vitest';
import { LogType } from '../core/ports/log.js';
import type { LogVoice } from './log-sink.js';
import { SyslogSink } from './syslog-sink.js';
import type { OpenSyslog, SyslogChannel } from './syslog-ways.js';

/** The system's log in memory. */
class Channel implements SyslogChannel {
  pendingBytes = 0;
  readonly lines: string[] = [];
  isClosed = false;

  write(priority: number, line: string): void {
    this.lines.push(`<${priority}>${line}`);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function voice(said: string[] = []): LogVoice {
  return { lineOf: (text) => `W: ${text}`, say: (text) => said.push(text) };
}

const turn = () => new Promise(setImmediate);
const broken: OpenSyslog = () => Promise.reject(new Error('not there'));
const DAEMON = 3;
const LOCAL7 = 23;

describe('the system log', () => {
  it('gets each line with its facility and severity', async () => {
    for (const facility of [DAEMON, LOCAL7]) {
      const channel = new Channel();
      const sink = new SyslogSink(facility, voice(), { ways: [async () => channel], retryMs: 1 });
      for (const type of Object.values(LogType)) sink.write(type, String(type));
      await sink.close();
      const severities = [3, 4, 5, 6, 7, 5, 5, 7];
      expect(channel.lines).toEqual(severities.map((severity, i) => `<${facility * 8 + severity}>${2 ** i}`));
      expect(channel.isClosed).toBe(true);
    }
  });

  it('is reached by the first way that works; lines wait until then', async () => {
    const channel = new Channel();
    const said: string[] = [];
    const never: OpenSyslog = () => expect.unreachable();
    const sink = new SyslogSink(DAEMON, voice(said), { ways: [broken, async () => channel, never], retryMs: 1 });
    sink.write(LogType.ERROR, 'early');
    sink.flush();
    expect(channel.lines).toEqual([]);
    await turn();
    expect(channel.lines).toEqual(['<27>early']);
    sink.write(LogType.ERROR, 'late');
    sink.flush();
    expect(channel.lines).toEqual(['<27>early', '<27>late']);
    expect(said).toEqual([]);
    await sink.close();
  });

  it('is tried again when it cannot be reached, which is said once', async () => {
    const channel = new Channel();
    const said: string[] = [];
    let attempts = 0;
    let reached = (): void => {};
    const isReached = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const third: OpenSyslog = async () => {
      if (++attempts < 3) throw new Error(`attempt ${attempts}`);
      setImmediate(reached);
      return channel;
    };
    const sink = new SyslogSink(DAEMON, voice(said), { ways: [broken, third], retryMs: 1 });
    sink.write(LogType.NOTICE, 'waits');
    sink.flush();
    await isReached;
    expect(channel.lines).toEqual(['<29>waits']);
    expect(said).toEqual([expect.stringContaining('cannot be reached (not there; attempt 1)')]);
    await sink.close();
  });

  it('is tried again when it goes away', async () => {
    const channels = [new Channel(), new Channel()];
    const said: string[] = [];
    let leave = (_why: string): void => {};
    let reached = (): void => {};
    const isReachedAgain = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let opened = 0;
    const way: OpenSyslog = async (onGone) => {
      leave = onGone;
      if (opened === 1) setImmediate(reached);
      return channels[opened++];
    };
    const sink = new SyslogSink(DAEMON, voice(said), { ways: [way], retryMs: 1 });
    await turn();
    leave('the server was restarted');
    sink.write(LogType.NOTICE, 'meanwhile');
    sink.flush();
    await isReachedAgain;
    expect(channels.map(({ lines }) => lines)).toEqual([[], ['<29>meanwhile']]);
    expect(said).toEqual([expect.stringContaining('(the server was restarted)')]);
    await sink.close();
  });

  it('loses lines when too many wait for it, and says how many', async () => {
    const channel = new Channel();
    let open = (_channel: SyslogChannel): void => {};
    const way: OpenSyslog = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    const sink = new SyslogSink(DAEMON, voice(), { ways: [way], retryMs: 1 });
    for (let i = 0; i < 10_007; i++) sink.write(LogType.NOTICE, `line ${i}`);
    open(channel);
    await turn();
    expect(channel.lines).toHaveLength(10_001);
    expect(channel.lines.slice(-2)).toEqual(['<29>line 9999', expect.stringMatching(/^<28>W: 7 log lines are lost/)]);
    await sink.close();
  });

  it('does not keep anybody waiting at the end who cannot reach it', async () => {
    const sink = new SyslogSink(DAEMON, voice(), { ways: [broken], retryMs: 60_000 });
    sink.write(LogType.NOTICE, 'lost');
    await sink.close();
  });
});
