import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { areInstalled } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const COMMAND = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));

/** Numbers that belong to nobody. */
const UID = 47_110;
const GID = 47_111;
const IDS = { PUID: String(UID), PGID: String(GID) };

const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.warn('Skipped: only root can start a broker that gives up the rights of root');

/** Whether others than root can run the command where this checkout is. */
const isOpenToOthers = foldersAbove(COMMAND).every((path) => (lstatSync(path).mode & 0o001) !== 0);
if (isRoot && !isOpenToOthers)
  console.warn('Skipped in part: others than root cannot enter the folder of this checkout');

let folder: string;
let file: string;
const at = (name: string): string => join(folder, name);
const ownerOf = (path: string): number => lstatSync(path).uid;

function start(lines: readonly string[], environment: NodeJS.ProcessEnv, ...flags: readonly string[]): RunningProgram {
  writeFileSync(file, ['allow_anonymous true', 'log_timestamp false', ...lines, ''].join('\n'));
  const { npm_lifecycle_event: _, PUID: __, ...env } = process.env;
  const argv = [COMMAND, 'broker', '-c', file, ...flags];
  return new RunningProgram(process.execPath, argv, undefined, { ...env, XDG_RUNTIME_DIR: at('run'), ...environment });
}

/**
 * `cauldron ARGS` by that user. `setpriv` and the like may not be there: a process of root's makes itself that user, and
 * becomes the command.
 */
function asAccount(...argv: readonly string[]): RunningProgram {
  const { npm_lifecycle_event: _, ...env } = process.env;
  const program = `process.setgroups([${GID}]); process.setgid(${GID}); process.setuid(${UID});
    process.argv.splice(1, 0, ${JSON.stringify(COMMAND)}); await import(${JSON.stringify(COMMAND)});`;
  const all = ['--input-type=module', '-e', program, ...argv];
  return new RunningProgram(process.execPath, all, undefined, { ...env, XDG_RUNTIME_DIR: at('run') });
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}

/** The ids of a process, as the system sees them: real, effective, saved and of files; and its groups. */
function idsOf({ process: { pid } }: RunningProgram): { uids: string; gids: string; groups: string } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): string => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? '';
  return { uids: of('Uid'), gids: of('Gid'), groups: of('Groups') };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-rights-'));
  // What the account may enter; what is in it, it may not write to.
  chmodSync(folder, 0o755);
  mkdirSync(at('run'), { mode: 0o700 });
  chownSync(at('run'), UID, GID);
  file = at('test.conf');
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

describe.skipIf(!isRoot)('a broker that root starts', () => {
  it('goes on as another user once it has what only root may have', async () => {
    const broker = start(
      [
        'listener 0 127.0.0.1',
        `listener 0 ${at('mqtt.sock')}`,
        'persistence true',
        `persistence_location ${at('data')}`,
        `pid_file ${at('pid')}`,
        `log_dest file ${at('log')}`,
        'log_dest stdout',
      ],
      IDS,
    );
    await broker.shows(`Running as user ${UID} and group ${GID}.`);
    expect(idsOf(broker)).toEqual({
      uids: Array(4).fill(UID).join('\t'),
      gids: Array(4).fill(GID).join('\t'),
      groups: String(GID),
    });
    // The file of process ids is for scripts of root, who kill what it names.
    expect(['pid', 'data', 'data/data', 'log', 'mqtt.sock'].map((name) => ownerOf(at(name)))).toEqual([
      0,
      UID,
      UID,
      UID,
      UID,
    ]);
    expect(readFileSync(at('pid'), 'utf8')).toBe(`${broker.process.pid}\n`);
    expect((await broker.stop()).exitCode).toBe(0);
  });

  it.runIf(isOpenToOthers)('works with the same data when that user starts it', async () => {
    const lines = ['listener 0 127.0.0.1', 'persistence true', `persistence_location ${at('data')}`];
    const first = start(lines, IDS);
    await first.shows('Running as user');
    await first.stop();
    const second = asAccount('broker', '-c', file, '--strict-store');
    await second.shows(' running\n');
    expect((await second.stop()).exitCode).toBe(0);
  });

  it.runIf(isOpenToOthers)('can be asked for things by that user, whom the brokers of others do not hear', async () => {
    const own = start(['listener 0 127.0.0.1'], IDS);
    await own.shows('Running as user');
    const others = start(['listener 0 127.0.0.1', 'user root'], { XDG_RUNTIME_DIR: '' });
    await others.shows('Warning: The broker keeps the rights of root');
    while (readdirSync(at('run/cauldron')).length === 0) await new Promise(setImmediate);
    const { stdout } = await asAccount('status').ended;
    expect(stdout.toString()).toMatch(new RegExp(`^process ${own.process.pid} on .*\n$`));
    expect((await asAccount('signal', '-a', 'shutdown').ended).exitCode).toBe(0);
    expect((await own.ended).exitCode).toBe(0);
    expect(others.process.exitCode).toBeNull();
    const refused = await asAccount('signal', '-p', String(others.process.pid), 'shutdown').ended;
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('EPERM')]);
  });

  it('goes on with the old configuration while it may not read the new one', async () => {
    const port = await freePort();
    const broker = start(['listener 0 127.0.0.1'], { PUID: String(UID) });
    await broker.shows('Running as user');
    chmodSync(file, 0o600);
    broker.process.kill('SIGHUP');
    await broker.shows('EACCES');
    await broker.shows('everything goes on as before');
    chmodSync(file, 0o644);
    writeFileSync(file, `allow_anonymous true\nlog_timestamp false\nlistener ${port} 127.0.0.1\n`);
    broker.process.kill('SIGHUP');
    await broker.shows('Configuration reloaded.');
  });

  it.skipIf(!areInstalled('openssl'))(
    'reads a key with the rights of root; a reload that cannot is refused',
    async () => {
      const { certFile, keyFile } = new CertificateAuthority(folder, 'ca').issue('server', {
        subject: '/CN=localhost',
        use: 'server',
        hosts: 'DNS:localhost',
      });
      chmodSync(keyFile, 0o600);
      const lines = ['listener 0 127.0.0.1', `certfile ${certFile}`, `keyfile ${keyFile}`];
      const broker = start(lines, { PUID: String(UID) });
      await broker.shows('Running as user');
      broker.process.kill('SIGHUP');
      await broker.shows('the configuration was not reloaded; everything goes on as before.');
      expect(broker.shown).toMatch(/Error: .*server\.key.*(EACCES|permission)/i);
      chownSync(keyFile, UID, GID);
      broker.process.kill('SIGHUP');
      await broker.shows('Configuration reloaded.');
    },
  );

  it('keeps the rights of root only if it is told to, and warns of it', async () => {
    const broker = start(['listener 0 127.0.0.1', 'user root'], { XDG_RUNTIME_DIR: '' });
    await broker.shows('Warning: The broker keeps the rights of root');
    expect(idsOf(broker).uids).toBe('0\t0\t0\t0');
  });

  it('does not start as a user that does not exist', async () => {
    const broker = start(['listener 0 127.0.0.1', 'user no-such-user-here'], {});
    const { exitCode, stderr } = await broker.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Error: The user 'no-such-user-here' does not exist on this machine\./);
  });

  it('ends when its pid_file cannot be written', async () => {
    const broker = start(['listener 0 127.0.0.1', `pid_file ${at('missing/pid')}`], { PUID: '0' });
    const { exitCode, stderr } = await broker.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Error: The pid_file cannot be written: ENOENT/m);
  });
});
