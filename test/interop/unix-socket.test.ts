import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

describe.skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub'))("Mosquitto's clients at a Unix socket", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-unix-'));
    path = join(folder, 'broker.sock');
  });

  afterEach(async () => {
    await killAll();
    rmSync(folder, { recursive: true });
  });

  const withSocket = (...more: readonly string[]) =>
    BrokerProcess.start([`listener 0 ${path}`, 'listener_allow_anonymous true', ...more]);

  it('publish and subscribe, and the log calls them by the path, as Mosquitto does', async () => {
    const broker = await withSocket();
    await broker.program.shows(`Opening unix listen socket on path ${path}.`);
    const subscriber = new RunningProgram(programPath('mosquitto_sub'), [
      '--unix',
      path,
      '-i',
      's',
      '-t',
      'a/#',
      '-q',
      '2',
      '-C',
      '2',
    ]);
    await broker.hasSubscribed('s', 'a/#');
    const large = Buffer.alloc(500_000, 'x');
    for (const payload of [Buffer.from('small'), large]) {
      const argv = ['--unix', path, '-i', 'p', '-t', 'a/b', '-q', '2', '-s'];
      expect((await new RunningProgram(programPath('mosquitto_pub'), argv, payload).ended).exitCode).toBe(0);
    }
    expect((await subscriber.ended).stdout.toString()).toBe(`small\n${large}\n`);
    expect(broker.program.shown).toContain(`New connection from ${path}:0 on port 0.`);
    expect(broker.program.shown).toMatch(new RegExp(`^New client connected from ${path}:0 as p \\(`, 'm'));
    await broker.stop();
  });

  it('find a socket with the permissions of Mosquitto, or those of the configuration, until the broker stops', async () => {
    const broker = await withSocket(`listener 0 ${path}2`, 'unix_socket_mode 600');
    expect([path, `${path}2`].map((each) => (statSync(each).mode & 0o777).toString(8))).toEqual(['770', '600']);
    await broker.stop();
    expect([path, `${path}2`].map(existsSync)).toEqual([false, false]);
  });

  it('are served again after the broker was killed, which leaves the socket behind', async () => {
    const first = await withSocket();
    await first.program.stop('SIGKILL');
    expect(existsSync(path)).toBe(true);
    const second = await withSocket();
    const argv = ['--unix', path, '-t', 'a', '-m', 'b', '-q', '1'];
    expect((await new RunningProgram(programPath('mosquitto_pub'), argv).ended).exitCode).toBe(0);
    await second.stop();
  });

  it('keep their socket when a second broker is started on it, which says why it does not start', async () => {
    const first = await withSocket();
    await expect(withSocket()).rejects.toThrow(`Somebody answers at the socket ${path} already`);
    await new Promise<void>((resolve, reject) => connect(path).on('connect', resolve).on('error', reject));
    await first.stop();
  });
});
