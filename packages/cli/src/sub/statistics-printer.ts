import type { BatchedOutput } from '../command-line/batched-output.js';
import { sizeText } from '../command-line/units.js';
import { visible } from '../decode/json-text.js';
import type { PrintedMessage } from '../format/printed-message.js';
import type { Printer } from './printer.js';
import { TopicTallies } from './topic-tallies.js';

const LIVE_INTERVAL_MS = 500;
/** Topics that the table at the end has. */
const SHOWN_TOPICS = 20;

/** At the end, rates and sizes as a table; meanwhile a line on the terminal that standard error is, if it is one. */
export class StatisticsPrinter implements Printer {
  readonly ownsTerminal = process.stderr.isTTY === true;
  readonly #output: BatchedOutput;
  readonly #tallies = new TopicTallies();
  readonly #messagesOfQos = [0, 0, 0];
  #messages = 0;
  #bytes = 0;
  #retained = 0;
  #smallest = Number.POSITIVE_INFINITY;
  #largest = 0;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #shownMessages = 0;
  #shownMs = 0;

  constructor(output: BatchedOutput) {
    this.#output = output;
  }

  begin(): void {
    this.#startedMs = this.#shownMs = performance.now();
    if (this.ownsTerminal) this.#timer = setInterval(() => this.#showLive(), LIVE_INTERVAL_MS);
  }

  message({ topic, payload, qos, retain }: PrintedMessage): void {
    const { length } = payload;
    this.#tallies.add(topic, length);
    this.#messagesOfQos[qos]++;
    this.#messages++;
    this.#bytes += length;
    if (retain) this.#retained++;
    if (length < this.#smallest) this.#smallest = length;
    if (length > this.#largest) this.#largest = length;
  }

  end(): void {
    if (this.#timer !== undefined) process.stderr.write('\r\x1b[K');
    clearInterval(this.#timer);
    this.#output.writeText(this.#table((performance.now() - this.#startedMs) / 1_000));
  }

  #showLive(): void {
    const nowMs = performance.now();
    const rate = ((this.#messages - this.#shownMessages) / (nowMs - this.#shownMs)) * 1_000;
    this.#shownMessages = this.#messages;
    this.#shownMs = nowMs;
    const parts = [`${count(this.#messages)} messages`, `${rateText(rate)} a second`, sizeText(this.#bytes)];
    process.stderr.write(`\r${[...parts, `${count(this.#tallies.size)} topics`].join(', ')}\x1b[K`);
  }

  #table(seconds: number): string {
    const rows = [
      [
        'messages',
        `${count(this.#messages)} in ${seconds.toFixed(1)} s, ${rateText(this.#messages / seconds)} a second`,
      ],
      ['payloads', this.#sizes(seconds)],
      ['QoS', this.#messagesOfQos.map((messages, qos) => `${qos}: ${count(messages)}`).join('  ')],
      ['retained', count(this.#retained)],
      ['topics', count(this.#tallies.size)],
    ];
    const lines = rows.map(([name, value]) => `${name.padEnd(10)}${value}`);
    if (this.#messages > 0) lines.push('', ...this.#topics(seconds));
    return `${lines.join('\n')}\n`;
  }

  #sizes(seconds: number): string {
    if (this.#messages === 0) return 'none';
    const average = sizeText(Math.round(this.#bytes / this.#messages));
    const rate = sizeText(Math.round(this.#bytes / seconds));
    const range = `from ${sizeText(this.#smallest)} to ${sizeText(this.#largest)}`;
    return `${sizeText(this.#bytes)}, ${rate} a second; ${average} each, ${range}`;
  }

  #topics(seconds: number): string[] {
    const all = this.#tallies.sorted();
    const rows = all
      .slice(0, SHOWN_TOPICS)
      .map(([topic, { messages, bytes }]) => [
        count(messages),
        rateText(messages / seconds),
        sizeText(bytes),
        sizeText(Math.round(bytes / messages)),
        visible(topic),
      ]);
    const title = ['messages', 'a second', 'payloads', 'each', 'topic'];
    const widths = title.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column].length)));
    const lines = [title, ...rows].map((row) =>
      row.map((cell, column) => (column < 4 ? cell.padStart(widths[column]) : cell)).join('  '),
    );
    if (all.length > rows.length) lines.push(`... and ${count(all.length - rows.length)} more topics`);
    return lines;
  }
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function rateText(rate: number): string {
  return rate.toLocaleString('en', { maximumFractionDigits: rate < 100 ? 1 : 0 });
}
