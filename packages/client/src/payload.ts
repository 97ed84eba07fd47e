import { codecPart } from './optional-part.js';
import type { PublishProperties } from './options.js';
import type { PayloadCodec, PayloadType } from './subscriptions/payload-codec.js';
import type { StandardSchema } from './subscriptions/standard-schema.js';

/** The part of a codec that reads. */
export type Decoder<T> = Pick<PayloadCodec<T, never>, 'decode'>;

/** A value as it is published: its payload, and the properties with the content type, unless they have one. */
export function encoded<In>(
  codec: PayloadCodec<unknown, In>,
  value: In,
  properties: PublishProperties | undefined,
): { payload: string | Uint8Array; properties: PublishProperties } {
  const { contentType } = codec;
  return {
    payload: codec.encode(value),
    properties: { ...(contentType !== undefined && { contentType }), ...properties },
  };
}

/** What reads payloads of a type. A schema means JSON: for what few programs need, the codec is loaded. */
export function decoderOf<T, In>(type: PayloadType<T, In>): Decoder<T> {
  if (!('~standard' in type)) return type;
  let codec: Decoder<T> | null = null;
  const load = async () => (await codecPart.load()).json(type as StandardSchema<never, T>);
  const loading = load();
  // Then it is tried again with the first message.
  loading.then(
    (loaded) => {
      codec = loaded;
    },
    () => {},
  );
  return {
    decode: (payload) =>
      codec === null ? loading.catch(load).then((loaded) => loaded.decode(payload)) : codec.decode(payload),
  };
}
