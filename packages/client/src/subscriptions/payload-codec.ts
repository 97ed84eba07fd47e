import { type SchemaInput, type SchemaOutput, type StandardSchema, validated } from './standard-schema.js';

/**
 * Makes payloads of values, and values of payloads.
 * @typeParam T what `decode` returns
 * @typeParam In what `encode` takes; another type where decoding changes values, as schemas may
 */
export interface PayloadCodec<T, In = T> {
  /** What it throws, `publish` rejects with. */
  encode(value: In): Uint8Array | string;
  /** Throws, or returns a promise that is rejected, for a payload that is none of its kind. */
  decode(payload: Uint8Array): T | Promise<T>;
  /** Goes with each message that is published with the codec, 5.0 only. */
  readonly contentType?: string;
}

/** What is taken as a codec: one, or a schema, which then means JSON that fits it. */
export type PayloadType<T, In = T> = PayloadCodec<T, In> | StandardSchema<In, T>;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Payloads as they are. */
export const bytes: PayloadCodec<Uint8Array> = {
  encode: (value) => value,
  decode: (payload) => payload,
};

/** UTF-8. Other bytes do not decode. */
export const text: PayloadCodec<string> = {
  encode: (value) => value,
  decode: (payload) => strict.decode(payload),
};

/** JSON of any kind: that it is a `T` is not checked. */
export function json<T, In = T>(): PayloadCodec<T, In>;
/**
 * JSON that fits a schema: `value` is what the schema returns, so it may fill in defaults and make dates of strings. What
 * is published is not checked: that is for the compiler, and for the receiver.
 */
export function json<S extends StandardSchema>(schema: S): PayloadCodec<SchemaOutput<S>, SchemaInput<S>>;
export function json(schema?: StandardSchema): PayloadCodec<unknown> {
  const parse = (payload: Uint8Array): unknown => JSON.parse(strict.decode(payload));
  return {
    encode(value) {
      const encoded = JSON.stringify(value) as string | undefined;
      if (encoded === undefined) throw new TypeError(`JSON has no form for ${typeof value}`);
      return encoded;
    },
    decode: schema === undefined ? parse : (payload) => validated(schema, parse(payload)),
    contentType: 'application/json',
  };
}

/** The codec that is meant. */
export function codecOf<T, In>(type: PayloadType<T, In>): PayloadCodec<T, In> {
  return '~standard' in type ? (json(type as StandardSchema) as PayloadCodec<T, In>) : type;
}
