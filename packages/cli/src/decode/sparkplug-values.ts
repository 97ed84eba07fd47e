/** The names of the data types by their numbers (Sparkplug Specification 3.0, section 6.4.16). */
const TYPES: readonly string[] = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
];

export function typeName(type: number): string {
  return TYPES[type] ?? `type ${type}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of metrics, parameters, properties and cells of which one has the value. */
const VALUE_FIELDS = [
  'int_value',
  'long_value',
  'float_value',
  'double_value',
  'boolean_value',
  'string_value',
  'bytes_value',
  'dataset_value',
  'template_value',
  'propertyset_value',
  'propertysets_value',
] as const;

/** The field with the value, and what is in it; null when there is none. */
export function rawValue(
  fields: Fields,
): { readonly field: (typeof VALUE_FIELDS)[number]; readonly raw: unknown } | null {
  const field = VALUE_FIELDS.find((one) => Object.hasOwn(fields, one));
  return field === undefined ? null : { field, raw: fields[field] };
}

/** Integers are carried without their sign, times as numbers, arrays as bytes: what they mean says their type. */
export function typedValue(type: string, raw: unknown): unknown {
  if (raw instanceof Uint8Array) return ARRAYS[type]?.(raw) ?? raw;
  if (typeof raw !== 'number' && typeof raw !== 'bigint') return raw;
  const [, bits] = /^Int(8|16|32|64)$/.exec(type) ?? [];
  if (bits !== undefined && Number.isInteger(Number(raw))) return BigInt.asIntN(Number(bits), BigInt(raw));
  return type === 'DateTime' ? timeOf(raw) : raw;
}

/** Milliseconds since 1970. */
export function timeOf(ms: unknown): unknown {
  const time = new Date(Number(ms));
  return Number.isNaN(time.getTime()) ? ms : time;
}

type ReadArray = (bytes: Uint8Array) => unknown;

/** Items of a fixed size, one behind the other, the lowest byte first; null when there is a part of one. */
function items(size: number, read: (view: DataView, at: number) => unknown): ReadArray {
  return (bytes) => {
    if (bytes.length % size !== 0) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length / size }, (_, i) => read(view, i * size));
  };
}

const ARRAYS: Readonly<Record<string, ReadArray>> = {
  Int8Array: items(1, (view, at) => view.getInt8(at)),
  Int16Array: items(2, (view, at) => view.getInt16(at, true)),
  Int32Array: items(4, (view, at) => view.getInt32(at, true)),
  Int64Array: items(8, (view, at) => view.getBigInt64(at, true)),
  UInt8Array: items(1, (view, at) => view.getUint8(at)),
  UInt16Array: items(2, (view, at) => view.getUint16(at, true)),
  UInt32Array: items(4, (view, at) => view.getUint32(at, true)),
  UInt64Array: items(8, (view, at) => view.getBigUint64(at, true)),
  FloatArray: items(4, (view, at) => view.getFloat32(at, true)),
  DoubleArray: items(8, (view, at) => view.getFloat64(at, true)),
  DateTimeArray: items(8, (view, at) => timeOf(view.getBigInt64(at, true))),
  BooleanArray: booleans,
  StringArray: strings,
};

/** Their number in four bytes, then eight to a byte, the highest bit first. */
function booleans(bytes: Uint8Array): unknown {
  if (bytes.length < 4) return null;
  const count = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (Math.ceil(count / 8) !== bytes.length - 4) return null;
  return Array.from({ length: count }, (_, i) => ((bytes[4 + (i >> 3)] >> (7 - (i & 7))) & 1) === 1);
}

/** Each ends with a zero byte. */
function strings(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return [];
  if (bytes.at(-1) !== 0) return null;
  return new TextDecoder().decode(bytes.subarray(0, -1)).split('\0');
}
