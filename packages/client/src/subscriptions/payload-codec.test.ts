import { describe, expect, it } from 'vitest';
import { bytes, codecOf, json, type PayloadCodec, text } from './payload-codec.js';
import { PayloadInvalid, type StandardIssue, type StandardSchema } from './standard-schema.js';

const utf8 = (value: string) => new TextEncoder().encode(value);

/** A schema as libraries make them: an object with a number, with a default for another field. */
function schemaThat(
  validate: (value: unknown) => { value: { n: number; unit: string } } | { issues: StandardIssue[] },
) {
  const schema = (
    wrap: (result: ReturnType<typeof validate>) => ReturnType<StandardSchema['~standard']['validate']>,
  ) => ({
    '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => wrap(validate(value)) },
  });
  return { sync: schema((result) => result), async: schema((result) => Promise.resolve(result)) };
}

const number = schemaThat((value) => {
  const n = (value as { n?: unknown } | null)?.n;
  if (typeof n === 'number') return { value: { n, unit: 'C' } };
  return { issues: [{ message: 'expected a number', path: ['n', { key: 0 }] }, { message: 'something else' }] };
});

describe('bytes', () => {
  it('changes nothing', () => {
    const payload = utf8('x');
    expect(bytes.encode(payload)).toBe(payload);
    expect(bytes.decode(payload)).toBe(payload);
  });
});

describe('text', () => {
  it('is UTF-8, with every character kept', () => {
    expect(text.decode(utf8('\uFEFFZoë'))).toBe('\uFEFFZoë');
    expect(text.encode('Zoë')).toBe('Zoë');
  });

  it('does not decode other bytes', () => {
    expect(() => text.decode(Uint8Array.of(0xff))).toThrow(TypeError);
  });
});

describe('json', () => {
  it('writes and reads any JSON', () => {
    const codec = json<{ a: number[] }>();
    expect(codec.encode({ a: [1, 2] })).toBe('{"a":[1,2]}');
    expect(codec.decode(utf8('{"a":[1,2]}'))).toEqual({ a: [1, 2] });
    expect(codec.contentType).toBe('application/json');
  });

  it.each(['', '{', 'nope'])('does not decode %j', (payload) => {
    expect(() => json().decode(utf8(payload))).toThrow(SyntaxError);
  });

  it('does not encode what JSON has no form for', () => {
    expect(() => json<unknown>().encode(undefined)).toThrow('JSON has no form for undefined');
  });

  it('returns what the schema makes of the value', () => {
    expect(json(number.sync).decode(utf8('{"n":1,"m":2}'))).toEqual({ n: 1, unit: 'C' });
  });

  it('waits for a schema that validates asynchronously', async () => {
    const decoded = json(number.async).decode(utf8('{"n":1}'));
    expect(decoded).toBeInstanceOf(Promise);
    expect(await decoded).toEqual({ n: 1, unit: 'C' });
    await expect(json(number.async).decode(utf8('{}'))).rejects.toThrow(PayloadInvalid);
  });

  it('says where a value does not fit its schema', () => {
    let thrown: unknown;
    try {
      json(number.sync).decode(utf8('{"n":"1"}'));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(PayloadInvalid);
    expect((thrown as PayloadInvalid).message).toBe(
      'The payload does not fit its schema: n.0: expected a number; something else',
    );
    expect((thrown as PayloadInvalid).issues).toHaveLength(2);
  });
});

describe('codecOf', () => {
  it('takes a codec as it is, and a schema as JSON that fits it', () => {
    expect(codecOf(text)).toBe(text);
    const codec = codecOf(number.sync) as PayloadCodec<unknown>;
    expect(codec.decode(utf8('{"n":2}'))).toEqual({ n: 2, unit: 'C' });
    expect(codec.encode({ n: 2 })).toBe('{"n":2}');
  });

  it('takes schemas that are functions, as some libraries make them', () => {
    const schema = Object.assign(() => {}, number.sync);
    expect(codecOf(schema).decode(utf8('{"n":2}'))).toEqual({ n: 2, unit: 'C' });
  });
});
