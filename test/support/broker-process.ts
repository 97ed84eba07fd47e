import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './running-program.js';

const COMMAND = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));
const BUILD = new URL('../../packages/cli/dist/index.js', import.meta.url);

/** `cauldron ARGS` of the build, in a process of its own. It does not know that npm may run the tests. */
export function runCauldron(argv: readonly string[], input?: string | Uint8Array): RunningProgram {
  if (!existsSync(BUILD)) throw new Error('There is no build: npm run build');
  const { npm_lifecycle_event: _, ...env } = process.env;
  return new RunningProgram(process.execPath, [COMMAND, ...argv], input, env);
}

/**
 * `debug` is not among them: with it every message takes the general way through the broker, and what a user's broker
 * does would not be tested.
 */
const LOG_TYPES = ['error', 'warning', 'notice', 'information', 'subscribe', 'unsubscribe'];

const CONFIG_FILE = 'test.conf';

function writeConfig(file: string, more: readonly string[]): void {
  const lines = [
    'listener 0 127.0.0.1',
    'allow_anonymous true',
    'log_timestamp false',
    ...LOG_TYPES.map((type) => `log_type ${type}`),
    ...more,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
}

/** A broker in a process of its own, on a free port of 127.0.0.1, open to anybody there. */
export class BrokerProcess {
  readonly program: RunningProgram;
  readonly port: number;
  readonly #folder: string;
  #reloads = 0;

  private constructor(program: RunningProgram, port: number, folder: string) {
    this.program = program;
    this.port = port;
    this.#folder = folder;
  }

  /** Resolves when it takes connections. `config`: more lines for its configuration file. */
  static async start(config: readonly string[] = [], flags: readonly string[] = []): Promise<BrokerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-broker-'));
    const file = join(folder, CONFIG_FILE);
    writeConfig(file, config);
    const program = runCauldron(['broker', '-c', file, ...flags]);
    const [, port] = await program.showsMatch(/^Listening on 127\.0\.0\.1:(\d+)\.\n[\s\S]*running\n/m);
    return new BrokerProcess(program, Number(port), folder);
  }

  /** Lets it read another configuration by SIGHUP; `config` as for `start`. Resolves with whether it was taken over. */
  async reload(config: readonly string[]): Promise<boolean> {
    writeConfig(join(this.#folder, CONFIG_FILE), config);
    this.program.process.kill('SIGHUP');
    const outcomes = /Configuration reloaded\.|the configuration was not reloaded/g;
    const [outcome] = await this.program.showsNth(outcomes, ++this.#reloads);
    return outcome.endsWith('.');
  }

  /** Host and port as the command-line tools take them. */
  get flags(): string[] {
    return ['-h', '127.0.0.1', '-p', String(this.port)];
  }

  /** Resolves when this client has subscribed to that: what is published from now on reaches it. */
  async hasSubscribed(clientId: string, filter: string): Promise<void> {
    await this.program.showsMatch(new RegExp(`^${literal(clientId)} [012] ${literal(filter)}$`, 'm'));
  }

  /** Resolves with what the log says about why this client's connection ended; with a full stop: it said goodbye. */
  async hasLost(clientId: string): Promise<string> {
    const line = new RegExp(`^Client ${literal(clientId)} \\[[^\\]]*\\] disconnected(?:: |)(.*)$`, 'm');
    return (await this.program.showsMatch(line))[1];
  }

  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
