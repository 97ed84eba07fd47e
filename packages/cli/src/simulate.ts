import { readFileSync } from 'node:fs';
import { transportTo } from '@cauldron/client';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { BatchedOutput } from './command-line/batched-output.js';
import { ProgressLine } from './command-line/progress-line.js';
import { COMMON_FLAGS, runTool, type Tool } from './command-line/tool.js';
import { countText } from './command-line/units.js';
import { CONNECTION_FLAGS, type ConnectionTarget, connectionTarget } from './connection/connection-flags.js';
import { describeFailure } from './connection/failure.js';
import type { Description } from './simulate/description.js';
import { DescriptionError, readDescription } from './simulate/description-reader.js';
import { EXAMPLES } from './simulate/examples.js';
import { Fleet } from './simulate/fleet.js';
import { listing } from './simulate/listing.js';
import { Pace } from './simulate/pace.js';
import { durationMs } from './simulate/place.js';
import { Simulation } from './simulate/simulation.js';

/** A description that cannot be read: as Mosquitto's library has it, invalid input. */
const DESCRIPTION_EXIT_CODE = 3;
const HIGHEST_SEED = 2 ** 32 - 1;
/** That many devices are told of that cannot go on; of the others there are too many. */
const MOST_COMPLAINTS = 5;

const FLAGS = {
  example: {
    long: '--example',
    kind: 'choice',
    value: 'NAME',
    choices: Object.keys(EXAMPLES),
    doc: 'Prints a description to begin with, with comments: sensors, owntracks or fleet.',
  },
  dryRun: {
    long: '--dry-run',
    kind: 'switch',
    doc: 'Prints what would be published, and connects to nothing. Without --duration, the first minute.',
  },
  duration: {
    long: '--duration',
    kind: 'text',
    value: 'TIME',
    doc: 'Ends after that much time of the simulation: 30s, 10m, 2h. Default: goes on until Ctrl-C.',
  },
  speed: {
    long: '--speed',
    kind: 'decimal',
    value: 'FACTOR',
    lowest: 0.01,
    doc: 'How much faster than on a clock the time of the simulation goes by. Default 1.',
  },
  seed: {
    long: '--seed',
    kind: 'integer',
    value: 'NUMBER',
    lowest: 0,
    highest: HIGHEST_SEED,
    doc: 'The same seed and --start give the same messages. Default: another one each time.',
  },
  start: {
    long: '--start',
    kind: 'text',
    value: 'TIME',
    doc: 'When the time of the simulation begins, such as 2026-07-01T06:00:00Z. Default: now.',
  },
  clearRetained: {
    long: '--clear-retained',
    kind: 'switch',
    doc: 'In the end, takes back the retained messages that the devices have left with the broker.',
  },
  host: CONNECTION_FLAGS.host,
  port: CONNECTION_FLAGS.port,
  url: CONNECTION_FLAGS.url,
  username: CONNECTION_FLAGS.username,
  password: CONNECTION_FLAGS.password,
  protocolVersion: { ...CONNECTION_FLAGS.protocolVersion, doc: 'MQTT version: 31, 311 or 5. Default 5.' },
  ws: CONNECTION_FLAGS.ws,
  unix: CONNECTION_FLAGS.unix,
  keepAlive: CONNECTION_FLAGS.keepAlive,
  cafile: CONNECTION_FLAGS.cafile,
  capath: CONNECTION_FLAGS.capath,
  osCertificates: CONNECTION_FLAGS.osCertificates,
  cert: CONNECTION_FLAGS.cert,
  key: CONNECTION_FLAGS.key,
  insecure: CONNECTION_FLAGS.insecure,
  quiet: CONNECTION_FLAGS.quiet,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

type SimulateValues = Values<typeof FLAGS>;

export const SIMULATE: Tool<typeof FLAGS> = {
  name: 'simulate',
  summary: `Simulates devices, each with a connection of its own: what they measure, where they go,
when they are cut off. FILE describes them; --example prints one to begin with.`,
  usage: 'FILE [-h HOST] [-p PORT] [options]',
  examples: [
    '--example owntracks > people.json',
    'people.json --dry-run',
    'people.json -h broker.example -u test -P secret --speed 10 --duration 8h',
  ],
  flags: FLAGS,
  notes: 'Exit status: as that of `cauldron pub`; 3 for a description that cannot be read.',
};

/** `cauldron simulate`. @returns the exit status */
export function runSimulate(argv: readonly string[]): Promise<number> {
  return runTool(SIMULATE, argv, (values, operands) => simulate(values, operands));
}

async function simulate(values: SimulateValues, [file, more]: readonly string[]): Promise<number> {
  if (values.example !== undefined) {
    if (file !== undefined) throw new UsageError('--example prints a description: it needs no file');
    process.stdout.write(EXAMPLES[values.example]);
    return 0;
  }
  if (file === undefined) throw new UsageError('Which description? It is the first argument; --example prints one');
  if (more !== undefined) throw new UsageError(`'${more}' is one file too many`);
  const plan = planOf(values);
  const target = connectionTarget({ ...values, protocolVersion: values.protocolVersion ?? '5' });
  let description: Description;
  try {
    description = readDescription(textOf(file), file);
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    process.stderr.write(`Error: ${error.message.replaceAll('\n', '\nError: ')}\n`);
    return DESCRIPTION_EXIT_CODE;
  }
  const simulation = new Simulation(description, plan.seed, plan.startMs);
  if (values.dryRun) return list(simulation, plan);
  return new SimulationRun(values, target, simulation, plan).run();
}

/** When, how fast, and by which random numbers. */
interface Plan {
  readonly seed: number;
  readonly startMs: number;
  /** In the time of the simulation; null: no end. */
  readonly durationMs: number | null;
  readonly speed: number;
}

function planOf({ seed, start, duration, speed = 1 }: SimulateValues): Plan {
  const startMs = start === undefined ? Date.now() : Date.parse(start);
  if (Number.isNaN(startMs)) throw new UsageError(`--start is a time such as 2026-07-01T06:00:00Z, not "${start}"`);
  const lastsMs = duration === undefined ? null : durationMs(duration);
  if (duration !== undefined && lastsMs === null) {
    throw new UsageError(`--duration is a time such as 30s, 10m or 2h, not "${duration}"`);
  }
  return { seed: seed ?? Math.floor(Math.random() * HIGHEST_SEED), startMs, durationMs: lastsMs, speed };
}

/** Of a file; `-`: of standard input. @throws DescriptionError */
function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new DescriptionError([`the description cannot be read: ${(error as Error).message}`]);
  }
}

