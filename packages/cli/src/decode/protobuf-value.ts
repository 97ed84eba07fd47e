import type { Field, Message, Type } from 'protobufjs/light.js';

/**
 * The fields that are in the bytes of a message, under the names of its definition, as values that `jsonText` shows:
 * names for enums, bigints, times for google.protobuf.Timestamp.
 * @throws Error for bytes that are no such message
 */
export function protobufValue(type: Type, payload: Uint8Array): Record<string, unknown> {
  return fieldsOf(type, type.decode(payload));
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(type: Type, message: Message | Fields): Record<string, unknown> {
  const source = message as Fields;
  const fields: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    // What the bytes do not have is a default on the prototype; lists and maps are there, and empty.
    if (!Object.hasOwn(source, field.name) || isEmpty(field, source[field.name])) continue;
    fields[field.name] = fieldValue(field, source[field.name]);
  }
  return fields;
}

function isEmpty({ map, repeated }: Field, value: unknown): boolean {
  return (repeated || map) && Object.keys(value as Fields).length === 0;
}

function fieldValue(field: Field, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => singleValue(field, one));
  if (!field.map) return singleValue(field, value);
  const entries = Object.entries(value as Fields);
  return new Map(entries.map(([key, one]) => [key, singleValue(field, one)]));
}

function singleValue({ resolvedType }: Field, value: unknown): unknown {
  if (resolvedType !== null && 'valuesById' in resolvedType) return resolvedType.valuesById[Number(value)] ?? value;
  if (resolvedType !== null) return messageValue(resolvedType, value as Fields);
  return isLong(value) ? BigInt(value.toString()) : value;
}

function messageValue(type: Type, message: Fields): unknown {
  const fields = fieldsOf(type, message);
  if (type.fullName !== '.google.protobuf.Timestamp') return fields;
  const { seconds = 0, nanos = 0 } = fields;
  const time = new Date(Number(seconds) * 1_000 + Number(nanos) / 1e6);
  return Number.isNaN(time.getTime()) ? fields : time;
}

/** How the library holds 64 bits. */
function isLong(value: unknown): value is { readonly low: number; readonly high: number } {
  return typeof value === 'object' && value !== null && 'low' in value && 'high' in value;
}
