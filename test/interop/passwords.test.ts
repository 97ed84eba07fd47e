import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig, startServer } from '@cauldron/broker';
import { type Client, connect } from '@cauldron/client';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { verifyPassword } from '../../packages/broker/src/access/passwords/hashing.js';
import { parsePasswordHash } from '../../packages/broker/src/access/passwords/password-hash.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { startMosquitto } from './other-brokers/mosquitto.js';

const OURS = fileURLToPath(new URL('../../bin/compat/mosquitto_passwd', import.meta.url));

afterAll(killAll);

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-passwd-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a mosquitto_passwd; `{folder}` in its arguments becomes that folder. */
async function passwd(program: 'ours' | 'theirs', folder: string, argv: readonly string[], input = '') {
  const args = argv.map((argument) => argument.replace('{folder}', folder));
  const [command, ...all] =
    program === 'theirs' ? [programPath('mosquitto_passwd'), ...args] : [process.execPath, OURS, ...args];
  const { exitCode, stdout } = await new RunningProgram(command, all, input).ended;
  return { exitCode, stdout: stdout.toString() };
}

/** All passwords of these tests. */
const PASSWORDS = ['one', 'two', 'a b', '-dash', 'Übung', ''];

/** What is in a password file: name, kind of hash, password; lines that are no user's as they are. */
async function contentOf(text: string): Promise<string[]> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Promise.all(
    lines.map(async (line) => {
      const [name, hashed = ''] = line.split(':');
      if (!hashed.startsWith('$')) return line;
      const hash = parsePasswordHash(hashed);
      const iterations = 'iterations' in hash ? ` ${hash.iterations}` : '';
      for (const password of PASSWORDS) {
        if (await verifyPassword(hash, Buffer.from(password))) return `${name} ${hash.kind}${iterations} ${password}`;
      }
      return `${name} ${hash.kind}${iterations} with another password`;
    }),
  );
}

async function contentOfFile(path: string): Promise<string[] | null> {
  return existsSync(path) ? contentOf(readFileSync(path, 'utf8')) : null;
}

/** Whether a broker lets in this user. */
async function letsIn(port: number, username: string, password: string): Promise<boolean> {
  return await connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, username, password, reconnect: false }).then(
    async (client: Client) => {
      await client.disconnect();
      return true;
    },
    () => false,
  );
}

