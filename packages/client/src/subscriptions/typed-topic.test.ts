import { topicMatches } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { json, type PayloadCodec, text } from './payload-codec.js';
import type { StandardSchema } from './standard-schema.js';
import { type ConcreteTopic, type TypedTopic, topic } from './typed-topic.js';

interface Celsius {
  celsius: number;
}
const temperature = topic('home/{room}/temperature', json<Celsius>());

describe('topic', () => {
  it('makes + of a parameter, and # of one that stands for the rest', () => {
    expect(temperature.filter).toBe('home/+/temperature');
    expect(topic('{site}/log/{path...}').filter).toBe('+/log/#');
    expect(topic('{all...}').filter).toBe('#');
    expect(topic('status').filter).toBe('status');
  });

  it.each([
    'home/{room/temperature',
    'home/x{room}',
    'home/+/temperature',
    '#',
    'home/{rest...}/temperature',
    '{a}/{a}',
    '{}',
    '{...}',
  ])('refuses %s', (pattern) => {
    expect(() => topic(pattern)).toThrow(TypeError);
  });

  it('refuses a pattern that is no filter', () => {
    expect(() => topic('')).toThrow('is empty');
  });
});

describe('TypedTopic.for', () => {
  it('puts values in place of parameters', () => {
    expect(temperature.for({ room: 'kitchen' }).topic).toBe('home/kitchen/temperature');
    expect(topic('floor/{floor}/{rest...}').for({ floor: 3, rest: 'a/b' }).topic).toBe('floor/3/a/b');
    expect(topic('status').for().topic).toBe('status');
  });

  it.each(['', 'a/b', 'a+', '#', 'a\0'])('refuses %j as one level', (room) => {
    expect(() => temperature.for({ room })).toThrow(TypeError);
  });

  it.each(['', 'a/#', '+/b', 'a\0'])('refuses %j as the rest', (rest) => {
    expect(() => topic('a/{rest...}').for({ rest })).toThrow(TypeError);
  });

  it('refuses values that are missing', () => {
    expect(() => temperature.for({} as { room: string })).toThrow('{room} has no value');
  });

  it('refuses a topic that is too long', () => {
    expect(() => temperature.for({ room: 'x'.repeat(65_536) })).toThrow('more than 65535 bytes');
  });
});

describe('TypedTopic.paramsOf', () => {
  it('finds the values again that `for` was given', () => {
    const level = fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }).filter((one) => !/[+#/\0]/.test(one));
    const pattern = topic('a/{b}/c/{d}/{e...}');
    fc.assert(
      fc.property(level, level, fc.array(level, { minLength: 1, maxLength: 3 }), (b, d, rest) => {
        const params = { b, d, e: rest.join('/') };
        const { topic: name } = pattern.for(params);
        expect(pattern.paramsOf(name)).toEqual(params);
        expect(topicMatches(pattern.filter, name)).toBe(true);
      }),
    );
  });

  it('has an empty rest for the parent of #, and an empty level where the topic has one', () => {
    expect(topic('a/{rest...}').paramsOf('a')).toEqual({ rest: '' });
    expect(temperature.paramsOf('home//temperature')).toEqual({ room: '' });
  });
});

describe('TypedTopic.shared', () => {
  it('subscribes in a group, and takes parameters from the topics as before', () => {
    const shared = temperature.shared('workers');
    expect(shared.filter).toBe('$share/workers/home/+/temperature');
    expect(shared.paramsOf('home/kitchen/temperature')).toEqual({ room: 'kitchen' });
    expect(shared.shared('others').filter).toBe('$share/others/home/+/temperature');
  });

  it.each(['', 'a/b', 'a+', '#'])('refuses the group %j', (group) => {
    expect(() => temperature.shared(group)).toThrow();
  });
});

describe('the types of a topic', () => {
  it('are read from its pattern', () => {
    const params = <P>(_: TypedTopic<Uint8Array, P>): P => ({}) as P;
    expectTypeOf(params(topic('home/{room}/temperature'))).toEqualTypeOf<{ readonly room: string }>();
    expectTypeOf(params(topic('{a}/{b}/{c...}'))).toEqualTypeOf<{
      readonly a: string;
      readonly b: string;
      readonly c: string;
    }>();
    expectTypeOf<keyof ReturnType<typeof plain.paramsOf>>().toEqualTypeOf<never>();
    const plain = topic('status');
    const pattern: string = 'read/{from}/somewhere';
    expectTypeOf(params(topic(pattern))).toEqualTypeOf<Readonly<Record<string, string>>>();
  });

  it('say what its payloads are', () => {
    expectTypeOf(temperature).toEqualTypeOf<TypedTopic<Celsius, { readonly room: string }>>();
    expectTypeOf(temperature.for({ room: 'kitchen' })).toEqualTypeOf<ConcreteTopic<Celsius>>();
    expectTypeOf(topic('a', text).codec).toEqualTypeOf<PayloadCodec<string>>();
    expectTypeOf(topic('a').codec).toEqualTypeOf<PayloadCodec<Uint8Array>>();
  });

  it('are what a schema takes for publishing, and what it returns for receiving', () => {
    const schema: StandardSchema<{ at: string }, { at: Date }> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => ({ value: { at: new Date((value as { at: string }).at) } }),
      },
    };
    const events = topic('events/{kind}', schema);
    expectTypeOf(events).toEqualTypeOf<TypedTopic<{ at: Date }, { readonly kind: string }, { at: string }>>();
    expectTypeOf(json(schema)).toEqualTypeOf<PayloadCodec<{ at: Date }, { at: string }>>();
    const encoded = events.codec.encode({ at: '2026-01-02' });
    expect(events.codec.decode(new TextEncoder().encode(encoded as string))).toEqual({ at: new Date('2026-01-02') });
  });

  it('make a missing, an unknown or a wrong parameter an error', () => {
    const wrong = () => {
      // @ts-expect-error
      temperature.for();
      // @ts-expect-error
      temperature.for({ rooms: 'kitchen' });
      // @ts-expect-error
      temperature.for({ room: null });
    };
    expect(wrong).toThrow(TypeError);
  });
});
