import type { Client, PublishOptions } from '@cauldron/client';
import { topicMatches } from '@cauldron/codec';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { BatchedOutput } from './command-line/batched-output.js';
import { ProgressLine } from './command-line/progress-line.js';
import { COMMON_FLAGS, runTool, type Tool } from './command-line/tool.js';
import { countText, sizeText } from './command-line/units.js';
import {
  CONNECTION_FLAGS,
  type ConnectionTarget,
  checkedTopicFilter,
  connectionTarget,
} from './connection/connection-flags.js';
import { DebugLog } from './connection/debug-log.js';
import { describeFailure } from './connection/failure.js';
import { openConnection } from './connection/open-connection.js';
import { visible } from './decode/json-text.js';
import type { RecordedMessage } from './recording/recorded-message.js';
import { openRecording, RecordingError } from './recording/recording-reader.js';
import { Replayer } from './recording/replayer.js';
import { withShiftedTimes } from './recording/time-shift.js';
import { topicMap } from './recording/topic-map.js';

const FLAGS = {
  speed: {
    long: '--speed',
    kind: 'text',
    value: 'FACTOR',
    doc: 'How many times faster than it was recorded, such as 10 or 0.5; max: without waiting. Default 1.',
  },
  shiftTime: {
    long: '--shift-time',
    kind: 'switch',
    doc: 'Moves times within JSON payloads, so that they are as old as they were when they were recorded.',
  },
  maps: {
    long: '--map',
    kind: 'list',
    value: 'FROM=TO',
    doc: 'Publishes to TO what was at FROM: home=test/home, or +/status=state/+. Can be repeated; the first that fits.',
  },
  topics: {
    short: '-t',
    long: '--topic',
    kind: 'list',
    value: 'FILTER',
    doc: 'Only messages of matching topics. Can be repeated.',
  },
  loop: { long: '--loop', kind: 'switch', doc: 'Begins again at the end, until it is interrupted.' },
  dryRun: { long: '--dry-run', kind: 'switch', doc: 'Prints what would be published, and connects to nothing.' },
  ...CONNECTION_FLAGS,
  protocolVersion: {
    ...CONNECTION_FLAGS.protocolVersion,
    doc: 'MQTT version: 31, 311 or 5. Default 5: older ones have no properties.',
  },
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

type ReplayValues = Values<typeof FLAGS>;

/** All that there is to know of the command line. */
export const REPLAY: Tool<typeof FLAGS> = {
  name: 'replay',
  summary: 'Publishes a recording of `cauldron sub --record`, with its timing. FILE may be - (stdin).',
  usage: 'FILE [-h HOST] [-p PORT] [options]',
  examples: [
    'monday.jsonl.gz',
    'monday.jsonl.gz --speed 60 --shift-time --map owntracks=test/owntracks',
    "monday.jsonl.gz -t 'garden/#' --dry-run",
  ],
  flags: FLAGS,
  details: 'Exit status: as that of `cauldron pub`; 3 for a recording that cannot be read; 130 when interrupted.',
};

/** As Mosquitto's library has it: invalid input. */
const RECORDING_EXIT_CODE = 3;
const INTERRUPTED_EXIT_CODE = 130;

/** `cauldron replay`. @param argv without the name of the command. @returns the exit status */
export function runReplay(argv: string[]): Promise<number> {
  return runTool(REPLAY, argv, (values, operands) => replay(values, operands));
}

async function replay(values: ReplayValues, operands: readonly string[]): Promise<number> {
  const [file, ...others] = operands;
  if (file === undefined) throw new UsageError('Which recording? It is the first argument');
  if (others.length > 0) throw new UsageError(`'${others[0]}' is one file too many`);
  if (values.loop && file === '-') throw new UsageError('--loop needs a file: the standard input comes once');
  if (values.loop && values.dryRun) throw new UsageError('--loop and --dry-run make a list without end');
  const plan = planOf(values, file);
  const target = connectionTarget({ ...values, protocolVersion: values.protocolVersion ?? '5' });
  try {
    return values.dryRun ? await list(plan, values.quiet === true) : await new ReplayRun(values, target, plan).run();
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    process.stderr.write(`Error: ${error.message}\n`);
    return RECORDING_EXIT_CODE;
  }
}

/** What is published, and when. */
interface Plan {
  readonly file: string;
  /** Infinity: without waiting. */
  readonly speed: number;
  readonly filters: readonly string[];
  /** The topic to publish to; null where it would be none. */
  readonly topicFor: (recorded: string) => string | null;
  readonly warn: (text: string) => void;
}

/** @throws UsageError */
function planOf(values: ReplayValues, file: string): Plan {
  return {
    file,
    speed: speedOf(values.speed ?? '1'),
    filters: (values.topics ?? []).map(checkedTopicFilter),
    topicFor: topicMap(values.maps ?? []),
    warn: (text) => {
      if (!values.quiet) process.stderr.write(`Warning: ${text}.\n`);
    },
  };
}

function speedOf(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = /^\d*\.?\d+x?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (speed >= 0) return speed === 0 ? Number.POSITIVE_INFINITY : speed;
  throw new UsageError(`--speed is a number such as 10 or 0.5, or max, not "${text}"`);
}

interface PlannedMessage extends RecordedMessage {
  /** When it was recorded, in milliseconds since 1970. */
  readonly recordedAtMs: number;
}

/** The messages of the recording that are wanted, under the topics that they are to go to. */
async function* plannedMessages({ file, filters, topicFor, warn }: Plan): AsyncGenerator<PlannedMessage[]> {
  const { startedAtMs, batches } = await openRecording(file, { onTornEnd: warn });
  for await (const batch of batches) {
    const planned: PlannedMessage[] = [];
    for (const message of batch) {
      if (filters.length > 0 && !filters.some((filter) => topicMatches(filter, message.topic))) continue;
      const topic = topicFor(message.topic);
      if (topic === null) warn(`${visible(message.topic)} is left out: --map makes no topic of it`);
      else planned.push({ ...message, topic, recordedAtMs: startedAtMs + message.atMs });
    }
    yield planned;
  }
}

async function list(plan: Plan, quiet: boolean): Promise<number> {
  const output = new BatchedOutput(process.stdout);
  let isOpen = true;
  let room = Promise.resolve();
  let goOn = () => {};
  output.onFull = () => {
    room = new Promise((resolve) => {
      goOn = resolve;
    });
  };
  output.onRoom = () => goOn();
  output.onGone = () => {
    isOpen = false;
    goOn();
  };
  let count = 0;
  let firstMs = Number.NaN;
  for await (const batch of plannedMessages(plan)) {
    for (const { atMs, topic, qos, retain, payload } of batch) {
      firstMs = count++ === 0 ? atMs : firstMs;
      const afterS = plan.speed === Number.POSITIVE_INFINITY ? 0 : (atMs - firstMs) / plan.speed / 1_000;
      const details = `QoS ${qos}${retain ? ', retained' : ''}, ${payload.length} bytes`;
      output.writeText(`${afterS.toFixed(3).padStart(10)} s  ${visible(topic)}  ${details}\n`);
    }
    await room;
    if (!isOpen) break;
  }
  await output.end();
  if (!quiet && isOpen) process.stderr.write(`${countText(count, 'message')} would be published.\n`);
  return 0;
}

class ReplayRun {
  readonly #values: ReplayValues;
  readonly #target: ConnectionTarget;
  readonly #plan: Plan;
  readonly #progress = new ProgressLine();
  /** Ends the attempt to connect, and the publishing. */
  readonly #end = new AbortController();
  readonly #replayer: Replayer<PlannedMessage>;
  #client: Client | null = null;
  #hasDroppedProperties = false;
  #isInterrupted = false;

  constructor(values: ReplayValues, target: ConnectionTarget, plan: Plan) {
    this.#values = values;
    this.#target = target;
    this.#plan = plan;
    this.#replayer = new Replayer({
      speed: plan.speed,
      publish: this.#publish,
      onRefused: ({ topic }, { reason }) => this.#warn(`Publish to ${visible(topic)} failed: ${reason}`),
      signal: this.#end.signal,
    });
  }

  async run(): Promise<number> {
    const output = this.#values.debug ? new BatchedOutput(process.stdout) : null;
    const log = output === null ? null : new DebugLog((line) => output.writeText(line));
    process.once('SIGINT', this.#interrupt);
    process.once('SIGTERM', this.#interrupt);
    const startMs = performance.now();
    try {
      const client = await openConnection(this.#target, {
        trace: log === null ? null : log.trace.bind(log),
        signal: this.#end.signal,
      });
      this.#client = client;
      void client.closed.then((error) => this.#end.abort(error));
      await this.#publishAll();
      this.#progress.clear();
      await client.disconnect({ properties: this.#target.properties.disconnect });
      const error = await client.closed;
      if (error !== null) throw error;
      this.#report((performance.now() - startMs) / 1_000);
      return 0;
    } catch (error) {
      this.#progress.clear();
      if (error instanceof RecordingError) throw error;
      if (this.#isInterrupted) return this.#values.loop ? 0 : INTERRUPTED_EXIT_CODE;
      const { text, exitCode } = describeFailure(error, this.#target.url);
      if (!this.#values.quiet) process.stderr.write(text);
      return exitCode;
    } finally {
      await this.#client?.disconnect();
      process.off('SIGINT', this.#interrupt);
      process.off('SIGTERM', this.#interrupt);
      await output?.end();
    }
  }

  async #publishAll(): Promise<void> {
    do {
      const before = this.#replayer.published;
      await this.#replayer.run(plannedMessages(this.#plan));
      if (this.#values.loop && this.#replayer.published === before) {
        this.#warn('--loop ends: there is nothing to publish');
        return;
      }
    } while (this.#values.loop);
  }

  readonly #publish = (message: PlannedMessage): Promise<unknown> => {
    const { topic, payload, qos, retain, properties, recordedAtMs } = message;
    if (this.#client === null) throw new Error('nothing is published before the connection is there');
    this.#progress.show(() => this.#progressText(message.atMs));
    const options: PublishOptions = { qos, retain };
    const { protocolVersion } = this.#target.options;
    // What -D says comes before what was recorded.
    if (protocolVersion === 5) options.properties = { ...properties, ...this.#target.properties.publish };
    else if (properties !== null) this.#dropProperties();
    const shifted = this.#values.shiftTime ? withShiftedTimes(payload, Date.now() - recordedAtMs) : payload;
    return this.#client.publish(topic, shifted, options);
  };

  #dropProperties(): void {
    if (this.#hasDroppedProperties) return;
    this.#hasDroppedProperties = true;
    this.#warn('The properties of messages are left out: they need -V 5');
  }

  #progressText(atMs: number): string {
    const { published, bytes, latenessMs } = this.#replayer;
    const late = latenessMs < 1_000 ? '' : `, ${(latenessMs / 1_000).toFixed(0)} s behind: the broker is slow`;
    return `${countText(published, 'message')}, ${sizeText(bytes)}, ${(atMs / 1_000).toFixed(1)} s of the recording${late}`;
  }

  #report(seconds: number): void {
    if (this.#values.quiet || !process.stderr.isTTY) return;
    const { published, refused, bytes } = this.#replayer;
    const unwanted = refused === 0 ? '' : `; the broker refused ${refused}`;
    process.stderr.write(
      `Published ${countText(published, 'message')}, ${sizeText(bytes)}, in ${seconds.toFixed(1)} s${unwanted}.\n`,
    );
  }

  #warn(text: string): void {
    this.#progress.clear();
    this.#plan.warn(text);
  }

  readonly #interrupt = (): void => {
    this.#isInterrupted = true;
    this.#end.abort();
  };
}