describe.skipIf(!areInstalled('mosquitto_passwd'))("Debian's mosquitto_passwd and ours", () => {
  /** With the hash named, as the defaults of their versions differ. */
  const SET = ['-H', 'sha512-pbkdf2', '-I', '7'];

  it.each<[what: string, argv: readonly string[], input?: string]>([
    ['without anything', []],
    ['with an unknown option', ['-x']],
    ['adding a user', [...SET, '-b', '{folder}/old', 'new', 'one']],
    ['changing a user', [...SET, '-b', '{folder}/old', 'anna', 'two']],
    ['a password that begins with a dash', [...SET, '-b', '{folder}/old', 'anna', '-dash']],
    ['a password with other letters', [...SET, '-b', '{folder}/old', 'anna', 'Übung']],
    ['no password at all', [...SET, '-b', '{folder}/old', 'anna', '']],
    ['the old kind of hash', ['-H', 'sha512', '-b', '{folder}/old', 'anna', 'one']],
    ['an unknown kind of hash', ['-H', 'md5', '-b', '{folder}/old', 'anna', 'one']],
    ['no iterations', ['-I', '0', '-b', '{folder}/old', 'anna', 'one']],
    ['-I alone', ['-I']],
    ['a new file', [...SET, '-c', '-b', '{folder}/new', 'anna', 'one']],
    ['a new file in the place of an old one', [...SET, '-c', '-b', '{folder}/old', 'eve', 'one']],
    ['a file that is not there', [...SET, '-b', '{folder}/nowhere', 'anna', 'one']],
    ['a folder', [...SET, '-b', '{folder}/folder', 'anna', 'one']],
    ['a new file that is a folder', [...SET, '-c', '-b', '{folder}/folder', 'anna', 'one']],
    ['deleting a user', ['-D', '{folder}/old', 'anna']],
    ['deleting nobody', ['-D', '{folder}/old', 'eve']],
    ['deleting without a name', ['-D', '{folder}/old']],
    ['deleting with a password', ['-D', '-b', '{folder}/old', 'anna', 'one']],
    ['-c and -D', ['-c', '-D', '{folder}/old', 'anna']],
    ['-c and -U', ['-c', '-U', '{folder}/old']],
    ['-D and -U', ['-D', '-U', '{folder}/old']],
    ['hashing a file', ['-U', '{folder}/plain']],
    ['hashing a file with the old kind of hash', ['-H', 'sha512', '-U', '{folder}/plain']],
    ['hashing a damaged file', ['-U', '{folder}/damaged']],
    ['hashing without a file', ['-U']],
    ['hashing two files', ['-U', '{folder}/plain', '{folder}/old']],
    ['a name with a colon', [...SET, '-b', '{folder}/old', 'a:b', 'one']],
    ['a name with a tabulator', [...SET, '-b', '{folder}/old', 'a\tb', 'one']],
    ['no password behind -b', [...SET, '-b', '{folder}/old', 'anna']],
    ['nothing behind -b and -c', ['-b', '-c', '{folder}/new']],
    ['a file alone', ['{folder}/old']],
    ['a password from a pipe', [...SET, '{folder}/old', 'anna'], 'two\ntwo\n'],
    ['a new file with a password from a pipe', [...SET, '-c', '{folder}/new', 'anna'], 'a b\na b\n'],
    ['two passwords from a pipe', [...SET, '{folder}/old', 'anna'], 'one\ntwo\n'],
    ['an empty pipe', [...SET, '{folder}/old', 'anna'], ''],
    ['empty lines in a pipe', [...SET, '{folder}/old', 'anna'], '\n\n'],
    ['one line in a pipe', [...SET, '{folder}/old', 'anna'], 'one\n'],
  ])('do the same for %s', async (_, argv, input) => {
    const before = newFolder();
    // Those of their own of -I 1 are quick.
    for (const [name, password] of [
      ['anna', 'one'],
      ['bob', 'two'],
    ]) {
      const isFirst = !existsSync(join(before, 'old'));
      const flags = ['-I', '1', ...(isFirst ? ['-c'] : []), '-b', join(before, 'old')];
      expect((await passwd('theirs', before, [...flags, name, password])).exitCode).toBe(0);
    }
    writeFileSync(join(before, 'plain'), 'anna:one\nbob: a b \n');
    writeFileSync(join(before, 'damaged'), 'anna:one\nbob\n');
    mkdirSync(join(before, 'folder'));
    const results: Record<string, unknown>[] = [];
    for (const program of ['ours', 'theirs'] as const) {
      const folder = newFolder();
      cpSync(before, folder, { recursive: true });
      const { exitCode } = await passwd(program, folder, argv, input);
      const files = ['old', 'new', 'plain', 'damaged'].map(async (name) => [
        name,
        // What is not said is each version's own.
        (await contentOfFile(join(folder, name)))?.map((line) => line.replace(/argon2id|sha512-pbkdf2 101/, 'usual')),
      ]);
      results.push({ exitCode, ...Object.fromEntries(await Promise.all(files)) });
    }
    expect(results[0]).toEqual(results[1]);
  });

  it('differ where theirs loses what is in a file: comments, and users whose password it hashes twice', async () => {
    const text = '# our users\n\nanna:one\n';
    const results: Record<string, unknown> = {};
    for (const program of ['ours', 'theirs'] as const) {
      const folder = newFolder();
      writeFileSync(join(folder, 'file'), text);
      const argv = [...SET, '-b', '{folder}/file', 'bob', 'two'];
      const { exitCode } = await passwd(program, folder, argv);
      const added = await contentOfFile(join(folder, 'file'));
      writeFileSync(join(folder, 'file'), 'anna:one\n');
      await passwd(program, folder, [...SET, '-U', '{folder}/file']);
      await passwd(program, folder, [...SET, '-U', '{folder}/file']);
      results[program] = { exitCode, added, hashed: await contentOfFile(join(folder, 'file')) };
    }
    expect(results).toEqual({
      ours: {
        exitCode: 0,
        added: ['# our users', 'anna:one', 'bob sha512-pbkdf2 7 two'],
        hashed: ['anna sha512-pbkdf2 7 one'],
      },
      theirs: {
        exitCode: 0,
        added: ['bob sha512-pbkdf2 7 two'],
        hashed: [expect.stringContaining('with another password')],
      },
    });
  });
});

