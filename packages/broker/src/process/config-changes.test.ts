import { describe, expect, it } from 'vitest';
import { effectiveBlocks } from '../config/effective-options.js';
import { readConfigFrom } from '../config/read-config.js';
import { configChanges, waitingForStart } from './config-changes.js';

const blocks = (lines: readonly string[]) =>
  effectiveBlocks(readConfigFrom({ file: 'test.conf', text: lines.join('\n') }));

function changes(before: readonly string[], after: readonly string[]): string[] {
  return configChanges(blocks(before), blocks(after));
}

describe('configChanges', () => {
  it('are none where only comments, order and written-down defaults differ', () => {
    expect(changes(['max_keepalive 60', 'log_type all'], ['# hello', 'log_type all', 'max_keepalive 60'])).toEqual([]);
    expect(changes([], ['max_keepalive 0'])).toEqual([]);
  });

  it('say what each option is and was', () => {
    expect(changes(['max_keepalive 60'], ['max_queued_messages 5'])).toEqual([
      expect.stringMatching(/^max_keepalive is 0, it was 60$/),
      expect.stringMatching(/^max_queued_messages is 5, it was 1000$/),
    ]);
    expect(changes(['log_type error'], ['log_type error', 'log_type debug'])).toEqual([
      'log_type is error and debug, it was error',
    ]);
  });

  it('name the listener of an option, and listeners that come and go', () => {
    expect(changes(['listener 1883', 'listener 1884'], ['listener 1883', 'max_qos 1', 'listener 1885'])).toEqual([
      'listener 1884 is gone',
      'listener 1883: max_qos is 1, it was 2',
      'listener 1885 is new',
    ]);
  });

  it('do not show passwords', () => {
    const bridge = (password: string) => [
      'connection far',
      'address example.org',
      'topic # out',
      'remote_username somebody',
      `remote_password ${password}`,
    ];
    const [line, ...more] = changes(bridge('secret-1'), bridge('secret-2'));
    expect(more).toEqual([]);
    expect(line).toMatch(/remote_password is a value that is not shown/);
  });
});

describe('waitingForStart', () => {
  const waiting = (before: readonly string[], after: readonly string[]) =>
    waitingForStart(blocks(before), blocks(after));

  it('names every option that the table says no reload changes, and no other', () => {
    const before = ['persistence true', 'user anna', 'listener 0 /tmp/socket', 'unix_socket_mode 600'];
    const after = [
      'persistence true',
      'persistence_location /data',
      'user fred',
      'pid_file /run/a.pid',
      'max_keepalive 7',
      'listener 0 /tmp/socket',
      'unix_socket_mode 660',
    ];
    expect(waiting(before, after).sort()).toEqual(['persistence_location', 'pid_file', 'unix_socket_mode', 'user']);
  });

  it('names nothing that is as it was at the start, nor what belongs to a listener that is new', () => {
    expect(waiting(['user anna'], ['user anna', 'max_keepalive 7'])).toEqual([]);
    expect(waiting([], ['listener 0 /tmp/socket', 'unix_socket_mode 600'])).toEqual([]);
  });
});
