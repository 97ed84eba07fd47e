import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import type { BrokerProcess } from '../support/broker-process.js';
import { type ProgramName, programPath } from '../support/programs.js';
import { RunningProgram } from '../support/running-program.js';

/** How the recorder prints a message: one line, whatever is in it. */
const RECORD = ['%t', 'q%q', 'r%r', '%x', '%C', '%D', '%F', '%R', '%P'].join('|');

/** What stands in arguments for the topic of a run, so that both runs can have one of their own. */
export const TOPIC = '{topic}';

export interface Run {
  /** `{topic}` in it is the topic of this run. */
  readonly argv: readonly string[];
  /** All of standard input; default: nothing. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** How many messages there are to be under the topic of the run. */
  readonly messages?: number;
}

export interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What a subscriber got: topic, QoS, retain flag, payload as hexadecimal digits, properties. */
  readonly messages: readonly string[];
}

/** Runs Debian's tool and that of bin/compat with the same arguments at the same broker. */
export class ToolComparison {
  readonly #recorder: RunningProgram;
  #runs = 0;

  private constructor(recorder: RunningProgram) {
    this.#recorder = recorder;
  }

  /** Resolves when the recorder sees all that goes through the broker. */
  static async start(broker: BrokerProcess): Promise<ToolComparison> {
    const argv = [...broker.flags, '-V', '5', '-i', 'recorder', '-q', '2', '-t', '#', '--retain-as-published'];
    const recorder = new RunningProgram(programPath('mosquitto_sub'), [...argv, '-F', RECORD]);
    await broker.hasSubscribed('recorder', '#');
    return new ToolComparison(recorder);
  }

  async stop(): Promise<void> {
    await this.#recorder.stop();
  }

  /** What Debian's program does, and what ours does; both have topics of their own, which are made the same in the results. */
  async compare(name: ProgramName, run: Run): Promise<{ theirs: Result; ours: Result }> {
    const [theirs, ours] = await Promise.all([
      this.#result(run, (argv, env) => new RunningProgram(programPath(name), argv, run.input ?? '', env)),
      this.#result(run, (argv, env) => runCompat(name, argv, run.input ?? '', env)),
    ]);
    return { theirs, ours };
  }

  async #result(
    { argv, env, messages = 0 }: Run,
    start: (argv: readonly string[], env: NodeJS.ProcessEnv) => RunningProgram,
  ): Promise<Result> {
    // All are as long, so that nothing else differs.
    const topic = `run/${String(++this.#runs).padStart(6, '0')}`;
    const program = start(
      argv.map((argument) => argument.replaceAll(TOPIC, topic)),
      { ...process.env, HOME: '/nonexistent', XDG_CONFIG_HOME: undefined, ...env },
    );
    const { exitCode, stdout, stderr } = await program.ended;
    const seen = () => this.#recorder.shown.split('\n').filter((line) => line.startsWith(topic));
    await vi.waitUntil(() => seen().length >= messages, { timeout: 20_000, interval: 20 });
    const normalised = (text: string) => text.replaceAll(topic, TOPIC).replaceAll(String(program.process.pid), '{pid}');
    return {
      exitCode,
      stdout: normalised(stdout.toString('latin1')),
      stderr: normalised(stderr),
      messages: seen().map(normalised),
    };
  }
}

/** A program of bin/compat: the one of ours that has a name of Mosquitto's. */
export function runCompat(
  name: string,
  argv: readonly string[],
  input?: string | Uint8Array,
  env: NodeJS.ProcessEnv = process.env,
): RunningProgram {
  return new RunningProgram(process.execPath, [compatPath(name), ...argv], input, env);
}

/** @param name empty: the folder */
export function compatPath(name: string): string {
  return fileURLToPath(new URL(`../../bin/compat/${name}`, import.meta.url));
}
