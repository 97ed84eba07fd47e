import type { QoS } from '@cauldron/codec';
import type { Report } from './finding.js';
import { type Peer, PeerError } from './peer.js';
import type { Visits } from './visits.js';

const MAXIMUM_TRIPS = 100;
const MINIMUM_TRIPS = 5;
/** For each kind of round trip. */
const BUDGET_MS = 1_000;
/** Somebody who waits for that notices. */
const SLOW_MS = 500;
/** A broker whose answers take that much longer than connections does not end them itself. */
const BETWEEN_FACTOR = 10;
const BETWEEN_MS = 20;

export interface Spread {
  readonly count: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/**
 * @param maximumQoS that is taken; null: messages do not come back. @param connectMs what opening a connection took
 */
export async function checkSpeed(
  visits: Visits,
  maximumQoS: QoS | null,
  connectMs: number,
  report: Report,
): Promise<void> {
  const { peer } = await visits.join('q');
  const topic = `${visits.target.prefix}/speed`;
  try {
    const pings = await measure(() => peer.ping());
    tell('ping', 'PING', pings, report);
    if (pings.medianMs > BETWEEN_MS && pings.medianMs > connectMs * BETWEEN_FACTOR) {
      report({
        area: 'speed',
        check: 'between',
        mark: 'note',
        text: `A connection is open after ${timeText(connectMs)}, but an answer takes ${timeText(pings.medianMs)}`,
        advice: 'A proxy in between takes the connections, or the broker is busy.',
      });
    }
    if (maximumQoS === null) return;
    await peer.subscribe([topic], 2);
    for (const qos of [0, 1, 2] as const) {
      if (qos > maximumQoS) continue;
      tell(`qos-${qos}`, `QoS ${qos}`, await measure(() => thereAndBack(peer, topic, qos)), report);
    }
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    report({ area: 'speed', check: 'trips', mark: 'failure', text: `A round trip had no end: ${error.message}` });
  } finally {
    peer.leave();
  }
}

/** Until the message has come, and the broker has acknowledged it. */
async function thereAndBack(peer: Peer, topic: string, qos: QoS): Promise<void> {
  const [, message] = await Promise.all([peer.publish(topic, 'to and fro', qos), peer.message(topic)]);
  if (message.payload.length === 0) throw new PeerError('the message that came is another one');
}

async function measure(trip: () => Promise<void>): Promise<Spread> {
  const times: number[] = [];
  const startedMs = performance.now();
  while (times.length < MAXIMUM_TRIPS) {
    const beginMs = performance.now();
    if (times.length >= MINIMUM_TRIPS && beginMs - startedMs > BUDGET_MS) break;
    await trip();
    times.push(performance.now() - beginMs);
  }
  return spreadOf(times);
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return { count: sorted.length, minMs: sorted[0], medianMs: at(0.5), p99Ms: at(0.99) };
}

function tell(check: string, name: string, spread: Spread, report: Report): void {
  const { minMs, medianMs, p99Ms, count } = spread;
  const isSlow = medianMs > SLOW_MS;
  report({
    area: 'speed',
    check,
    mark: isSlow ? 'warning' : 'ok',
    text: `${name}: min ${timeText(minMs)}, median ${timeText(medianMs)}, p99 ${timeText(p99Ms)}`,
    data: { count, minMs, medianMs, p99Ms },
    ...(isSlow && { advice: 'Is the network slow, or the broker overloaded?' }),
  });
}

/** Milliseconds for people: 0.04 ms, 2.5 ms, 12 ms, 1.5 s. */
export function timeText(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
