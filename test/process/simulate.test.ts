import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transportTo } from '@cauldron/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDescription } from '../../packages/cli/src/simulate/description-reader.js';
import { Fleet } from '../../packages/cli/src/simulate/fleet.js';
import { Simulation } from '../../packages/cli/src/simulate/simulation.js';
import { ConfiguredBroker } from '../config/configured-broker.js';
import type { RawClient } from '../conformance/raw/raw-client.js';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';

const NEVER = new AbortController().signal;

function fleetOf(broker: ConfiguredBroker, group: string): Fleet {
  const text = `{ "groups": { "g": { ${group}, "messages": [{ "topic": "t", "payload": "x", "every": 1 }] } } }`;
  const { devices } = new Simulation(readDescription(text, 'test'), 1, Date.now());
  const url = new URL(`mqtt://127.0.0.1:${broker.server.endpoints[0].port}`);
  return new Fleet({ devices, open: transportTo(url, {}), connect: {}, onOver: () => {} });
}

/** The next messages that a client gets: topics and payloads. */
async function next(client: RawClient, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { topic, payload } = await client.receiveMessage();
    texts.push(`${topic} ${payload}`);
  }
  return texts;
}

const message = (payload: string, retain = false) => ({ topic: 'said', payload, qos: 2 as const, retain });

describe('a fleet of simulated devices', () => {
  it('connects each device under its own name, with its birth; its will comes when the connection is cut', async () => {
    const broker = await ConfiguredBroker.start();
    const watcher = await broker.connected('watcher');
    await watcher.subscribe('status/#');
    const fleet = fleetOf(
      broker,
      `"count": 3, "will": { "topic": "status/{id}", "payload": "off" }, "birth": { "topic": "status/{id}", "payload": "on" }`,
    );
    await fleet.connect(NEVER);
    expect((await next(watcher, 3)).sort()).toEqual(['status/g-1 on', 'status/g-2 on', 'status/g-3 on']);
    expect(fleet.counts.online).toBe(3);
    fleet.cut(1);
    expect(await next(watcher, 1)).toEqual(['status/g-2 off']);
    fleet.restore(1);
    expect(await next(watcher, 1)).toEqual(['status/g-2 on']);
    expect(fleet.counts).toMatchObject({ online: 3, cuts: 1, failures: 0 });
    await fleet.leave(false);
  });

  it.each([
    ['kept', ['said before', 'said meanwhile', 'said after'], 0],
    ['lost', ['said before', 'said after'], 1],
  ])('publishes after a cut what was due meanwhile, if that is to be %s', async (what, received, lost) => {
    const broker = await ConfiguredBroker.start();
    const watcher = await broker.connected('watcher');
    await watcher.subscribe('said');
    await watcher.subscribe('status');
    const fleet = fleetOf(
      broker,
      `"dropouts": { "probability": 0, "for": 1, "messages": "${what}" }, "will": { "topic": "status", "payload": "off" }`,
    );
    await fleet.connect(NEVER);
    fleet.publish(0, message('before'));
    expect(await next(watcher, 1)).toEqual(['said before']);
    fleet.cut(0);
    expect(await next(watcher, 1)).toEqual(['status off']);
    fleet.publish(0, message('meanwhile'));
    fleet.restore(0);
    const online = () => fleet.counts.online === 1;
    await expect.poll(online, { timeout: 20_000 }).toBe(true);
    fleet.publish(0, message('after'));
    expect(await next(watcher, received.length - 1)).toEqual(received.slice(1));
    expect(fleet.counts).toMatchObject({ published: 3, lost });
    await fleet.leave(false);
  });

  it('says goodbye: what wills would have retained is said by the devices, and nothing by the broker', async () => {
    const broker = await ConfiguredBroker.start();
    const fleet = fleetOf(
      broker,
      `"will": { "topic": "status", "payload": "off", "retain": true }, "birth": { "topic": "status", "payload": "on", "retain": true }`,
    );
    await fleet.connect(NEVER);
    fleet.publish(0, message('stays', true));
    await fleet.leave(false);
    expect(fleet.retainedTopics).toBe(2);
    const watcher = await broker.connected('watcher');
    await watcher.subscribe('#');
    expect((await next(watcher, 2)).sort()).toEqual(['said stays', 'status off']);
  });

  it('takes back what it has left, when it is asked to', async () => {
    const broker = await ConfiguredBroker.start();
    const fleet = fleetOf(broker, `"birth": { "topic": "status", "payload": "on", "retain": true }`);
    await fleet.connect(NEVER);
    fleet.publish(0, message('stays', true));
    await fleet.leave(true);
    expect(fleet.retainedTopics).toBe(0);
    const watcher = await broker.connected('watcher');
    await watcher.subscribe('#');
    await watcher.publish({ topic: 'marker', payload: 'end', qos: 1 });
    expect(await next(watcher, 1)).toEqual(['marker end']);
  });

  it('of five hundred connects, publishes and leaves', async () => {
    const broker = await ConfiguredBroker.start();
    const watcher = await broker.connected('watcher');
    await watcher.subscribe('said');
    const fleet = fleetOf(broker, '"count": 500');
    await fleet.connect(NEVER);
    expect(fleet.counts.online).toBe(500);
    for (let device = 0; device < 500; device++) fleet.publish(device, message(String(device)));
    expect(new Set(await next(watcher, 500)).size).toBe(500);
    await fleet.leave(false);
    expect(fleet.counts).toMatchObject({ online: 0, published: 500, lost: 0, failures: 0 });
  });

  it('does not begin when the broker refuses', async () => {
    const broker = await ConfiguredBroker.start('allow_anonymous false');
    const fleet = fleetOf(broker, '"count": 5');
    await expect(fleet.connect(NEVER)).rejects.toMatchObject({ name: 'ConnectionRefused' });
    await fleet.leave(false);
  });
});

