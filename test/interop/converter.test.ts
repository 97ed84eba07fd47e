import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { connect } from '@cauldron/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { areInstalled, type ProgramName, programPath } from '../support/programs.js';
import { RunningProgram } from '../support/running-program.js';
import { JARS } from './fusesource/fusesource.js';
import { compile } from './native-programs.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(ROOT, 'examples/converter');
const source = (name: string) => join(EXAMPLES, name);

const EXPECTED = [
  { celsius: '21.5', fahrenheit: '70.7', kelvin: '294.65' },
  { celsius: '-40', fahrenheit: '-40', kelvin: '233.15' },
  { celsius: '36.6', fahrenheit: '97.88', kelvin: '309.75' },
  { celsius: '100', fahrenheit: '212', kelvin: '373.15' },
];

interface Example {
  readonly needs: readonly ProgramName[];
  /** The command and its arguments, which host and port follow. */
  command(): Promise<readonly string[]> | readonly string[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-converter-'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(ROOT, 'bin/cauldron.js'), join(folder, 'bin/cauldron'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiles it as the document says, and lets it find the packages. */
async function typeScript(): Promise<readonly string[]> {
  if (!existsSync(join(ROOT, 'packages/client/dist/index.js'))) throw new Error('There is no build: npm run build');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const flags = ['--ignoreConfig', '--target', 'es2022', '--module', 'nodenext', '--strict', '--types', 'node'];
  const roots = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--outDir', folder, '--rootDir', EXAMPLES];
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const argv = [compiler, ...flags, ...roots, source('converter.ts')];
  const { stdout } = await new RunningProgram(process.execPath, argv, '').ended;
  expect(stdout.toString()).toBe('');
  return [process.execPath, join(folder, 'converter.js')];
}

async function native(compiler: 'gcc' | 'g++', name: string, ...libraries: string[]): Promise<readonly string[]> {
  const program = join(folder, `${name}.program`);
  await compile(compiler, ['-Wall', '-o', program, source(name), ...libraries]);
  return [program];
}

async function java(): Promise<readonly string[]> {
  const classPath = [folder, ...JARS.map(programPath)].join(delimiter);
  await compile('javac', ['-Xlint:all', '-cp', classPath, '-d', folder, source('Converter.java')]);
  return [programPath('java'), '-cp', classPath, 'Converter'];
}

const RUN: Readonly<Record<string, Example>> = {
  'converter.ts': { needs: [], command: typeScript },
  'converter.sh': { needs: [], command: () => ['/bin/sh', source('converter.sh')] },
  'converter.py': { needs: ['python3'], command: () => [programPath('python3'), source('converter.py')] },
  'converter.pl': { needs: ['perl'], command: () => [programPath('perl'), source('converter.pl')] },
  'converter.rb': { needs: ['ruby'], command: () => [programPath('ruby'), source('converter.rb')] },
  'converter.php': { needs: ['php'], command: () => [programPath('php'), source('converter.php')] },
  'converter.rexx': {
    needs: ['rexx'],
    command: () => [
      '/bin/sh',
      '-c',
      `cauldron sub -h "$1" -p "$2" -t temp/celsius | '${programPath('rexx')}' '${source('converter.rexx')}' "$1" "$2"`,
      'sh',
    ],
  },
  'Converter.java': { needs: ['java', 'javac', ...JARS], command: java },
  'converter.c': { needs: ['gcc', 'mosquitto.h'], command: () => native('gcc', 'converter.c', '-lmosquitto') },
  'converter.cpp': {
    needs: ['g++', 'mqtt/async_client.h'],
    command: () => native('g++', 'converter.cpp', '-lpaho-mqttpp3', '-lpaho-mqtt3as'),
  },
};

/** The document says of these that nobody runs them. */
const NOT_RUN = ['arduino', 'converter.cs'];

it('every converter is run, or said not to be, and all are in the document', () => {
  const document = readFileSync(source('README.md'), 'utf8');
  const files = readdirSync(EXAMPLES).filter((name) => name !== 'README.md');
  expect(files.sort()).toEqual([...Object.keys(RUN), ...NOT_RUN].sort());
  for (const name of Object.keys(RUN)) expect(document).toContain(`[${name}](${name})`);
  expect(document.match(/^\|.* not run by the tests \|$/gm)).toHaveLength(NOT_RUN.length);
});

// Compilers and virtual machines take their time on a busy machine.
describe('the converter', { timeout: 120_000 }, () => {
  let server: Server;
  /** With the programs that it starts. */
  let converter: ChildProcess | null = null;

  beforeEach(async () => {
    server = await startServer(readConfig('listener 0 127.0.0.1\nallow_anonymous true\nlog_dest none', 'converter'));
  });

  afterEach(async () => {
    if (converter?.pid !== undefined && converter.exitCode === null) process.kill(-converter.pid, 'SIGKILL');
    converter = null;
    await server.stop();
  });

  function start([program = '', ...argv]: readonly string[]): Promise<never> {
    const [{ port }] = server.endpoints;
    const { npm_lifecycle_event: _, ...env } = process.env;
    const PATH = [join(folder, 'bin'), env.PATH].join(delimiter);
    const child = spawn(program, [...argv, '127.0.0.1', String(port)], { env: { ...env, PATH }, detached: true });
    converter = child;
    let said = '';
    child.stdout.on('data', (bytes) => (said += bytes));
    child.stderr.on('data', (bytes) => (said += bytes));
    const ended = new Promise<never>((_, reject) => {
      child.on('error', reject);
      child.on('close', (code) => reject(new Error(`It ended with ${code}: ${said}`)));
    });
    // At the end of a test it is killed, and nobody waits for it.
    ended.catch(() => {});
    return ended;
  }

  const examples = Object.entries(RUN).filter(([, { needs }]) => areInstalled(...needs));
  it.each(examples)('%s has the same numbers as all the others', async (_, { command }) => {
    const [{ port }] = server.endpoints;
    await using client = await connect(`mqtt://127.0.0.1:${port}`);
    const converted = await client.subscribe(['temp/fahrenheit', 'temp/kelvin']);
    // It is there when the converter has subscribed, whenever that is.
    await client.publish('temp/celsius', EXPECTED[0].celsius, { retain: true, qos: 1 });
    const ended = start(await command());
    const messages = converted[Symbol.asyncIterator]();
    for (const { celsius, fahrenheit, kelvin } of EXPECTED) {
      if (celsius !== EXPECTED[0].celsius) await client.publish('temp/celsius', celsius);
      const results: Record<string, string> = {};
      for (let i = 0; i < 2; i++) {
        const { value } = await Promise.race([messages.next(), ended]);
        results[value?.topic ?? 'nothing'] = value?.text() ?? '';
      }
      expect(results).toEqual({ 'temp/fahrenheit': fahrenheit, 'temp/kelvin': kelvin });
    }
  });
});
