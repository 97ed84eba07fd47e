import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { runCompat, TOPIC, ToolComparison } from './tool-comparison.js';

/** Where ours does something else, and why. Each of them is checked: a difference that is gone has to leave the table. */
const DIFFERENCES: readonly {
  readonly argv: readonly string[];
  readonly input?: string;
  readonly theirs: { readonly exitCode: number; readonly stdout: RegExp };
  readonly ours: { readonly exitCode: number; readonly stdout: RegExp };
  readonly why: string;
}[] = [
  {
    argv: ['--help'],
    theirs: { exitCode: 1, stdout: /Usage: mosquitto_rr / },
    ours: { exitCode: 0, stdout: /Usage: mosquitto_rr / },
    why: '--help that was asked for is no failure',
  },
  {
    argv: ['{self}', '-f', '{file}'],
    theirs: { exitCode: 0, stdout: /^$/ },
    ours: { exitCode: 0, stdout: /^from a file\n\n$/ },
    why: '2.0.11 sends an empty request instead of the file',
  },
  {
    argv: ['{self}', '-s'],
    input: 'from stdin',
    theirs: { exitCode: 0, stdout: /^$/ },
    ours: { exitCode: 0, stdout: /^from stdin\n$/ },
    why: '2.0.11 sends an empty request instead of the input',
  },
  {
    argv: ['{self}', '-m', 'x', '--latency'],
    theirs: { exitCode: 1, stdout: /^$/ },
    ours: { exitCode: 0, stdout: /^x\nLatency: \d+\.\d{6}(ms|µs)\n$/ },
    why: '--latency is new in 2.1',
  },
  {
    argv: ['{self}', '-m', 'x', '-d'],
    theirs: { exitCode: 0, stdout: /\nx\n$/ },
    ours: { exitCode: 0, stdout: /\nx\nClient \S+ sending DISCONNECT\n$/ },
    why: '2.0.11 ends without DISCONNECT, so that its will is published',
  },
];

