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
  /** Reads on while they are asked for. Throws RecordingError. */
  readonly messages: AsyncGenerator<RecordedMessage>;
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
  const lines = numberedLines(path, name, onTornEnd);
  const first = await lines.next();
  if (first.done) throw new RecordingError(`${name} is no recording: it is empty`);
  try {
    return { ...readHeader(first.value.line), messages: messagesOf(lines, name, onTornEnd) };
  } catch (error) {
    await lines.return(undefined);
    throw error instanceof FormatError ? new RecordingError(`${name}:1: ${error.message}`) : error;
  }
}

interface NumberedLine {
  readonly line: string;
  readonly number: number;
  readonly hasEnd: boolean;
}

type Lines = AsyncGenerator<NumberedLine, undefined>;

async function* messagesOf(
  lines: Lines,
  name: string,
  onTornEnd: (text: string) => void,
): AsyncGenerator<RecordedMessage> {
  for await (const { line, number, hasEnd } of lines) {
    if (line.trim() === '') continue;
    try {
      yield readMessageLine(line);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      if (hasEnd) throw new RecordingError(`${name}:${number}: ${error.message}`);
      onTornEnd(`${name}:${number}: the recording ends in the middle of a message, which is left out`);
    }
  }
}

async function* numberedLines(path: string, name: string, onTornEnd: (text: string) => void): Lines {
  const splitter = new LineSplitter();
  let number = 0;
  try {
    for await (const chunk of chunksOf(path)) {
      for (const line of splitter.push(chunk)) yield { line: textOf(line), number: ++number, hasEnd: true };
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Without what the packer writes at the end; what came until then is good.
    if (code !== 'Z_BUF_ERROR' || number === 0) throw new RecordingError(`${name} cannot be read: ${message}`);
    onTornEnd(`${name}: the packed file has no end; what is there is used`);
  }
  const last = splitter.end();
  if (last !== null) yield { line: textOf(last), number: ++number, hasEnd: false };
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
