import { readFile } from 'node:fs/promises';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';

/** The flags that say what a message consists of; one of them is given. */
export const PAYLOAD_FLAGS = {
  message: { short: '-m', long: '--message', kind: 'text', value: 'TEXT', doc: 'The message.' },
  file: { short: '-f', long: '--file', kind: 'text', value: 'FILE', doc: 'The message is the content of this file.' },
  stdin: { short: '-s', long: '--stdin-file', kind: 'switch', doc: 'The whole standard input is the message.' },
  nothing: { short: '-n', long: '--null-message', kind: 'switch', doc: 'An empty message.' },
} as const satisfies FlagTable;

type PayloadValues = Values<typeof PAYLOAD_FLAGS>;

/** The largest payload that fits in a packet with the shortest topic. */
const MAXIMUM_PAYLOAD = 268_435_455 - 3;

/** How many of the flags are given. */
export function countPayloads({ message, file, stdin, nothing }: PayloadValues): number {
  return [message, file, stdin, nothing].filter((value) => value !== undefined).length;
}

/** @throws (rejects) UsageError when there is nothing to send, or too much */
export async function payloadOf({ message, file, stdin }: PayloadValues): Promise<Uint8Array> {
  if (message !== undefined) return checkedSize(new TextEncoder().encode(message), '-m');
  if (file !== undefined) {
    try {
      return checkedSize(await readFile(file), file);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`Unable to open file "${file}": ${(error as Error).message}`);
    }
  }
  if (!stdin) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAXIMUM_PAYLOAD) break;
  }
  if (size === 0) throw new UsageError('-s got no input');
  return checkedSize(Buffer.concat(chunks), 'The input');
}

function checkedSize(payload: Uint8Array, source: string): Uint8Array {
  if (payload.length <= MAXIMUM_PAYLOAD) return payload;
  throw new UsageError(`${source} is larger than MQTT allows (${MAXIMUM_PAYLOAD} bytes)`);
}
