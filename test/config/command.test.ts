import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { runCauldron } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { areInstalled } from '../support/programs.js';

const folder = mkdtempSync(join(tmpdir(), 'cauldron-config-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** The path of a new configuration file. */
function fileOf(...lines: string[]): string {
  const file = join(folder, `${++files}.conf`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

async function outcomeOf(...argv: string[]) {
  const { stdout, stderr, exitCode } = await runCauldron(['config', ...argv], '').ended;
  return { stdout: stdout.toString(), stderr, exitCode };
}

describe('cauldron config', () => {
  it('shows its actions', async () => {
    const { stdout, exitCode } = await outcomeOf('--help');
    for (const action of ['check', 'show', 'diff', 'explain'])
      expect(stdout).toMatch(new RegExp(`^ {2}${action} +`, 'm'));
    expect(exitCode).toBe(0);
    expect(await outcomeOf()).toEqual({ stdout, stderr: '', exitCode: 3 });
  });

  it.each(['check', 'show', 'diff', 'explain'])('%s --help shows examples', async (action) => {
    const { stdout, exitCode } = await outcomeOf(action, '--help');
    expect(stdout).toContain(`Examples:\n  cauldron config ${action} `);
    expect(exitCode).toBe(0);
  });

  it.each([
    [['chek', 'a'], "cauldron config: there is no action 'chek'. Did you mean `cauldron config check`?\n"],
    [['check'], "Error: FILE is missing.\n\nUse 'cauldron config check --help' to see usage.\n"],
    [['diff', 'a'], "Error: NEW is missing.\n\nUse 'cauldron config diff --help' to see usage.\n"],
    [['show', 'a', 'b'], "Error: 'b' is too much.\n\nUse 'cauldron config show --help' to see usage.\n"],
  ])('%j ends with 3 and says what to type', async (argv, stderr) => {
    expect(await outcomeOf(...argv)).toEqual({ stdout: '', stderr, exitCode: 3 });
  });
});

describe('cauldron config check', () => {
  it('ends with 0 for a file that a broker can start with', async () => {
    const file = fileOf('listener 1883', 'allow_anonymous true');
    expect(await outcomeOf('check', file)).toEqual({
      stdout: 'The configuration is good.\n',
      stderr: '',
      exitCode: 0,
    });
  });

  it('tells what the broker warns of at its start, and what has no effect', async () => {
    const file = fileOf('autosave_interval 60', 'connection a', 'address b', 'topic #', 'port 1884');
    const { stdout, exitCode } = await outcomeOf('check', file);
    expect(stdout.split('\n')).toEqual([
      `warning  bridge 'a' (${file}:2) is not made: this version has no bridges yet.`,
      expect.stringMatching(/^note {5}.*:1: autosave_interval has no effect: .*\.$/),
      `note     ${file}:5: port is deprecated. Write 'listener 1883' instead.`,
      'The configuration is good.',
      '',
    ]);
    expect(exitCode).toBe(0);
  });

  it('names all faults and ends with 3', async () => {
    const file = fileOf('max_qos 3', 'alow_anonymous true');
    expect(await outcomeOf('check', file)).toEqual({
      stdout: `error    ${file}:1: max_qos must be a whole number from 0 to 2, not '3'.
error    ${file}:2: 'alow_anonymous' is not an option. Did you mean 'allow_anonymous'?
2 errors: a broker cannot start with it.
`,
      stderr: '',
      exitCode: 3,
    });
  });

  it('names faults in files that are included', async () => {
    const more = join(folder, 'more');
    mkdirSync(more);
    writeFileSync(join(more, 'a.conf'), '\nmax_qos 3\n');
    const { stdout } = await outcomeOf('check', fileOf('include_dir more'));
    expect(stdout).toContain(`${join(more, 'a.conf')}:2: max_qos must be`);
  });

  it('says when there is no file', async () => {
    const { stdout, exitCode } = await outcomeOf('check', join(folder, 'none.conf'));
    expect(stdout).toMatch(/^error {4}Unable to open configuration file .*none\.conf: ENOENT/);
    expect(exitCode).toBe(3);
  });
});

describe.skipIf(!areInstalled('openssl'))('cauldron config check of certificates (needs openssl)', () => {
  it('reads them, and what is wrong with them is an error', async () => {
    const { certFile, keyFile, clientKeyFile } = await certificates();
    const good = fileOf('listener 8883', `certfile ${certFile}`, `keyfile ${keyFile}`);
    expect((await outcomeOf('check', good)).exitCode).toBe(0);
    const wrongKey = fileOf('listener 8883', `certfile ${certFile}`, `keyfile ${clientKeyFile}`);
    const { stdout, exitCode } = await outcomeOf('check', wrongKey);
    expect(stdout).toMatch(/^error {4}.*key/m);
    expect(exitCode).toBe(3);
    const missing = fileOf('listener 8883', `certfile ${certFile}`, 'keyfile /nowhere.key');
    expect((await outcomeOf('check', missing)).stdout).toMatch(/^error {4}.*\/nowhere\.key/m);
  });
});

describe('cauldron config show', () => {
  it('shows every option of every block, and where its value is from', async () => {
    const file = fileOf('max_queued_messages 5', 'listener 1884', 'max_qos 1');
    const { stdout, exitCode } = await outcomeOf('show', file);
    expect(stdout).toMatch(new RegExp(`^ {2}max_queued_messages +5 +${file}:1$`, 'm'));
    expect(stdout).toMatch(/^ {2}max_queued_bytes +0 +default$/m);
    expect(stdout).toMatch(/^ {2}allow_anonymous +false +default$/m);
    expect(stdout).toMatch(new RegExp(`^listener 1884\n[\\s\\S]*^ {2}max_qos +1 +${file}:3$`, 'm'));
    expect(exitCode).toBe(0);
    expect((await outcomeOf('show', file, '--all')).stdout).toBe(stdout);
  });

  it('--changed shows what a line says', async () => {
    const file = fileOf('max_queued_messages 5', 'listener 1884', 'max_qos 1');
    expect((await outcomeOf('show', file, '--changed')).stdout).toBe(
      `broker\n  max_queued_messages  5  ${file}:1\n\nlistener 1884\n  max_qos  1  ${file}:3\n`,
    );
  });

  it('--json gives the same to programs', async () => {
    const file = fileOf('max_queued_messages 5', 'log_dest stdout', 'log_dest stderr');
    const { stdout } = await outcomeOf('show', file, '--changed', '--json');
    expect(JSON.parse(stdout)[0]).toEqual({
      kind: 'broker',
      title: 'broker',
      origin: null,
      options: [
        { name: 'max_queued_messages', values: ['5'], origins: [{ file, line: 1 }] },
        {
          name: 'log_dest',
          values: ['stdout', 'stderr'],
          origins: [
            { file, line: 2 },
            { file, line: 3 },
          ],
        },
      ],
    });
  });

  it('hides passwords and keys', async () => {
    const file = fileOf(
      'connection a',
      'address b',
      'topic #',
      'remote_password swordfish',
      'local_password swordfish',
    );
    for (const flags of [[], ['--json']]) {
      const { stdout } = await outcomeOf('show', file, ...flags);
      expect(stdout).toContain('(not shown)');
      expect(stdout).not.toContain('swordfish');
    }
  });

  it('of a file with a fault says what is wrong, and ends with 3', async () => {
    const file = fileOf('max_qos 3');
    expect(await outcomeOf('show', file)).toEqual({
      stdout: '',
      stderr: `Error: ${file}:1: max_qos must be a whole number from 0 to 2, not '3'.\n`,
      exitCode: 3,
    });
    expect((await outcomeOf('show', file, '--all', '--changed')).stderr).toContain('cannot be given together');
  });
});

describe('cauldron config diff', () => {
  it('ends with 0 when only the way of writing differs', async () => {
    const one = fileOf('# a comment', 'max_qos 1', 'queue_qos0_messages 1', 'max_keepalive 0', 'listener 1884');
    const other = fileOf('queue_qos0_messages true', 'maximum_qos 1 # here', 'listener 1884', 'max_connections -1');
    expect(await outcomeOf('diff', one, other)).toEqual({
      stdout: 'They come to the same.\n',
      stderr: '',
      exitCode: 0,
    });
  });

  it('ends with 1 and tells by block what differs', async () => {
    const one = fileOf('max_keepalive 5', 'listener 1883', 'max_qos 1', 'listener 1884', 'max_qos 0');
    const other = fileOf('max_keepalive 6', 'listener 1883', 'listener 1885 ::1', 'max_qos 0');
    expect(await outcomeOf('diff', one, other)).toEqual({
      stdout: `--- ${one}
+++ ${other}
  broker
-   max_keepalive 5 (${one}:1)
+   max_keepalive 6 (${other}:1)
  listener 1883
-   max_qos 1 (${one}:3)
+   max_qos 2 (default)
- listener 1884
-   max_qos 0 (${one}:5)
+ listener 1885 ::1
+   max_qos 0 (${other}:4)
`,
      stderr: '',
      exitCode: 1,
    });
  });

  it('tells that a password changed, and not to what', async () => {
    const bridge = ['connection a', 'address b', 'topic #'];
    const { stdout } = await outcomeOf('diff', fileOf(...bridge, 'password old'), fileOf(...bridge, 'password new'));
    expect(stdout).toMatch(/^- {3}remote_password \(not shown\)/m);
    expect(stdout).not.toMatch(/old|new/);
  });

  it('compares plugins option by option', async () => {
    const other = fileOf('plugin /usr/lib/mosquitto_persist_sqlite.so', 'plugin_opt_sync full', 'listener 1883');
    const { stdout } = await outcomeOf('diff', fixture('sqlite.conf'), other);
    expect(stdout).toMatch(/^- {3}plugin_opt_sync normal .*\n\+ {3}plugin_opt_sync full /m);
    expect(stdout).toMatch(/^- {3}plugin_opt_flush_period 5 /m);
  });

  it('ends with 3 when one of them is wrong', async () => {
    const { stderr, exitCode } = await outcomeOf('diff', fileOf(''), fileOf('max_qos 3'));
    expect(stderr).toContain('max_qos must be');
    expect(exitCode).toBe(3);
  });
});

describe('cauldron config explain', () => {
  it('tells all about an option, with an example that a broker takes', async () => {
    const { stdout, exitCode } = await outcomeOf('explain', 'maximum_qos');
    expect(stdout).toMatch(/^max_qos\nHighest QoS /);
    expect(stdout).toMatch(/^ {2}Value +a whole number from 0 to 2$/m);
    expect(stdout).toMatch(/^ {2}Default +2$/m);
    expect(stdout).toMatch(/^ {2}Also +maximum_qos$/m);
    expect(exitCode).toBe(0);
    const [, example] = stdout.split('Example:\n');
    const lines = example.trim().split(/\n */);
    expect(lines).toEqual(['listener 1883', 'max_qos 2']);
    expect((await outcomeOf('check', fileOf(...lines))).exitCode).toBe(0);
  });

  it.each([
    ['tls_engine', /^ {2}Status +Refused: /m],
    ['address', /^ {2}Status +Checked, without effect yet: this version has no bridges\.$/m],
    ['autosave_interval', /^ {2}Status +Taken, without effect: /m],
    ['plugin_opt_db_file', /^plugin_opt_db_file\n/],
    ['port', /^ {2}Deprecated +Write 'listener 1883' instead\.$/m],
    ['max_output_bytes', /^ {2}Mosquitto +Does not have it\.$/m],
  ])('tells what becomes of %s', async (name, expected) => {
    expect((await outcomeOf('explain', name)).stdout).toMatch(expected);
  });

  it('helps with a slip of the pen', async () => {
    const { stderr, exitCode } = await outcomeOf('explain', 'max_qeued_messages');
    expect(stderr).toContain("'max_qeued_messages' is not an option. Did you mean 'max_queued_messages'?");
    expect(exitCode).toBe(3);
  });
});
