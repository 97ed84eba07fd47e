import { closeSync, createReadStream, createWriteStream, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { pipeline as pipelineEnd } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { LineSplitter } from '../command-line/line-splitter.js';

const WRITE_CHARACTERS = 64 * 1024;
const GZIP_MAGIC = Uint8Array.of(0x1f, 0x8b);

/**
 * Writes each object as a line of JSON into a file that only its owner may read, packed with gzip if its name ends in
 * `.gz`. The file has its name when all of it is on the disk, and not before. Rejects with the system's error.
 */
export async function writeJsonLines(file: string, objects: Iterable<unknown>): Promise<void> {
  const partial = `${file}.partial-${process.pid}`;
  const source = Readable.from(chunksOf(objects));
  const target = createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true });
  try {
    if (file.endsWith('.gz')) await pipelineEnd(source, createGzip(), target);
    else await pipelineEnd(source, target);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

function* chunksOf(objects: Iterable<unknown>): Generator<string> {
  let chunk = '';
  for (const object of objects) {
    chunk += `${JSON.stringify(object)}\n`;
    if (chunk.length < WRITE_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** The bytes that a file begins with, at most `length`. */
export function firstBytesOf(file: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const descriptor = openSync(file, 'r');
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** The lines of a file, unpacked if need be, without their ends. Throws the system's errors, and zlib's. */
export async function* readLines(file: string): AsyncGenerator<string> {
  const begin = firstBytesOf(file, GZIP_MAGIC.length);
  const isPacked = GZIP_MAGIC.every((byte, i) => byte === begin[i]);
  const source = createReadStream(file);
  // An error on the way destroys what is read below, which throws it.
  const unpacked: AsyncIterable<Buffer> = isPacked ? pipeline(source, createGunzip(), () => {}) : source;
  const splitter = new LineSplitter();
  for await (const chunk of unpacked) {
    for (const line of splitter.push(chunk)) yield textOf(line);
  }
  const last = splitter.end();
  if (last !== null) yield textOf(last);
}

function textOf(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.length).toString();
}
