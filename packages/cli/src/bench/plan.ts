import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import type { QoS } from '@cauldron/codec';
import { UsageError, type Values } from '../command-line/arguments.js';
import { checkedTopicName, connectionTarget, qosOf } from '../connection/connection-flags.js';
import { durationMs } from '../simulate/place.js';
import type { BENCH_FLAGS } from './bench-flags.js';
import { HEAD_SIZE, type SizeRange } from './payload.js';
import { DEFAULT_CLIENTS, type Population } from './shape.js';

export type BenchValues = Values<typeof BENCH_FLAGS>;

/** All that the command line says of the load. Plain data, for all threads. */
export interface Plan extends Population {
  readonly idle: number;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly size: SizeRange;
  /** Of all publishers, messages in a second; null: a closed loop. */
  readonly rate: number | null;
  /** Of each publisher, messages on their way in a closed loop. */
  readonly window: number;
  /** Null: until `count` is reached. */
  readonly durationMs: number | null;
  readonly warmUpMs: number;
  /** Messages in all; null: as many as there are in the time. */
  readonly count: number | null;
  /** Null: no limit. */
  readonly connectRate: number | null;
  readonly workers: number;
  readonly aliases: boolean;
  /** What all topics begin with, and no others. */
  readonly topicPrefix: string;
  readonly clientIdPrefix: string;
  /** Tells payloads of this run from all others. */
  readonly mark: number;
}

/** Timers do not last much longer. */
const LONGEST_MS = 10 * 86_400_000;
const LARGEST_PAYLOAD = 200_000_000;
/** Streams times subscribers, for which numbers are kept. */
const MOST_SEQUENCES = 50_000_000;

/** @throws UsageError */
export function planOf(values: BenchValues): Plan {
  const { shape = 'pair', topics = 1, idle = 0, rate = null, count = null, connectRate = null } = values;
  const { publishers, subscribers } = clientsOf(values);
  if (rate !== null && values.window !== undefined) {
    throw new UsageError('--window is for a closed loop: it does not go with --rate');
  }
  const { localAddress } = values;
  if (localAddress !== undefined && isIP(localAddress) === 0) {
    throw new UsageError(`-A is an address of this machine, not "${localAddress}"`);
  }
  if (count !== null && values.duration !== undefined) throw new UsageError('--count is instead of --duration');
  if (values.aliases && connectionTarget(values).options.protocolVersion !== 5) {
    throw new UsageError('--aliases needs MQTT 5: -V 5');
  }
  const sequences = publishers * topics * (shape === 'pair' ? 1 : Math.max(1, subscribers));
  if (sequences > MOST_SEQUENCES) {
    throw new UsageError(`Too much to watch: ${sequences} pairs of a topic and a subscriber`);
  }
  const qos = qosOf(values.qos);
  const random = randomBytes(4);
  const name = random.toString('hex');
  return {
    shape: shape as Plan['shape'],
    publishers,
    subscribers,
    topics,
    idle,
    qos,
    retain: values.retain === true,
    size: sizeOf(values.size ?? '64'),
    rate,
    window: values.window ?? (qos === 0 ? 100 : 20),
    durationMs: count === null ? timeOf('--duration', values.duration ?? '10s') : null,
    warmUpMs: timeOf('--warm-up', values.warmUp ?? (count === null ? '2s' : '0s')),
    count,
    connectRate,
    workers: Math.min(
      values.workers ?? Math.max(1, availableParallelism() - 1),
      Math.max(publishers, subscribers, idle),
    ),
    aliases: values.aliases === true,
    topicPrefix: `${checkedTopicName(values.topic ?? 'cauldron/bench')}/${name}`,
    clientIdPrefix: values.id ?? `bench-${name}`,
    mark: random.readUInt32BE(),
  };
}

function clientsOf(values: BenchValues): Pick<Population, 'publishers' | 'subscribers'> {
  const shape = (values.shape ?? 'pair') as Population['shape'];
  const byDefault = DEFAULT_CLIENTS[shape];
  if (shape !== 'pair') {
    const { publishers = byDefault.publishers, subscribers = byDefault.subscribers } = values;
    return { publishers, subscribers };
  }
  const pairs = values.publishers ?? values.subscribers ?? byDefault.publishers;
  if ((values.subscribers ?? pairs) !== pairs) {
    throw new UsageError('--shape pair has as many subscribers as publishers; try fan-out or fan-in');
  }
  if (pairs === 0) throw new UsageError('--shape pair needs a pair at least; fan-out can do without subscribers');
  return { publishers: pairs, subscribers: pairs };
}

function sizeOf(text: string): SizeRange {
  const [, smallest, largest = smallest] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const range = { smallest: Number(smallest), largest: Number(largest) };
  if (range.smallest >= HEAD_SIZE && range.largest >= range.smallest && range.largest <= LARGEST_PAYLOAD) return range;
  throw new UsageError(`--size is a number of bytes from ${HEAD_SIZE} on, or a range such as 20-4096, not "${text}"`);
}

/** A number alone is seconds. */
function timeOf(flag: string, text: string): number {
  const ms = durationMs(/^[\d.]+$/.test(text) ? `${text}s` : text);
  if (ms === null) throw new UsageError(`${flag} is a time such as 500ms, 30s or 5m, not "${text}"`);
  if (ms > LONGEST_MS) throw new UsageError(`${flag} is 10 days at most, not "${text}"`);
  return ms;
}