describe
  .skipIf(!areInstalled('mosquitto_rr', 'mosquitto_sub', 'mosquitto_pub'))
  .concurrent("mosquitto_rr of ours and Debian's", () => {
    let folder: string;
    let broker: BrokerProcess;
    let comparison: ToolComparison;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cauldron-rr-'));
      writeFileSync(join(folder, 'file'), 'from a file\n');
      broker = await BrokerProcess.start();
      comparison = await ToolComparison.start(broker);
    });

    afterAll(async () => {
      await comparison.stop();
      await broker.stop();
      await killAll();
      rmSync(folder, { recursive: true });
    });

    const inPlace = (argument: string): string[] => {
      // A request to the topic of the response is its own response.
      if (argument === '{self}') return [...broker.flags, '-t', TOPIC, '-e', TOPIC];
      if (argument === '{open}') return broker.flags;
      return [argument.replace('{file}', join(folder, 'file')).replace('{port}', String(broker.port))];
    };
    const compare = (argv: readonly string[], messages: number, input?: string) =>
      comparison.compare('mosquitto_rr', {
        argv: argv.flatMap(inPlace),
        messages,
        ...(input !== undefined && { input }),
      });

    it.each<string[]>([
      ['-m', 'hello'],
      ['-m', 'grüße', '-v'],
      ['-m', 'hello', '-N'],
      ['-m', 'hello', '-N', '--verbose'],
      ['-n'],
      ['-n', '-v'],
      ['-m', 'x', '-q', '1'],
      ['-m', 'x', '-q', '2', '-V', '311'],
      ['-m', 'x', '-V', 'mqttv31'],
      ['-m', 'x', '-R'],
      ['-m', 'x', '--retain-as-published'],
      ['-m', 'x', '-W', '20'],
      ['-m', 'x', '-F', '%t|%q|%r|%l|%p|%x|%R|%P|%%'],
      ['-m', 'x', '-F', '%p', '-N'],
      ['-m', '{"a": [1, "b"]}', '-F', '%t: %l\\n%X'],
      ['-m', 'x', '-D', 'publish', 'correlation-data', 'c 7', '-D', 'publish', 'content-type', 'a/b', '-F', '%D %C %R'],
      ['-m', 'x', '-D', 'publish', 'user-property', 'a', 'b', '-F', '%P'],
      ['-m', 'x', '-D', 'subscribe', 'user-property', 'a', 'b', '-D', 'connect', 'user-property', 'a', 'b'],
      ['-m', 'x', '-c', '-i', 'kept-{topic}', '-x', '5'],
      ['-m', 'x', '-I', 'prefix-'],
      ['-m', 'x', '-L', 'mqtt://127.0.0.1:{port}/elsewhere', '-t', TOPIC],
      ['-m', 'x', '-k', '10', '-A', '127.0.0.4', '--nodelay', '--quiet'],
    ])('print the same response to %j %s %s %s', async (...argv) => {
      const { theirs, ours } = await compare(['{self}', ...argv], 1);
      expect(ours).toEqual(theirs);
      expect(ours.exitCode).toBe(0);
    });

    it.each(['5', '311'])('get the answer of somebody else (MQTT %s)', async (version) => {
      const asks = [...broker.flags, '-V', version, '-t', `ask/${version}`, '-m', 'how much?', '-v'];
      for (const start of [
        (argv: string[]) => new RunningProgram(programPath('mosquitto_rr'), argv),
        (argv: string[]) => runCompat('mosquitto_rr', argv),
      ]) {
        const id = `server-${version}-${Math.random()}`;
        const server = new RunningProgram(programPath('mosquitto_sub'), [
          ...[...broker.flags, '-V', '5', '-i', id, '-t', `ask/${version}`, '-C', '1', '-F', '%p|%R'],
        ]);
        await broker.hasSubscribed(id, `ask/${version}`);
        const asking = start([...asks, '-e', `answer/${version}`]);
        const { stdout } = await server.ended;
        expect(stdout.toString()).toBe(`how much?|${version === '5' ? 'answer/5' : ''}\n`);
        await runCompat('mosquitto_pub', [...broker.flags, '-t', `answer/${version}`, '-m', 'much']).ended;
        const outcome = await asking.ended;
        expect([outcome.exitCode, outcome.stdout.toString()]).toEqual([0, `answer/${version} much\n`]);
      }
    });

    it('end with 27 when no answer comes in time', async () => {
      const { theirs, ours } = await compare(['{open}', '-t', TOPIC, '-e', 'nobody', '-m', 'x', '-W', '1'], 1);
      expect(ours).toEqual(theirs);
      expect(ours).toMatchObject({ exitCode: 27, stderr: 'Timed out\n' });
      const quiet = await compare(['{open}', '-t', TOPIC, '-e', 'nobody', '-m', 'x', '-W', '1', '--quiet'], 1);
      expect(quiet.ours).toEqual(quiet.theirs);
    });

    it.each<[argv: string[], says: RegExp]>([
      [['-t', 'x', '-m', 'x'], /response topic \(-e\)/],
      [['-e', 'x', '-m', 'x'], /Topic \(-t\)/],
      [['-t', 'x', '-e', 'x'], /message \(-m, -f, -s or -n\)/],
      [['-t', 'x/#', '-e', 'x', '-m', 'x'], /x\/#/],
      [['-t', 'x', '-e', 'x/+', '-m', 'x'], /x\/\+/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-n'], /Only one of/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-r'], /Unknown option '-r'/],
      [['-t', 'x', '-e', 'x', '-l'], /Unknown option '-l'/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-C', '2'], /Unknown option '-C'/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-T', 'y'], /Unknown option '-T'/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-U', 'y'], /Unknown option '-U'/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-E'], /Unknown option '-E'/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '--repeat', '2'], /Unknown option '--repeat'/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-W', '0'], /-W is a whole number from 1/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-F', '%z'], /%z/],
      [['-t', 'x', '-e', 'x', '-m', 'x', '-D', 'publish', 'response-topic', 'y'], /The response topic is what -e says/],
    ])('refuse %j with 1, and ours says what to do', async (argv, says) => {
      const { theirs, ours } = await compare(argv, 0);
      expect([theirs.exitCode, ours.exitCode]).toEqual([1, 1]);
      expect(ours.stderr).toMatch(says);
      expect(ours.stderr).toMatch(/^Error: .*\n\nUse 'mosquitto_rr --help' to see usage\.\n$/);
    });

    it.each(DIFFERENCES)('differ in $argv: $why', async ({ argv, input, ...expected }) => {
      const { theirs, ours } = await compare(argv, 0, input);
      for (const [result, { exitCode, stdout }] of [
        [theirs, expected.theirs],
        [ours, expected.ours],
      ] as const) {
        expect(result.exitCode).toBe(exitCode);
        expect(Buffer.from(result.stdout, 'latin1').toString()).toMatch(stdout);
      }
    });

    it.each(['SIGINT', 'SIGTERM'] as const)('ours ends in good order by %s', async (signal) => {
      const id = `interrupted-${signal}`;
      const asking = runCompat('mosquitto_rr', [...broker.flags, '-i', id, '-d', '-t', 'x', '-e', 'nobody', '-n']);
      await asking.shows('sending PUBLISH');
      const { exitCode, stdout } = await asking.stop(signal);
      expect(exitCode).toBe(0);
      expect(stdout.toString()).toMatch(/sending DISCONNECT\n$/);
    });
  });
