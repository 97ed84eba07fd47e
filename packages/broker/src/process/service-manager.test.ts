import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceManager } from './service-manager.js';

let folder: string;
let environment: NodeJS.ProcessEnv;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-manager-'));
  // Keeps what it is told, an argument a line.
  program('for argument; do echo "$argument"; done >> "$NOTIFY_SOCKET"');
  environment = { NOTIFY_SOCKET: join(folder, 'told'), PATH: `${folder}:${process.env.PATH}` };
  warnings = [];
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

function program(text: string): void {
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
}

function manager(): ServiceManager {
  // What one of an earlier test still has to say is not for this one.
  const own = warnings;
  return new ServiceManager({ environment, onWarning: (message) => own.push(message) });
}

function told(): string[] {
  const path = join(folder, 'told');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

/** All that was set in motion, and what a promise that has resolved leads to. */
async function settled(subject: ServiceManager): Promise<void> {
  await new Promise(setImmediate);
  await subject.flush();
}

describe('ServiceManager', () => {
  it('tells one thing after the other', async () => {
    const subject = manager();
    subject.ready('One');
    subject.ready('Two');
    subject.stopping();
    await subject.flush();
    expect(told().filter((line) => !line.startsWith('--pid'))).toEqual([
      'READY=1',
      'STATUS=One',
      'READY=1',
      'STATUS=Two',
      'STOPPING=1',
      'STATUS=Stopping',
    ]);
    expect(warnings).toEqual([]);
  });

  it('leaves nothing in the environment that children could take for theirs', () => {
    environment = { NOTIFY_SOCKET: 'x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2', OTHER: '3' };
    manager();
    expect(environment).toEqual({ OTHER: '3' });
  });

  it('runs nothing where nobody waits', async () => {
    environment = { PATH: folder, WATCHDOG_USEC: '1000000' };
    const subject = manager();
    subject.ready('One');
    subject.watch(() => expect.unreachable('nobody wants to know'));
    vi.advanceTimersByTime(10_000);
    await settled(subject);
    expect([told(), warnings]).toEqual([[], []]);
  });

  it('is silent while the broker does not answer, and asks no second time', async () => {
    environment.WATCHDOG_USEC = '2000000';
    const subject = manager();
    let asked = 0;
    let answer = (): void => {};
    subject.watch(() => {
      asked++;
      return new Promise<void>((resolve) => {
        answer = resolve;
      });
    });
    vi.advanceTimersByTime(999);
    expect(asked).toBe(0);
    vi.advanceTimersByTime(10_000);
    await settled(subject);
    expect([asked, told()]).toEqual([1, []]);
    answer();
    await settled(subject);
    expect(told()).toContain('WATCHDOG=1');
    vi.advanceTimersByTime(1000);
    expect(asked).toBe(2);
    subject.stopping();
    vi.advanceTimersByTime(10_000);
    expect(asked).toBe(2);
  });

  it('says once why the manager cannot be told anything', async () => {
    program('echo broken >&2; exit 1');
    const subject = manager();
    subject.ready('One');
    subject.ready('Two');
    await subject.flush();
    expect(warnings).toEqual([expect.stringMatching(/^systemd cannot be told that the broker runs: .*broken/s)]);
  });
});
