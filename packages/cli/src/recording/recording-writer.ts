import { createWriteStream, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Message } from '@cauldron/client';
import type { Properties } from '@cauldron/codec';
import { UsageError } from '../command-line/arguments.js';
import { BatchedOutput } from '../command-line/batched-output.js';
import { headerLine, messageLine, type RecordedMessage } from './recorded-message.js';

/** The times of a recording: when it begins, and how far it is. */
export interface RecordingClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Milliseconds from any fixed moment, with fractions. Never goes back. */
  nowMs(): number;
}

const systemTime: RecordingClock = { wallMs: () => Date.now(), nowMs: () => performance.now() };

/** What of a received message is recorded. */
export type ReceivedMessage = Pick<Message, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>;

/** Writes messages into a recording as they come. */
export class RecordingWriter {
  /** Called when messages come faster than they can be written; `onRoom` follows. */
  onFull: () => void = () => {};
  onRoom: () => void = () => {};
  /** Called when nothing can be written any more. What comes after it is lost. */
  onGone: (error: NodeJS.ErrnoException) => void = () => {};

  readonly #clock: RecordingClock;
  readonly #startMs: number;
  readonly #target: Writable;
  /** What has everything when the recording is complete; null for the standard output, which is not ended. */
  readonly #file: Writable | null;
  readonly #output: BatchedOutput;
  #count = 0;
  #hasFailed = false;

  /**
   * Begins a recording; its time begins now. A file is new, may be read by its owner only, and is packed if its name ends
   * in `.gz`; `-` is the standard output.
   * @throws UsageError for a file that is there already, or that cannot be made
   */
  static open(path: string, clock: RecordingClock = systemTime): RecordingWriter {
    if (path === '-') return new RecordingWriter(process.stdout, null, clock);
    const file = createWriteStream(path, { fd: opened(path) });
    if (!path.endsWith('.gz')) return new RecordingWriter(file, file, clock);
    const packer = createGzip();
    packer.pipe(file);
    file.on('error', (error) => packer.destroy(error));
    return new RecordingWriter(packer, file, clock);
  }

  private constructor(target: Writable, file: Writable | null, clock: RecordingClock) {
    this.#target = target;
    this.#file = file;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#output = new BatchedOutput(target);
    this.#output.onFull = () => this.onFull();
    this.#output.onRoom = () => this.onRoom();
    this.#output.onGone = (error) => {
      this.#hasFailed = true;
      this.onGone(error);
    };
    this.#output.writeText(`${headerLine({ startedAtMs: clock.wallMs() })}\n`);
  }

  /** Messages that were recorded so far. */
  get count(): number {
    return this.#count;
  }

  /** Writes a message that came just now. It is taken over at once: nothing of it is kept. */
  record(message: ReceivedMessage): void {
    const { topic, payload, qos, retain, properties } = message;
    const atMs = this.#clock.nowMs() - this.#startMs;
    this.#output.writeText(
      `${messageLine({ atMs, topic, payload, qos, retain, properties: propertiesOf(properties) })}\n`,
    );
    this.#count++;
  }

  /** @returns when all of it has been handed to the system, and the file is closed */
  async end(): Promise<void> {
    await this.#output.end();
    if (this.#file === null || this.#hasFailed) return;
    const closed = finished(this.#file);
    this.#target.end();
    try {
      await closed;
    } catch (error) {
      this.onGone(error as NodeJS.ErrnoException);
    }
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'EEXIST' ? `${path} is there already: a recording overwrites nothing` : `No recording: ${message}`,
    );
  }
}

/** Topic aliases and subscription identifiers mean something on the connection that they came by, and nowhere else. */
function propertiesOf(properties: Properties): RecordedMessage['properties'] {
  const { topicAlias: _alias, subscriptionIdentifiers: _identifiers, ...rest } = properties;
  return rest;
}
