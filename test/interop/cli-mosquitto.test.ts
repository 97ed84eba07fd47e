import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, type ProgramName, programPath } from '../support/programs.js';
import { type Outcome, RunningProgram } from '../support/running-program.js';

const isComparable = areInstalled('mosquitto', 'mosquitto_passwd', 'mosquitto_pub', 'mosquitto_sub');

/** A program of Mosquitto. */
function run(name: ProgramName, argv: readonly string[], input?: string | Uint8Array): RunningProgram {
  return new RunningProgram(programPath(name), argv, input);
}

function cauldron(tool: 'pub' | 'sub', argv: readonly string[], input?: string | Uint8Array): RunningProgram {
  return runCauldron([tool, ...argv], input);
}

describe.skipIf(!isComparable).concurrent('cauldron pub and sub with Mosquitto', () => {
  let folder: string;
  let broker: RunningProgram;
  /** Everybody may do everything. */
  let open: string[];
  /** The same over WebSocket. */
  let webSocket: string[];
  /** Only `anna` with the password `secret`, and only below `ok/`. */
  let guarded: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-cli-'));
    const file = (name: string) => join(folder, name);
    const [openPort, webSocketPort, guardedPort] = [await freePort(), await freePort(), await freePort()];
    spawnSync(programPath('mosquitto_passwd'), ['-c', '-b', file('passwords'), 'anna', 'secret']);
    writeFileSync(file('acl'), 'user anna\ntopic readwrite ok/#\n');
    const listener = (port: number, rest: string) => `listener ${port} 127.0.0.1\n${rest}\n`;
    const config = [
      'per_listener_settings true',
      'max_queued_messages 0',
      `user ${process.env.USER ?? 'root'}`,
      listener(openPort, 'allow_anonymous true'),
      listener(webSocketPort, 'protocol websockets\nallow_anonymous true'),
      listener(guardedPort, `password_file ${file('passwords')}\nacl_file ${file('acl')}`),
    ];
    writeFileSync(file('mosquitto.conf'), config.join('\n'));
    broker = run('mosquitto', ['-v', '-c', file('mosquitto.conf')]);
    await broker.shows('running');
    const at = (port: number) => ['-h', '127.0.0.1', '-p', String(port)];
    open = at(openPort);
    webSocket = ['--ws', ...at(webSocketPort)];
    guarded = at(guardedPort);
  });

  afterAll(async () => {
    broker.process.kill();
    await broker.ended;
    rmSync(folder, { recursive: true });
  });

  let ids = 0;

  /** Starts a subscriber and waits until the broker has subscribed it: its own output may come late. */
  async function subscribed(
    start: (argv: readonly string[]) => RunningProgram,
    argv: readonly string[],
  ): Promise<RunningProgram> {
    const id = `listener-${++ids}`;
    const running = start([...argv, '-i', id]);
    await broker.shows(`Sending SUBACK to ${id}\n`);
    return running;
  }

  const ourSub = (argv: readonly string[]) => subscribed((all) => cauldron('sub', all), argv);
  const theirSub = (argv: readonly string[]) => subscribed((all) => run('mosquitto_sub', all), argv);

  /** What each subscriber prints about what is published. */
  async function compare(flags: readonly string[], publish: () => Promise<unknown>): Promise<[Outcome, Outcome]> {
    const argv = [...open, ...flags];
    const theirs = await theirSub(argv);
    const ours = await ourSub(argv);
    await publish();
    return [await theirs.ended, await ours.ended];
  }

  const publishAs = async (argv: readonly string[], input?: Buffer) => {
    const { exitCode, stderr } = await run('mosquitto_pub', [...open, ...argv], input ?? '').ended;
    expect([exitCode, stderr]).toEqual([0, '']);
  };

  describe('sub prints what mosquitto_sub prints', () => {
    it.each([
      ['311', '0', []],
      ['311', '2', ['-v']],
      ['31', '1', ['-v']],
      ['5', '1', []],
      ['5', '2', ['-v']],
    ])('MQTT %s, QoS %s, %j', async (version, qos, flags) => {
      const topic = `same/${version}/${qos}`;
      const [theirs, ours] = await compare(
        ['-V', version, '-q', qos, '-t', `${topic}/#`, '-C', '4', ...flags],
        async () => {
          await publishAs(['-V', version, '-q', qos, '-t', `${topic}/text`, '-m', 'grüße']);
          await publishAs(['-V', version, '-q', qos, '-t', `${topic}/empty`, '-n']);
          const bytes = Buffer.from([0, 1, 0x80, 0xff, 0x41]);
          await publishAs(['-V', version, '-q', qos, '-t', `${topic}/bytes`, '-s'], bytes);
          await publishAs(['-V', version, '-q', qos, '-t', topic, '-m', 'last']);
        },
      );
      expect(ours.stdout.toString()).toContain('last\n');
      expect(ours).toEqual(theirs);
    });

    it('without line ends, without retained messages, and without topics that are filtered out', async () => {
      await publishAs(['-t', 'filter/old', '-r', '-m', 'retained']);
      const flags = ['-v', '-N', '-R', '-T', 'filter/out/#', '-t', 'filter/#', '-C', '2'];
      const [theirs, ours] = await compare(flags, async () => {
        for (const [topic, text] of [
          ['a', '1'],
          ['out/b', '2'],
          ['c', '3'],
        ]) {
          await publishAs(['-q', '1', '-t', `filter/${topic}`, '-m', text]);
        }
      });
      await publishAs(['-t', 'filter/old', '-r', '-n']);
      expect(ours.stdout.toString()).toBe('filter/a 1filter/c 3');
      expect(ours).toEqual(theirs);
    });
  });

  it.each(['31', '311', '5'])('-d of pub has the lines of mosquitto_pub (MQTT %s)', async (version) => {
    const topic = `lines/${version}`;
    const who = [...open, '-V', version, '-i', `me-${version}`];
    const argv = [...who, '-q', '2', '-r', '-t', topic, '-m', 'hello', '-d'];
    const theirs = await run('mosquitto_pub', argv).ended;
    const ours = await cauldron('pub', argv).ended;
    expect(ours.stdout.toString()).toBe(theirs.stdout.toString());
    expect(ours.exitCode).toBe(0);
    await publishAs(['-t', topic, '-r', '-n']);
  });

  it('pub publishes text, files, lines and the whole input as mosquitto_pub does', async () => {
    const file = join(folder, 'payload');
    writeFileSync(file, 'from a file\n');
    const ways: [string[], string?][] = [
      [['-m', 'text']],
      [['-f', file]],
      [['-n']],
      [['-s'], 'whole\ninput'],
      [['-l'], 'one\n\nthree\r\nlast'],
      [['-m', 'again', '--repeat', '3']],
    ];
    const listener = await theirSub([...open, '-v', '-q', '1', '-C', '22', '-t', 'ways/#']);
    for (const [mode, input] of ways) {
      await run('mosquitto_pub', [...open, '-q', '1', '-t', 'ways/theirs', ...mode], input ?? '').ended;
      await cauldron('pub', [...open, '-q', '1', '-t', 'ways/ours', ...mode], input ?? '').ended;
    }
    const printed = (await listener.ended).stdout.toString();
    const part = (name: string) => printed.split(/^(?=ways\/)/m).filter((one) => one.startsWith(`ways/${name}`));
    const ours = part('ours').map((one) => one.replace('ours', 'theirs'));
    expect(ours).toHaveLength(11);
    expect(ours).toEqual(part('theirs'));
  });

  it.each([['tcp'], ['websocket']])('a round over %s', async (kind) => {
    const where = kind === 'tcp' ? open : webSocket;
    const listener = await ourSub([...where, '-v', '-q', '2', '-t', `round/${kind}`, '-C', '1']);
    const pub = await cauldron('pub', [...where, '-q', '2', '-t', `round/${kind}`, '-m', 'there']).ended;
    expect(pub).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await listener.ended).stdout.toString()).toBe(`round/${kind} there\n`);
  });

  it('properties reach the subscriber', async () => {
    const listener = await theirSub([...open, '-V', '5', '-t', 'prop', '-C', '1', '-F', '%C|%R|%P|%p']);
    const properties = ['-D', 'publish', 'content-type', 'text/plain', '-D', 'publish', 'response-topic', 'answer'];
    const userProperty = ['-D', 'publish', 'user-property', 'colour', 'blue'];
    await cauldron('pub', [...open, '-t', 'prop', '-m', 'x', ...properties, ...userProperty]).ended;
    expect((await listener.ended).stdout.toString()).toBe('text/plain|answer|colour:blue|x\n');
  });

  it('the will is published when the tool is killed', async () => {
    const listener = await ourSub([...open, '-v', '-t', 'will/#', '-C', '1']);
    const will = ['--will-topic', 'will/of', '--will-payload', 'gone'];
    const dying = await ourSub([...open, '-t', 'nothing', ...will]);
    dying.process.kill('SIGKILL');
    expect((await listener.ended).stdout.toString()).toBe('will/of gone\n');
  });

  it('-c -C 1 takes one message of a kept session at a time, and loses none', async () => {
    const session = [...open, '-i', 'keeper', '-c', '-q', '1', '-t', 'kept/#'];
    expect((await cauldron('sub', [...session, '-E']).ended).exitCode).toBe(0);
    for (const text of ['1', '2', '3']) await publishAs(['-q', '1', '-t', 'kept/x', '-m', text]);
    for (const text of ['1', '2', '3']) {
      expect((await cauldron('sub', [...session, '-C', '1']).ended).stdout.toString()).toBe(`${text}\n`);
    }
  });

  it('-l takes any number of lines, and their order stays', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
    const listener = await ourSub([...open, '-q', '1', '-t', 'flood', '-C', String(lines.length)]);
    const pub = await cauldron('pub', [...open, '-q', '1', '-t', 'flood', '-l'], lines.join('\n')).ended;
    expect(pub).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await listener.ended).stdout.toString()).toBe(`${lines.join('\n')}\n`);
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const listener = await ourSub([...open, '-t', 'pipe']);
    listener.process.stdout?.destroy();
    // The first write finds out.
    await cauldron('pub', [...open, '-t', 'pipe', '-m', 'x']).ended;
    const { exitCode, stderr } = await listener.ended;
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends sub in good order', async (signal) => {
    const listener = await ourSub([...open, '-d', '-t', 'x']);
    listener.process.kill(signal);
    const { exitCode, stdout } = await listener.ended;
    expect(exitCode).toBe(0);
    expect(stdout.toString()).toMatch(/sending DISCONNECT\n$/);
  });

  it('pub says when the broker is stopped under it', async () => {
    const file = join(folder, 'second.conf');
    const port = await freePort();
    writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
    const second = run('mosquitto', ['-c', file]);
    await second.shows('running');
    const where = ['-h', '127.0.0.1', '-p', String(port), '-d'];
    const publisher = cauldron('pub', [...where, '-t', 'x', '-m', 'x', '--repeat', '9', '--repeat-delay', '30']);
    await publisher.shows('sending PUBLISH');
    second.process.kill();
    const { exitCode, stderr } = await publisher.ended;
    expect([exitCode, stderr]).toEqual([7, 'Error: The connection was lost.\n']);
  });

  describe('exit status and message', () => {
    const anna = ['-u', 'anna', '-P', 'secret'];
    it.each<[string, 'pub' | 'sub', () => string[]]>([
      ['a refused connection (3.1)', 'sub', () => [...guarded, '-V', '31', '-t', 'x']],
      ['a refused connection (3.1.1)', 'sub', () => [...guarded, '-t', 'x']],
      ['a refused connection (5)', 'sub', () => [...guarded, '-V', '5', '-t', 'x']],
      ['a wrong password', 'sub', () => [...guarded, '-u', 'anna', '-P', 'wrong', '-t', 'x']],
      ['the end of -W', 'sub', () => [...open, '-t', 'x', '-W', '1']],
      ['the end of -W with --quiet', 'sub', () => [...open, '-t', 'x', '-W', '1', '--quiet']],
      ['-E', 'sub', () => [...open, '-t', 'x', '-E']],
      ['a message that was allowed', 'pub', () => [...guarded, ...anna, '-q', '1', '-t', 'ok/x', '-m', 'x']],
    ])('for %s are those of Mosquitto', async (_, tool, argv) => {
      const both = [cauldron(tool, argv()), run(`mosquitto_${tool}`, argv())];
      const [ours, theirs] = await Promise.all(both.map(({ ended }) => ended));
      expect(ours).toEqual(theirs);
    });

    it.each<['pub' | 'sub', string[]]>([
      ['pub', ['-t', 'x']],
      ['pub', ['-m', 'x']],
      ['pub', ['-t', 'x', '-m', 'x', '-n']],
      ['pub', ['-t', 'x/#', '-m', 'x']],
      ['pub', ['-t', 'x', '-f', '/does/not/exist']],
      ['pub', ['-t', 'x', '-s']],
      ['pub', ['-t', 'x', '-m', 'x', '-W', '3']],
      ['sub', []],
      ['sub', ['-t', 'a#']],
      ['sub', ['-t', 'x', '-q', '3']],
      ['sub', ['-t', 'x', '-k', '1']],
      ['sub', ['-t', 'x', '-C', '0']],
      ['sub', ['-t', 'x', '-c']],
      ['sub', ['-t', 'x', '-p']],
    ])('%s %j is refused with 1 by both', async (tool, argv) => {
      const ours = await cauldron(tool, argv, '').ended;
      const theirs = await run(`mosquitto_${tool}`, argv, '').ended;
      expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1]);
      expect(ours.stderr).toMatch(/^Error: .+\n\nUse 'cauldron (pub|sub) --help' to see usage.\n$/);
    });

    it('for a port where nothing listens say what to check', async () => {
      const port = String(await freePort());
      for (const tool of ['pub', 'sub'] as const) {
        const argv = ['-h', '127.0.0.1', '-p', port, '-t', 'x', ...(tool === 'pub' ? ['-m', 'x'] : [])];
        const { exitCode, stderr } = await cauldron(tool, argv).ended;
        expect(exitCode).toBe(1);
        expect(stderr).toBe(
          `Error: Connection refused: nothing listens on 127.0.0.1:${port}. Is the broker running there? Check -h and -p.\n`,
        );
      }
    });

    it('for what the broker has said that it cannot do are 10 and the reason', async () => {
      const ours = await cauldron('pub', [...open, '-t', 'x', '-m', 'x', '-D', 'publish', 'topic-alias', '999']).ended;
      expect(ours).toMatchObject({
        exitCode: 10,
        stderr: 'Error: The server takes topic aliases up to 10, not 999.\n',
      });
    });

    it('for a message that the broker does not want is a warning (5)', async () => {
      const argv = [...guarded, ...anna, '-V', '5', '-q', '1', '-t', 'forbidden', '-m', 'x'];
      const ours = await cauldron('pub', argv).ended;
      expect(ours).toMatchObject({ exitCode: 0, stderr: 'Warning: Publish to forbidden failed: Not authorized.\n' });
    });
  });
});
