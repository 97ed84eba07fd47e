import { decode, decodeTimestampExtension, EXT_TIMESTAMP, type ExtensionCodecType } from '@msgpack/msgpack';
import { jsonText, TaggedValue } from './json-text.js';
import { checkMsgpack } from './msgpack-shape.js';
import type { PayloadReader } from './payload-decoder.js';

const EXTENSIONS: ExtensionCodecType<undefined> = {
  tryToEncode: () => null,
  decode: (bytes, type) => (type === EXT_TIMESTAMP ? decodeTimestampExtension(bytes) : new TaggedValue(type, bytes)),
};

const OPTIONS = {
  useBigInt64: true,
  extensionCodec: EXTENSIONS,
  // Any value may be a key.
  mapKeyConverter: (key: unknown) => (typeof key === 'string' ? key : jsonText(key)),
};

/** MessagePack with its timestamps; other extensions are shown as their numbers with their bytes. */
export function msgpackReader(indent: number): PayloadReader {
  return (_topic, payload) => {
    if (payload.length === 0) throw new Error('nothing there');
    checkMsgpack(payload);
    return jsonText(decode(payload, OPTIONS), indent);
  };
}
