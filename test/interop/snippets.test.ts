import { readFileSync } from 'node:fs';
import { connect } from '@cauldron/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { Inbox } from './inbox.js';
import { type FlowNode, NodeRed } from './node-red/node-red.js';

const DOCUMENT = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');

const snippet = (name: string) => readFileSync(new URL(`snippets/${name}`, import.meta.url), 'utf8');

describe('docs/clients.md', () => {
  it.each([
    ['shell.sh', 'sh'],
    ['python.py', 'python'],
    ['javascript.js', 'js'],
    ['typescript.ts', 'ts'],
    ['node-red.json', 'json'],
  ])('shows %s as it is run', (name, language) => {
    expect(DOCUMENT).toContain(`\`\`\`${language}\n${snippet(name)}\`\`\`\n`);
  });
});

describe('a first message', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.start();
  });

  afterAll(async () => {
    await broker.stop();
    await killAll();
  });

  /** The text of a snippet; only the broker is elsewhere. */
  const text = (name: string) => snippet(name).replaceAll('1883', String(broker.port));

  /** It publishes a temperature, and prints that it has come. */
  async function expectTemperature(program: string, ...argv: readonly string[]): Promise<void> {
    expect(await new RunningProgram(program, argv, '').ended).toEqual({
      stdout: Buffer.from('garden/temperature 21.5\n'),
      stderr: '',
      exitCode: 0,
    });
  }

  it.skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub'))("with the shell and Mosquitto's tools", () =>
    expectTemperature('/bin/sh', '-c', text('shell.sh')),
  );

  it.skipIf(!areInstalled('python3'))('with Python and paho-mqtt', () =>
    expectTemperature(programPath('python3'), '-c', text('python.py')),
  );

  it.each(['javascript.js', 'typescript.ts'])('with Node.js: %s', (name) =>
    expectTemperature(process.execPath, '--input-type=module', '-e', text(name)),
  );

  it('with a flow of Node-RED', async () => {
    const flow: FlowNode[] = JSON.parse(text('node-red.json'));
    const nodeRed = await NodeRed.start(flow);
    await broker.program.showsMatch(/^nodered\w+ 1 garden\/temperature$/m);
    const client = await connect(`mqtt://127.0.0.1:${broker.port}`);
    const inbox = new Inbox();
    await client.subscribe('garden/alarm', { qos: 1 }, inbox.take);
    for (const temperature of ['29.5', '30.5', '21.5', '31.5']) {
      await client.publish('garden/temperature', temperature, { qos: 1 });
    }
    expect([(await inbox.next()).text, (await inbox.next()).text]).toEqual(['30.5', '31.5']);
    await client.disconnect();
    await nodeRed.stop();
  });
});
