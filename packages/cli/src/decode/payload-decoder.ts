import { UsageError } from '../command-line/arguments.js';
import { hexDump, hexLine } from './hex-dump.js';
import { visible } from './json-text.js';

/** Makes text for people of the payloads of one format. */
export interface PayloadDecoder {
  /**
   * The payload as text: one line, without its end, unless `indent` asked for more or the format is `hex`. It never
   * throws: what is not of the format becomes the reason and the bytes in hexadecimal. No character of it changes what a
   * terminal does.
   * @param topic what the message was published to; Sparkplug has a part of the meaning there
   */
  text(topic: string, payload: Uint8Array): string;
}

export interface DecodeOptions {
  /** Spaces for each level of what is nested; 0, the default: all on one line. */
  readonly indent?: number;
}

/** What a format makes of a payload. Throws an Error that says why the payload is none of that format. */
export type PayloadReader = (topic: string, payload: Uint8Array) => string;

/** The formats, each with what it is for. */
export const DECODERS: Readonly<Record<string, string>> = {
  json: 'JSON',
  cbor: 'CBOR (RFC 8949)',
  msgpack: 'MessagePack',
  protobuf: 'Protocol Buffers, with a .proto file: protobuf FILE[:MESSAGE]',
  sparkplug: 'Sparkplug B, the payloads of spBv1.0/#',
  hex: 'offsets, bytes and characters',
};

/** How many arguments the name of a format takes with itself: `protobuf` is followed by a file. */
export function decoderArity(following: readonly string[]): number {
  return following[0] === 'protobuf' ? 2 : 1;
}

/**
 * The decoder of that name; its library is loaded now.
 * @param file for `protobuf`: FILE[:MESSAGE]
 * @throws (rejects) UsageError for a name that there is not, and for a .proto file that cannot be used
 */
export async function decoderOf(
  name: string,
  file?: string,
  { indent = 0 }: DecodeOptions = {},
): Promise<PayloadDecoder> {
  if (name === 'hex') return { text: (_topic, payload) => hexDump(payload) };
  const read = await readerOf(name, file, indent);
  return {
    text(topic, payload) {
      try {
        return read(topic, payload);
      } catch (error) {
        return `(no ${TITLES[name]}: ${reasonOf(error)}) ${hexLine(payload)}`;
      }
    },
  };
}

async function readerOf(name: string, file: string | undefined, indent: number): Promise<PayloadReader> {
  switch (name) {
    case 'json':
      return (await import('./json-reader.js')).jsonReader(indent);
    case 'cbor':
      return (await import('./cbor-reader.js')).cborReader(indent);
    case 'msgpack':
      return (await import('./msgpack-reader.js')).msgpackReader(indent);
    case 'protobuf':
      if (file === undefined || file === '') throw new UsageError('protobuf needs a .proto file: FILE[:MESSAGE]');
      return (await import('./protobuf-reader.js')).protobufReader(file, indent);
    case 'sparkplug':
      return (await import('./sparkplug-reader.js')).sparkplugReader(indent);
    default:
      throw new UsageError(`There is no decoder '${name}', but ${Object.keys(DECODERS).join(', ')}`);
  }
}

/** What a payload is said to be none of. */
const TITLES: Readonly<Record<string, string>> = {
  json: 'JSON',
  cbor: 'CBOR',
  msgpack: 'MessagePack',
  protobuf: 'such message',
  sparkplug: 'Sparkplug B',
};

const LONGEST_REASON = 120;

/** Errors of parsers quote the payload, whatever is in it. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError && /call stack/.test(error.message)) return 'nested too deeply';
  const text = visible(error instanceof Error ? error.message : String(error));
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON)}...`;
}
