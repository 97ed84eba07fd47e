import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@cauldron/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { FUSESOURCE, JARS } from './fusesource/fusesource.js';
import { Inbox } from './inbox.js';
import { matrixTable } from './matrix-table.js';
import { compile } from './native-programs.js';
import { type FlowNode, NodeRed } from './node-red/node-red.js';
import { PAHO_CPP } from './paho-cpp/paho-cpp.js';

const DOCUMENT = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');

const snippet = (name: string) => readFileSync(new URL(`snippets/${name}`, import.meta.url), 'utf8');

describe('docs/clients.md', () => {
  it.each([
    ['shell.sh', 'sh'],
    ['python.py', 'python'],
    ['javascript.js', 'js'],
    ['typescript.ts', 'ts'],
    ['node-red.json', 'json'],
    ['paho.c', 'c'],
    ['libmosquitto.c', 'c'],
    ['paho.cpp', 'cpp'],
    ['Gardener.java', 'java'],
  ])('shows %s as it is run', (name, language) => {
    expect(DOCUMENT).toContain(`\`\`\`${language}\n${snippet(name)}\`\`\`\n`);
  });

  it('says what is tested with which client', () => {
    expect(DOCUMENT).toContain(`\n${matrixTable()}`);
  });
});

// Compilers take their time on a busy machine.
describe('a first message', { timeout: 60_000 }, () => {
  let broker: BrokerProcess;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-first-message-'));
    broker = await BrokerProcess.start();
  });

  afterAll(async () => {
    await broker.stop();
    await killAll();
    rmSync(folder, { recursive: true });
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

  /** The same for a program that is compiled. */
  async function expectTemperatureOf(compiler: 'gcc' | 'g++', name: string, ...libraries: string[]): Promise<void> {
    const [source, program] = [join(folder, name), join(folder, `${name}.program`)];
    writeFileSync(source, text(name));
    await compile(compiler, ['-Wall', '-o', program, source, ...libraries]);
    await expectTemperature(program);
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

  it.skipIf(!areInstalled('gcc', 'MQTTClient.h'))('with C and Paho', () =>
    expectTemperatureOf('gcc', 'paho.c', '-lpaho-mqtt3cs'),
  );

  it.skipIf(!areInstalled('gcc', 'mosquitto.h'))('with C and libmosquitto', () =>
    expectTemperatureOf('gcc', 'libmosquitto.c', '-lmosquitto'),
  );

  it.skipIf(!areInstalled(...PAHO_CPP.needs))('with C++ and Paho', () =>
    expectTemperatureOf('g++', 'paho.cpp', '-lpaho-mqttpp3', '-lpaho-mqtt3as'),
  );

  it.skipIf(!areInstalled(...FUSESOURCE.needs))("with Java and FuseSource's client", async () => {
    const source = join(folder, 'Gardener.java');
    writeFileSync(source, text('Gardener.java'));
    const classPath = [...JARS.map(programPath), folder].join(':');
    await compile('javac', ['-cp', classPath, '-d', folder, source]);
    await expectTemperature(programPath('java'), '-cp', classPath, 'Gardener');
  });

  it('with a flow of Node-RED', async () => {
    const flow: FlowNode[] = JSON.parse(text('node-red.json'));
    const nodeRed = await NodeRed.start(flow);
    await broker.program.showsMatch(/^nodered\w+ 1 garden\/temperature$/m);
    const client = await connect(`mqtt://127.0.0.1:${broker.port}`, { reconnect: false });
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