const DEFAULT_DRY_RUN_MS = 60_000;

async function list(simulation: Simulation, { startMs, durationMs: lastsMs }: Plan): Promise<number> {
  const output = new BatchedOutput(process.stdout);
  let isOpen = true;
  output.onGone = () => {
    isOpen = false;
  };
  for (const line of listing(simulation, startMs + (lastsMs ?? DEFAULT_DRY_RUN_MS))) {
    if (!isOpen) break;
    output.writeText(line);
  }
  await output.end();
  return 0;
}

class SimulationRun {
  readonly #values: SimulateValues;
  readonly #target: ConnectionTarget;
  readonly #simulation: Simulation;
  readonly #plan: Plan;
  readonly #fleet: Fleet;
  readonly #progress = new ProgressLine();
  readonly #end = new AbortController();
  #complaints = 0;

  constructor(values: SimulateValues, target: ConnectionTarget, simulation: Simulation, plan: Plan) {
    this.#values = values;
    this.#target = target;
    this.#simulation = simulation;
    this.#plan = plan;
    const { url, options } = target;
    this.#fleet = new Fleet({
      devices: simulation.devices,
      open: transportTo(url, options),
      connect: { ...credentialsOf(url), ...options },
      onOver: ({ id }, error) => this.#complain(`${id} does not go on: ${error.message}`),
    });
  }

  async run(): Promise<number> {
    process.once('SIGINT', this.#interrupt);
    process.once('SIGTERM', this.#interrupt);
    try {
      await this.#connect();
      const startMs = performance.now();
      await this.#play();
      this.#progress.clear();
      const seconds = (performance.now() - startMs) / 1_000;
      await this.#fleet.leave(this.#values.clearRetained === true);
      this.#report(seconds);
      return 0;
    } catch (error) {
      this.#progress.clear();
      if (this.#end.signal.aborted) return 0;
      const { text, exitCode } = describeFailure(error, this.#target.url);
      if (!this.#values.quiet) process.stderr.write(text);
      return exitCode;
    } finally {
      await this.#fleet.leave(false);
      process.off('SIGINT', this.#interrupt);
      process.off('SIGTERM', this.#interrupt);
    }
  }

  async #connect(): Promise<void> {
    const { length } = this.#simulation.devices;
    const line = setInterval(() => {
      this.#progress.show(() => `Connecting: ${this.#fleet.counts.online} of ${countText(length, 'device')}`);
    }, 250);
    try {
      await this.#fleet.connect(this.#end.signal);
    } finally {
      clearInterval(line);
      this.#progress.clear();
    }
  }

  async #play(): Promise<void> {
    const { startMs, durationMs: lastsMs, speed } = this.#plan;
    const endMs = lastsMs === null ? Number.POSITIVE_INFINITY : startMs + lastsMs;
    const pace = new Pace(startMs, speed, () => performance.now());
    await pace.play(this.#simulation, endMs, this.#end.signal, (event) => {
      if (event.kind === 'publish') this.#fleet.publish(event.device, event.publication);
      else if (event.kind === 'cut') this.#fleet.cut(event.device);
      else this.#fleet.restore(event.device);
      this.#progress.show(() => this.#line(event.atMs - startMs, pace.latenessMs));
    });
  }

  #line(playedMs: number, latenessMs: number): string {
    const { online, published, cuts, lost } = this.#fleet.counts;
    const late = latenessMs > 1_000 ? ` · ${(latenessMs / 1_000).toFixed(1)} s late` : '';
    const { length } = this.#simulation.devices;
    const devices = `${online.toLocaleString('en')} of ${countText(length, 'device')} online`;
    const rest = `${countText(cuts, 'cut')}, ${lost.toLocaleString('en')} lost`;
    return `${clockText(playedMs)} · ${devices} · ${countText(published, 'message')} · ${rest}${late}`;
  }

  #report(seconds: number): void {
    if (this.#values.quiet) return;
    const { published, lost, cuts, failures } = this.#fleet.counts;
    const rate = seconds > 0 ? Math.round(published / seconds).toLocaleString('en') : '0';
    const lines = [
      `${countText(published, 'message')} of ${countText(this.#simulation.devices.length, 'device')} in ${seconds.toFixed(1)} s, ${rate} a second.`,
      `${countText(cuts, 'cut')}, ${countText(lost, 'message')} lost. Seed ${this.#plan.seed}.`,
    ];
    if (failures > 0) lines.push(`${countText(failures, 'connection')} broke of their own.`);
    const { retainedTopics } = this.#fleet;
    if (retainedTopics > 0) {
      lines.push(
        `${countText(retainedTopics, 'topic')} keep a retained message; --clear-retained would take them back.`,
      );
    }
    process.stderr.write(`${lines.join('\n')}\n`);
  }

  #complain(text: string): void {
    this.#complaints += 1;
    if (this.#values.quiet || this.#complaints > MOST_COMPLAINTS) return;
    this.#progress.clear();
    process.stderr.write(`Warning: ${text}\n`);
  }

  readonly #interrupt = (): void => this.#end.abort();
}

function credentialsOf({ username, password }: URL): { username?: string; password?: string } {
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
  };
}

/** Hours, minutes and seconds: 1:02:03. */
function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'));
  return `${Math.floor(seconds / 3_600)}:${parts.join(':')}`;
}
