import { decode } from 'cborg';
import { jsonText, TaggedValue } from './json-text.js';
import type { PayloadReader } from './payload-decoder.js';

const Tag = { TIME: 0, EPOCH: 1, POSITIVE: 2, NEGATIVE: 3, SELF_DESCRIBED: 55_799 } as const;

/** Larger numbers take long to become decimal, and nobody reads them: they stay bytes. */
const LARGEST_NUMBER_BYTES = 64;

type ReadTag = (content: () => unknown) => unknown;

/** RFC 8949, with its times and large numbers; other tags are shown as numbers with their values. */
export function cborReader(indent: number): PayloadReader {
  return (_topic, payload) => {
    try {
      return jsonText(decode(payload, { useMaps: true, tags: TAGS }), indent);
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replace(/^CBOR decode error: /, '');
      throw error;
    }
  };
}

/** There is one for every number. */
const TAGS = new Proxy<Record<number, ReadTag>>(
  {},
  {
    get:
      (_all, number): ReadTag =>
      (content) =>
        taggedValue(Number(number), content()),
  },
);

function taggedValue(tag: number, value: unknown): unknown {
  switch (tag) {
    case Tag.SELF_DESCRIBED:
      return value;
    case Tag.EPOCH: {
      const time = new Date(Number(value) * 1_000);
      return Number.isNaN(time.getTime()) ? new TaggedValue(tag, value) : time;
    }
    case Tag.POSITIVE:
    case Tag.NEGATIVE: {
      if (!(value instanceof Uint8Array) || value.length > LARGEST_NUMBER_BYTES) return new TaggedValue(tag, value);
      const number = BigInt(`0x0${Buffer.from(value).toString('hex')}`);
      return tag === Tag.POSITIVE ? number : -1n - number;
    }
    case Tag.TIME:
      return value;
    default:
      return new TaggedValue(tag, value);
  }
}