describe('cauldron simulate', () => {
  let folder: string;
  let file: string;
  let broker: BrokerProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-simulate-'));
    file = join(folder, 'devices.json');
    const group = `{ "count": 2, "values": { "v": { "walk": [1, 9] } },
      "messages": [{ "topic": "t/{id}", "payload": "{v}", "every": "1s", "retain": true }] }`;
    writeFileSync(file, `// Two devices\n{ "groups": { "g": ${group} } }`);
    broker = await BrokerProcess.start();
  });
  afterAll(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  const outcomeOf = async (...argv: string[]) => {
    const { stdout, stderr, exitCode } = await runCauldron(['simulate', ...argv], '').ended;
    return { stdout: stdout.toString(), stderr, exitCode };
  };

  it('prints examples that it can read, and what would be published', async () => {
    const { stdout: example } = await outcomeOf('--example', 'owntracks');
    const people = join(folder, 'people.json');
    writeFileSync(people, example);
    const flags = ['--dry-run', '--seed', '1', '--start', '2026-07-01T06:00:00Z', '--duration', '2m'];
    const { stdout, exitCode } = await outcomeOf(people, ...flags);
    expect(stdout).toMatch(
      /^2026-07-01T06:00:\d\d\.\d{3}Z {2}owntracks\/person\d\/phone \(QoS 1, retained\) {2}\{"_type":"location"/,
    );
    expect(exitCode).toBe(0);
    expect((await outcomeOf(people, ...flags)).stdout).toBe(stdout);
  });

  it('publishes for as long as it should, and says what it did', async () => {
    const { stderr, exitCode } = await outcomeOf(
      file,
      ...broker.flags,
      '--duration',
      '10s',
      '--speed',
      '20',
      '--seed',
      '7',
    );
    expect(stderr).toMatch(
      /^(1[89]|2[012]) messages of 2 devices in [\d.]+ s, \d+ a second\.\n0 cuts, 0 messages lost\. Seed 7\.\n2 topics keep/,
    );
    expect(exitCode).toBe(0);
  });

  it('ends in good order when it is interrupted', async () => {
    const others = join(folder, 'others.json');
    writeFileSync(others, readFileSync(file, 'utf8').replace('"g"', '"other"'));
    const program = runCauldron(['simulate', others, ...broker.flags, '--clear-retained']);
    // Its message shows that it knows of its connection; the broker knows a moment earlier.
    await runCauldron(['sub', ...broker.flags, '-t', 't/other-2', '-C', '1']).ended;
    const { stderr, exitCode } = await program.stop('SIGINT');
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain('keep a retained message');
    expect(await broker.hasLost('other-2')).toBe('.');
  });

  it('says where a description is wrong, and that there is no broker', async () => {
    const wrong = join(folder, 'wrong.json');
    writeFileSync(wrong, '{\n "groups": {\n "g": { "message": [] } } }');
    const { stderr, exitCode } = await outcomeOf(wrong);
    expect(stderr).toBe(
      `Error: ${wrong}:3: groups.g.message: there is no such thing; did you mean "messages"?\nError: ${wrong}:3: groups.g: "messages" is missing\n`,
    );
    expect(exitCode).toBe(3);
    expect((await outcomeOf(join(folder, 'none.json'))).exitCode).toBe(3);
    const unreachable = await outcomeOf(file, '-h', '127.0.0.1', '-p', String(await freePort()));
    expect(unreachable.stderr).toContain('Connection refused');
    expect(unreachable.exitCode).toBe(1);
  });

  it.each([
    [[], 'Which description?'],
    [['a', 'b'], "'b' is one file too many"],
    [['a', '--duration', 'long'], '--duration is a time such as 30s, 10m or 2h, not "long"'],
    [['a', '--start', 'soon'], '--start is a time such as 2026-07-01T06:00:00Z, not "soon"'],
    [['a', '--example', 'fleet'], '--example prints a description: it needs no file'],
  ])('%j is bad usage', async (argv, text) => {
    const { stderr, exitCode } = await outcomeOf(...argv);
    expect(stderr).toContain(`Error: ${text}`);
    expect(exitCode).toBe(1);
  });
});
