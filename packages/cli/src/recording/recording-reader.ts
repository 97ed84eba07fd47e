import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LineSplitter } from '../command-line/line-splitter.js';
import { FormatError } from '../store/json-fields.js';
import { type RecordedMessage, type RecordingHeader, readHeader, readMessageLine } from './recorded-message.js';

/** A recording that cannot be read; the message names the file and the line. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

export interface Recording extends RecordingHeader {
  /** In their order, as many at a time as were read together. Reads on while they are asked for. Throws RecordingError. */
  readonly batches: AsyncGenerator<readonly RecordedMessage[]>;
}

export interface ReadOptions {
  /** Told that the recording ends in the middle of a message: whoever wrote it was interrupted. */
  readonly onTornEnd?: (text: string) => void;
}

const GZIP_MAGIC = Uint8Array.of(0x1f, 0x8b);

/**
 * Opens a recording; `-` is the standard input. What is packed is unpacked, whatever its name is.
 * @throws (rejects) RecordingError for a file that cannot be read, or is none
 */
export async function openRecording(path: string, { onTornEnd = () => {} }: ReadOptions = {}): Promise<Recording> {
  const name = path === '-' ? 'The standard input' : path;
  const lines = linesOf(path, name, onTornEnd);
  const first = await lines.next();
  if (first.done) throw new RecordingError(`${name} is no recording: it is empty`);
  const [header, ...rest] = first.value.lines;
  try {
    return { ...readHeader(header), batches: batchesOf({ ...first.value, lines: rest }, lines, name, onTornEnd) };
  } catch (error) {
    await lines.return(undefined);
    throw error instanceof FormatError ? new RecordingError(`${name}:1: ${error.message}`) : error;
  }
}

/** Lines that were read together. */
interface Lines {
  readonly lines: readonly string[];
  /** That of the line behind them. */
  readonly nextNumber: number;
  /** Whether the last one has an end. */
  readonly hasEnd: boolean;
}

async function* batchesOf(
  first: Lines,
  others: AsyncGenerator<Lines, undefined>,
  name: string,
  onTornEnd: (text: string) => void,
): AsyncGenerator<readonly RecordedMessage[]> {
  let next: Lines | undefined = first;
  try {
    while (next !== undefined) {
      const batch: RecordedMessage[] = [];
      const fault = readLines(next, batch);
      if (batch.length > 0) yield batch;
      if (fault?.isTorn)
        onTornEnd(`${name}:${fault.number}: the recording ends in the middle of a message, which is left out`);
      else if (fault !== null) throw new RecordingError(`${name}:${fault.number}: ${fault.message}`);
      next = (await others.next()).value;
    }
  } finally {
    await others.return(undefined);
  }
}

/** Reads messages until there is a line that is none. @returns what is wrong with that; null: all are good */
function readLines(
  { lines, nextNumber, hasEnd }: Lines,
  batch: RecordedMessage[],
): { readonly number: number; readonly message: string; readonly isTorn: boolean } | null {
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      batch.push(readMessageLine(line));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const isTorn = !hasEnd && i === lines.length - 1;
      return { number: nextNumber - lines.length + i, message: error.message, isTorn };
    }
  }
  return null;
}

async function* linesOf(
  path: string,
  name: string,
  onTornEnd: (text: string) => void,
): AsyncGenerator<Lines, undefined> {
  const splitter = new LineSplitter();
  let nextNumber = 1;
  try {
    for await (const chunk of chunksOf(path)) {
      const lines = splitter.push(chunk).map(textOf);
      nextNumber += lines.length;
      if (lines.length > 0) yield { lines, nextNumber, hasEnd: true };
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Without what the packer writes at the end; what came until then is good.
    if (code !== 'Z_BUF_ERROR' || nextNumber === 1) throw new RecordingError(`${name} cannot be read: ${message}`);
    onTornEnd(`${name}: the packed file has no end; what is there is used`);
  }
  const last = splitter.end();
  if (last !== null) yield { lines: [textOf(last)], nextNumber: nextNumber + 1, hasEnd: false };
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const source: AsyncIterable<Uint8Array> = path === '-' ? process.stdin : createReadStream(path);
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const all = chained(first.value, chunks);
  const isPacked = GZIP_MAGIC.every((byte, i) => byte === first.value[i]);
  // An error on the way destroys what is read here, which throws it.
  yield* isPacked ? pipeline(Readable.from(all), createGunzip(), () => {}) : all;
}

async function* chained(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

function textOf(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.length).toString();
}
