import { countText, sizeText } from '../command-line/units.js';
import type { Histogram } from './histogram.js';
import type { Flow, Outcome } from './outcome.js';
import type { Plan } from './plan.js';

const PERCENTILES = { p50: 50, p90: 90, p99: 99, 'p99.9': 99.9, max: 100 } as const;

const COLUMN = 11;
const NAME_COLUMN = 14;

/** The table at the end. @param version of MQTT, as people write it */
export function outcomeText(outcome: Outcome, plan: Plan, url: URL, version: string): string {
  const connections = plan.publishers + plan.subscribers + plan.idle;
  const rows = [
    row('Connections', countText(connections, 'connection'), connectRateText(connections, outcome.connectMs), ''),
    flowRow('Published', outcome.published),
    flowRow('Delivered', outcome.delivered),
  ];
  const parts = [`${headline(plan, url, version, outcome.measuredMs)}\n`, ...rows, '\n', ...timeRows(outcome), '\n'];
  parts.push(...checks(outcome, plan));
  if (outcome.limit !== null) parts.push(`Note: ${outcome.limit}\n`);
  return parts.join('');
}

function headline(plan: Plan, url: URL, version: string, measuredMs: number): string {
  const { shape, publishers, subscribers, topics, qos, retain, size, rate, window, warmUpMs, workers } = plan;
  const sizes = size.smallest === size.largest ? `${size.smallest}` : `${size.smallest} to ${size.largest}`;
  const who = [
    countText(publishers, 'publisher'),
    countText(subscribers, 'subscriber'),
    countText(publishers * topics, 'topic'),
  ];
  const how = [`QoS ${qos}`, ...(retain ? ['retained'] : []), `${sizes} bytes`, `MQTT ${version}`];
  const load = rate === null ? `closed loop, window ${window}` : `open loop, ${rate.toLocaleString('en')} a second`;
  const warmUp = warmUpMs > 0 ? ` after ${seconds(warmUpMs)} of warm-up` : '';
  return [
    `${url.href.replace(/\/$/, '')}`,
    `${shape}: ${who.join(', ')}`,
    how.join(', '),
    `${load}; ${seconds(measuredMs)}${warmUp}; ${countText(workers, 'worker')}`,
    '',
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function row(name: string, ...cells: readonly string[]): string {
  return `${name.padEnd(NAME_COLUMN)}${cells.map((cell) => cell.padStart(22)).join('')}`.trimEnd().concat('\n');
}

function flowRow(name: string, { messages, perSecond, bytesPerSecond }: Flow): string {
  const rate = `${Math.round(perSecond).toLocaleString('en')} a second`;
  return row(name, countText(messages, 'message'), rate, `${sizeText(Math.round(bytesPerSecond))}/s`);
}

function connectRateText(connections: number, ms: number): string {
  return ms > 0 ? `${Math.round((connections * 1_000) / ms).toLocaleString('en')} a second` : '';
}

function timeRows({ times }: Outcome): string[] {
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(NAME_COLUMN)}${cells.map((cell) => cell.padStart(COLUMN)).join('')}\n`;
  const rows: readonly [string, Histogram][] = [
    ['Connect', times.connect],
    ['Delivery', times.delivery],
    ['Acknowledged', times.acknowledgement],
    ['Sent late', times.lateness],
  ];
  const measured = rows.filter(([, histogram]) => histogram.count > 0);
  return [
    line('', Object.keys(PERCENTILES)),
    ...measured.map(([name, histogram]) =>
      line(
        name,
        Object.values(PERCENTILES).map((percent) => timeText(histogram.percentile(percent) ?? 0)),
      ),
    ),
  ];
}

function checks(outcome: Outcome, { qos }: Plan): string[] {
  const { expected, lost, verification, unacknowledged, errors, broken } = outcome;
  const { duplicated, outOfOrder, stray, damaged } = verification;
  const found = [
    `${lost.toLocaleString('en')} lost`,
    `${duplicated.toLocaleString('en')} duplicated`,
    `${outOfOrder.toLocaleString('en')} out of order`,
    ...(unacknowledged > 0 ? [`${unacknowledged.toLocaleString('en')} not acknowledged`] : []),
    ...(stray > 0 ? [`${stray.toLocaleString('en')} stray`] : []),
    ...(damaged > 0 ? [`${damaged.toLocaleString('en')} damaged`] : []),
  ];
  const lines = [`Checked        ${expected.toLocaleString('en')} deliveries: ${found.join(', ')}\n`];
  if (errors.length === 0) lines.push('Errors         none\n');
  for (const [i, [text, count]] of errors.entries()) {
    lines.push(`${i === 0 ? 'Errors' : '      '}         ${count.toLocaleString('en')} x ${text}\n`);
  }
  for (const text of broken) lines.push(`FAILED         ${text}\n`);
  if (qos === 0 && lost > 0)
    lines.push('Note: QoS 0 allows that messages are lost; this broker was given more than it takes.\n');
  return lines;
}

/** Microseconds for people: 120 µs, 4.56 ms, 12.3 ms, 1.5 s. */
export function timeText(us: number): string {
  if (us < 1_000) return `${us} µs`;
  if (us < 10_000) return `${(us / 1_000).toFixed(2)} ms`;
  if (us < 1_000_000) return `${(us / 1_000).toFixed(1)} ms`;
  return `${(us / 1e6).toFixed(2)} s`;
}

/** The same for programs. Times in milliseconds. */
export function outcomeJson(outcome: Outcome, plan: Plan, url: URL, version: string): string {
  const { verification, expected, lost, unacknowledged, times } = outcome;
  const { shape, publishers, subscribers, idle, topics, qos, retain, size, rate, window, workers, aliases } = plan;
  const document = {
    url: url.href,
    version,
    load: { shape, publishers, subscribers, idle, topics, qos, retain, size, rate, window, workers, aliases },
    seconds: outcome.measuredMs / 1_000,
    connections: {
      count: publishers + subscribers + idle,
      seconds: outcome.connectMs / 1_000,
      perSecond: outcome.connectMs > 0 ? ((publishers + subscribers + idle) * 1_000) / outcome.connectMs : null,
      ms: percentilesMs(times.connect),
    },
    published: outcome.published,
    delivered: outcome.delivered,
    deliveryMs: percentilesMs(times.delivery),
    acknowledgementMs: percentilesMs(times.acknowledgement),
    latenessMs: percentilesMs(times.lateness),
    checked: {
      expected,
      lost,
      duplicated: verification.duplicated,
      outOfOrder: verification.outOfOrder,
      stray: verification.stray,
      damaged: verification.damaged,
      unacknowledged,
    },
    errors: Object.fromEntries(outcome.errors),
    broken: outcome.broken,
    utilisations: outcome.utilisations,
    limit: outcome.limit,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Null: nothing was measured. */
function percentilesMs(histogram: Histogram): Record<string, number> | null {
  const { count } = histogram;
  if (count === 0) return null;
  const entries = Object.entries(PERCENTILES).map(([name, percent]): [string, number] => [
    name,
    (histogram.percentile(percent) ?? 0) / 1_000,
  ]);
  return { count, ...Object.fromEntries(entries) };
}
