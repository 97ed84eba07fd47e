import { EventEmitter } from 'node:events';
import type { ReadStream, WriteStream } from 'node:tty';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TreeScreen } from './tree-screen.js';

class Terminal extends EventEmitter {
  columns = 80;
  rows = 10;
  isTTY = true;
  isRaw = false;
  writableNeedDrain = false;
  written: string[] = [];

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  resume(): void {}
  pause(): void {}
}

const message = (topic: string) => ({ topic, payload: Buffer.from('x'), qos: 0 as const, retain: false });

function shown(onQuit = () => {}) {
  const terminal = new Terminal();
  const screen = new TreeScreen({
    title: 'test',
    input: terminal as unknown as ReadStream,
    output: terminal as unknown as WriteStream,
    onQuit,
  });
  screen.start();
  terminal.written = [];
  return { terminal, screen };
}

describe('TreeScreen', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => vi.useRealTimers());

  it('draws at most ten times a second, and only the lines that changed', () => {
    const { terminal, screen } = shown();
    for (let i = 0; i < 1_000; i++) {
      screen.message(message('a/b'));
      vi.advanceTimersByTime(1);
    }
    // Those for messages, and the one of each second.
    expect(terminal.written.length).toBeGreaterThanOrEqual(9);
    expect(terminal.written.length).toBeLessThanOrEqual(11);
    expect(terminal.written.at(-1)).toContain('\u001b[2;1H');
    expect(terminal.written.at(-1)).not.toContain('\u001b[10;1H');
    screen.stop();
  });

  it('leaves the terminal as it was', () => {
    const { terminal, screen } = shown();
    expect(terminal.isRaw).toBe(true);
    screen.message(message('a'));
    screen.stop();
    screen.stop();
    expect(terminal.isRaw).toBe(false);
    expect(terminal.written).toEqual(['\u001b[?25h\u001b[?1049l']);
    expect(terminal.listenerCount('data') + terminal.listenerCount('resize')).toBe(0);
    vi.advanceTimersByTime(5_000);
    expect(terminal.written).toHaveLength(1);
  });

  it.each(['q', '\u0003'])('tells that the person has had enough: %j', (key) => {
    let quits = 0;
    const { terminal, screen } = shown(() => quits++);
    terminal.emit('data', Buffer.from(`\u001b[B${key}`));
    expect(quits).toBe(1);
    screen.stop();
  });

  it('moves with keys, several of them in one read', () => {
    const { terminal, screen } = shown();
    for (const topic of ['a', 'b', 'c']) screen.message(message(topic));
    terminal.emit('data', Buffer.from('\u001b[B\u001bOBj\u001b[A'));
    expect(terminal.written.at(-1)).toContain('b   QoS 0');
    screen.stop();
  });

  it('draws all of it again when the size changes, and waits while the terminal is behind', () => {
    const { terminal, screen } = shown();
    screen.message(message('a'));
    terminal.writableNeedDrain = true;
    vi.advanceTimersByTime(3_000);
    expect(terminal.written).toEqual([]);
    terminal.writableNeedDrain = false;
    terminal.rows = 6;
    terminal.emit('resize');
    expect(terminal.written[0]).toBe('\u001b[2J');
    expect(terminal.written[1]).toContain('\u001b[6;1H');
    expect(terminal.written[1]).not.toContain('\u001b[7;1H');
    screen.stop();
  });
});
