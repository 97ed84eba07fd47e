import { type AddressInfo, createServer } from 'node:net';
import { type Client, connect, type PublishOptions } from '@cauldron/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, type Outcome, RunningProgram } from '../support/running-program.js';

/** Flags that do something else than in mosquitto_sub 2.0.11 of Debian, and why. Each is run below. */
const DIFFERENCES: readonly { flags: readonly string[]; reason: string }[] = [
  { flags: ['-t', 'x', '--message-rate'], reason: 'Mosquitto 2.1 has it, 2.0 does not know it' },
  { flags: ['-t', 'x', '--watch'], reason: 'Mosquitto 2.1 has it, 2.0 does not know it' },
  { flags: ['-t', 'x', '--retain-handling', 'never'], reason: 'Mosquitto 2.1 has it, 2.0 does not know it' },
  { flags: ['-U', 'x'], reason: 'Mosquitto 2.1 takes it without -t; 2.0 does not' },
  { flags: ['-t', 'x', '--random-filter', '101'], reason: 'More than all is a slip; Mosquitto takes it for all' },
];

type Publication = readonly [topic: string, payload: string | Uint8Array, options?: PublishOptions | undefined];

describe.skipIf(!areInstalled('mosquitto_sub')).concurrent('cauldron sub and mosquitto_sub', () => {
  let broker: BrokerProcess;
  let publisher: Client;

  beforeAll(async () => {
    broker = await BrokerProcess.start(['max_queued_messages 0']);
    publisher = await connect(`mqtt://127.0.0.1:${broker.port}`, { clientId: 'publisher' });
  });

  afterAll(async () => {
    await publisher.disconnect();
    await broker.stop();
    await killAll();
  });

  let count = 0;

  const publish = async (all: readonly Publication[]) => {
    for (const [topic, payload, options] of all) await publisher.publish(topic, payload, options);
  };

  const PROGRAMS = {
    ours: (argv: readonly string[]) => runCauldron(['sub', ...argv]),
    theirs: (argv: readonly string[]) => new RunningProgram(programPath('mosquitto_sub'), argv),
  };

  /** What the program prints and ends with; `all` is published when it has subscribed. Client ids become `ID`. */
  async function run(who: keyof typeof PROGRAMS, flags: readonly string[], all: readonly Publication[]) {
    const id = `${who}-${++count}`;
    const program = PROGRAMS[who]([...broker.flags, '-i', id, ...flags]);
    const filter = flags[flags.indexOf('-t') + 1];
    if (all.length > 0) {
      await broker.hasSubscribed(id, filter);
      await publish(all);
    }
    const { stdout, stderr, exitCode } = await program.ended;
    return { stdout: stdout.toString('latin1').replaceAll(id, 'ID'), stderr, exitCode };
  }

  /** Both, one after the other: what is retained is published before each. */
  async function compare(
    flags: readonly string[],
    all: readonly Publication[],
    retained: readonly Publication[] = [],
  ): Promise<Omit<Outcome, 'stdout'> & { stdout: string }> {
    const outcomes = [];
    for (const who of ['theirs', 'ours'] as const) {
      await publish(
        retained.map(([topic, payload, options]) => [topic, payload, { ...options, qos: 1, retain: true }]),
      );
      outcomes.push(await run(who, flags, all));
    }
    const [theirs, ours] = outcomes;
    expect(ours).toEqual(theirs);
    return ours;
  }

  const MESSAGES: readonly Publication[] = [
    ['one', 'grüße'],
    ['two', ''],
    ['three', Uint8Array.of(0, 1, 0x80, 0xff, 10)],
    ['one', '{"a": [1, 2]}', { qos: 1, properties: { contentType: 'json', userProperties: [['a', 'b']] } }],
    ['last', 'last', { qos: 2 }],
  ];

  const below = (base: string, all: readonly Publication[]) =>
    all.map(([topic, payload, options]): Publication => [`${base}/${topic}`, payload, options]);

  it.each([
    [[]],
    [['-v']],
    [['-N']],
    [['-v', '-N']],
    [['-V', '31', '-q', '1', '-v']],
    [['-V', '5', '-q', '2', '-v']],
    [['-F', '%t|%p|%x|%l|%q|%r|%m']],
    [['-F', '%t', '-N']],
    [['-F', '%t', '-v']],
    [['-V', '5', '-F', '%C %P %p', '-D', 'subscribe', 'user-property', 'a', 'b']],
    [['-V', '5', '-F', '%S %t', '-D', 'subscribe', 'subscription-identifier', '77']],
    [['-T', 'BASE/two', '-T', 'BASE/+/no', '-v']],
    [['-R', '-v']],
    [['-V', '5', '--retain-as-published', '-F', '%r %t']],
    [['--retain-as-published', '-v']],
    [['-k', '5', '-M', '3', '--nodelay', '-v']],
    [['-d']],
    [['-d', '-v', '-V', '5']],
    [['-d', '--quiet']],
    [['-t', 'BASE/one', '-t', 'other', '-v']],
  ])('print the same with %j', async (flags) => {
    const base = `same/${++count}`;
    const own = flags.map((flag) => flag.replace('BASE', base));
    const isFiltered = own.includes('-T');
    // The first -t is what `run` waits for.
    const topics = own.includes('-t') ? own : ['-t', `${base}/#`, ...own];
    const seen = own.includes('-t') ? 2 : isFiltered ? 4 : 5;
    const { stdout } = await compare([...topics, '-C', String(seen)], below(base, MESSAGES));
    expect(stdout).not.toBe('');
  });

  it('--pretty prints JSON on several lines', async () => {
    const flags = ['-t', 'pretty', '--pretty', '-C', '1'];
    const theirs = await run('theirs', [...flags, '-F', '%J'], [['pretty', '{"a": [1, 2]}']]);
    const ours = await run('ours', [...flags, '-F', '%J'], [['pretty', '{"a": [1, 2]}']]);
    const changed = /\t"(tst|retain)":.*\n/g;
    expect(ours.stdout.replace(changed, '')).toBe(theirs.stdout.replace(changed, ''));
    expect(ours.stdout).toContain('"a":\t[1, 2]\n');
  });

  describe('retained messages', () => {
    const kept: readonly Publication[] = [
      ['a', '1'],
      ['b', '2'],
    ];

    it('are left out with -R', async () => {
      const { stdout } = await compare(['-t', 'left/#', '-R', '-C', '1', '-v'], [['left/c', '3']], below('left', kept));
      expect(stdout).toBe('left/c 3\n');
    });

    it('are all that comes with --retained-only, until something else comes', async () => {
      const flags = ['-t', 'only/#', '--retained-only', '-v'];
      const { stdout, exitCode } = await compare(flags, [['only/c', '3']], below('only', kept));
      expect([exitCode, stdout]).toEqual([0, 'only/a 1\nonly/b 2\n']);
    });

    it.each([
      [[], []],
      [['-T', 'PLACE/b'], ['b']],
    ])('are cleared with --remove-retained, but for what is filtered out: %j', async (flags, left) => {
      const place = `remove/${left.length}`;
      const own = flags.map((flag) => flag.replace('PLACE', place));
      const retained = below(place, kept).map(([topic, text]): Publication => [topic, text, { qos: 1, retain: true }]);
      const argv = ['-t', `${place}/#`, '--remove-retained', '--retained-only', '-v', ...own];
      await publish(retained);
      // 2.0 disconnects when all is done, and does not end.
      const theirs = await run('theirs', [...argv, '-W', '1'], [[`${place}/c`, '']]);
      await publish(retained);
      const ours = await run('ours', argv, [[`${place}/c`, '']]);
      expect(ours).toEqual({ ...theirs, stderr: '', exitCode: 0 });
      const rest = await run('ours', ['-t', `${place}/#`, '-F', '%t', '-W', '1'], []);
      expect(rest.stdout).toBe(left.map((name) => `${place}/${name}\n`).join(''));
    });
  });

  describe('the end', () => {
    it.each([
      ['-W', ['-t', 'end', '-W', '1'], 27],
      ['-W with --quiet', ['-t', 'end', '-W', '1', '--quiet'], 27],
      ['-E', ['-t', 'end', '-E'], 0],
      ['-E of several topics', ['-t', 'end', '-t', 'end/+', '-E', '-d'], 0],
      ['-E of a session that is kept', ['-t', 'end', '-c', '-E', '-d'], 0],
      ['-E of another expiry', ['-t', 'end', '-c', '-x', '10', '-E'], 0],
      ['-t and -U', ['-t', 'end', '-U', 'end', '-U', 'other', '-c', '-d', '-W', '1'], 27],
    ])('of %s is the same', async (_, flags, exitCode) => {
      expect((await compare(flags, [])).exitCode).toBe(exitCode);
    });

    it.each([
      [['-t', 'x', '-F']],
      [['-t', 'x', '-F', '%z']],
      [['-t', 'x', '--random-filter', '0']],
      [['-t', 'x', '--random-filter', 'x']],
      [['-t', 'x', '-R', '--retained-only']],
      [['-t', 'x', '-C', '0']],
      [['-t', 'x', '-C', 'x']],
      [['-t', 'x', '-W', '0']],
      [['-t', 'x', '-T', 'a#']],
      [['-t', 'x', '-U', 'a#']],
      [['-t', 'x', '-q', '3']],
      [['-t', 'x', '--no-such-flag']],
      [['-t', 'x', '-c', '-i', '']],
    ])('%j is refused with 1', async (flags) => {
      const outcomes = await Promise.all(
        (['ours', 'theirs'] as const).map((who) => PROGRAMS[who]([...broker.flags, ...flags]).ended),
      );
      expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
      expect(outcomes[0].stderr).toMatch(/^Error: .+\n\nUse 'cauldron sub --help' to see usage.\n$/);
    });
  });

  it('-d shows the same of messages with QoS 1 and 2, but acknowledges them when they are printed, not before', async () => {
    const flags = ['-t', 'debug/#', '-d', '-v', '-q', '2', '-V', '5', '-C', '5'];
    const theirs = await run('theirs', flags, below('debug', MESSAGES));
    const ours = await run('ours', flags, below('debug', MESSAGES));
    const lines = ({ stdout }: { stdout: string }) => stdout.split('\n');
    expect(lines(ours).sort()).toEqual(lines(theirs).sort());
    const acknowledged = lines(ours).findIndex((line) => line.includes('sending PUBACK'));
    expect(lines(ours)[acknowledged - 1]).toBe('debug/one {"a": [1, 2]}');
  });

  it('--random-filter prints about so many of the messages; Mosquitto 2.0 prints a tenth of them', async () => {
    const all = Array.from({ length: 1_000 }, (_, i): Publication => ['random', String(i)]);
    const { stdout, exitCode } = await run('ours', ['-t', 'random', '--random-filter', '30', '-C', '1000'], all);
    // 300 and 10 standard deviations.
    expect(Math.abs(stdout.split('\n').length - 1 - 300)).toBeLessThan(145);
    expect(exitCode).toBe(0);
    const every = await run(
      'ours',
      ['-t', 'every', '--random-filter', '100', '-C', '5'],
      below('every', MESSAGES).map(([, text]) => ['every', text]),
    );
    expect(every.stdout.split('\n')).toHaveLength(6);
  });

  it('go on when the broker comes back; ours says so', async () => {
    const port = await freePort();
    const start = () => BrokerProcess.start([`listener ${port} 127.0.0.1`]);
    const at = ['-h', '127.0.0.1', '-p', String(port), '-t', 'again', '-C', '1'];
    const first = await start();
    const programs = [PROGRAMS.ours([...at, '-i', 'a']), PROGRAMS.theirs([...at, '-i', 'b'])];
    for (const id of ['a', 'b']) await first.hasSubscribed(id, 'again');
    await first.stop();
    const second = await start();
    for (const id of ['a', 'b']) await second.hasSubscribed(id, 'again');
    const client = await connect(`mqtt://127.0.0.1:${port}`);
    await client.publish('again', 'text');
    const [ours, theirs] = await Promise.all(programs.map(({ ended }) => ended));
    await client.disconnect();
    await second.stop();
    expect([ours.stdout.toString(), ours.exitCode]).toEqual([theirs.stdout.toString(), theirs.exitCode]);
    expect(ours.stderr).toMatch(/^Warning: .*Connecting again\.\n/);
  });

  it.each([
    ['311', [0x80]],
    ['5', [0, 0x87]],
  ])('say that nothing may be subscribed to; ours ends with 12, theirs with 0 (MQTT %s)', async (version, end) => {
    const [CONNACK, SUBACK] = [0x20, 0x90];
    const server = createServer((socket) => {
      socket.on('data', (packet) => {
        if (packet[0] === 0x10)
          socket.write(Uint8Array.of(CONNACK, version === '5' ? 3 : 2, 0, 0, ...(version === '5' ? [0] : [])));
        else if (packet[0] === 0x82) socket.write(Uint8Array.of(SUBACK, 2 + end.length, packet[2], packet[3], ...end));
      });
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const argv = ['-h', '127.0.0.1', '-p', String(port), '-t', 'x', '-V', version];
    const [ours, theirs] = await Promise.all([PROGRAMS.ours(argv).ended, PROGRAMS.theirs(argv).ended]);
    server.close();
    expect([ours.stderr, ours.exitCode]).toEqual([theirs.stderr, 12]);
    expect(theirs.exitCode).toBe(0);
  });

  it.each(DIFFERENCES)('$flags differs: $reason', async ({ flags }) => {
    const argv = ['-W', '1', ...flags];
    const [ours, theirs] = await Promise.all([run('ours', argv, []), run('theirs', argv, [])]);
    expect(ours.exitCode).not.toBe(theirs.exitCode);
  });
});