describe('mosquitto_passwd of ours', () => {
  it.each([
    ['argon2id', [], 'argon2id'],
    ['argon2id, by name', ['-H', 'argon2id'], 'argon2id'],
    ['scram-sha-256', ['-H', 'scram-sha-256', '-I', '4096'], 'scram-sha-256 4096'],
    ['sha512-pbkdf2', ['-H', 'sha512-pbkdf2'], 'sha512-pbkdf2 100000'],
  ])('hashes with %s, into a file that its owner alone reads', async (_, flags, kind) => {
    const folder = newFolder();
    const { exitCode, stdout } = await passwd('ours', folder, [...flags, '-c', '-b', '{folder}/file', 'anna', 'one']);
    expect([exitCode, stdout]).toEqual([0, 'Adding password for user anna\n']);
    expect(await contentOfFile(join(folder, 'file'))).toEqual([`anna ${kind} one`]);
    expect(statSync(join(folder, 'file')).mode & 0o777).toBe(0o600);
  });

  it('prints the line instead, with -c -', async () => {
    const { exitCode, stdout } = await passwd('ours', '', ['-H', 'sha512', '-c', '-b', '-', 'anna', 'one']);
    expect(exitCode).toBe(0);
    expect(await contentOf(stdout)).toEqual(['anna sha512 one']);
  });

  it('refuses a number of iterations that SCRAM does not take, and a password', async () => {
    const folder = newFolder();
    const scram = ['-H', 'scram-sha-256', '-c', '-b', '{folder}/file', 'anna'];
    expect((await passwd('ours', folder, ['-I', '4095', ...scram, 'one'])).exitCode).toBe(1);
    expect((await passwd('ours', folder, [...scram, ''])).exitCode).toBe(1);
    expect(existsSync(join(folder, 'file'))).toBe(false);
  });
});

describe.skipIf(!areInstalled('mosquitto', 'mosquitto_passwd'))('a password file', () => {
  it("of Debian's mosquitto_passwd lets its users into this broker", async () => {
    const folder = newFolder();
    const file = join(folder, 'passwords');
    writeFileSync(file, 'carl:a b\n', { mode: 0o600 });
    await passwd('theirs', folder, ['-U', '{folder}/passwords']);
    await passwd('theirs', folder, ['-b', '{folder}/passwords', 'anna', 'one']);
    await passwd('theirs', folder, ['-H', 'sha512', '-b', '{folder}/passwords', 'bob', 'Übung']);
    const lines = ['listener 0 127.0.0.1', `password_file ${file}`, 'log_dest none'];
    const server = await startServer(readConfig(lines.join('\n'), join(folder, 'test.conf')));
    onTestFinished(() => server.stop());
    const [{ port }] = server.endpoints;
    expect(await letsIn(port, 'anna', 'one')).toBe(true);
    expect(await letsIn(port, 'bob', 'Übung')).toBe(true);
    expect(await letsIn(port, 'carl', 'a b')).toBe(true);
    expect(await letsIn(port, 'anna', 'two')).toBe(false);
    expect(await letsIn(port, 'eve', 'one')).toBe(false);
  });

  it("of ours lets its users into Debian's broker, but for kinds of hash that it does not know", async () => {
    const folder = newFolder();
    const file = '{folder}/passwords';
    await passwd('ours', folder, ['-H', 'sha512-pbkdf2', '-c', '-b', file, 'anna', 'one']);
    await passwd('ours', folder, ['-H', 'sha512', '-b', file, 'bob', 'Übung']);
    await passwd('ours', folder, ['-H', 'scram-sha-256', '-b', file, 'dora', 'two']);
    await passwd('ours', folder, ['-b', file, 'eve', 'two']);
    const { port, stop } = await startMosquitto([
      'allow_anonymous false',
      `password_file ${file.replace('{folder}', folder)}`,
    ]);
    onTestFinished(stop);
    expect(await letsIn(port, 'anna', 'one')).toBe(true);
    expect(await letsIn(port, 'bob', 'Übung')).toBe(true);
    expect(await letsIn(port, 'anna', 'two')).toBe(false);
    expect(await letsIn(port, 'dora', 'two')).toBe(false);
    expect(await letsIn(port, 'eve', 'two')).toBe(false);
  });
});
