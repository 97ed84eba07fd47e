import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoderArity, decoderOf } from './payload-decoder.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const text = (value: string) => new TextEncoder().encode(value);

async function decoded(name: string, payload: Uint8Array, file?: string): Promise<string> {
  return (await decoderOf(name, file)).text('a/b', payload);
}

describe('json', () => {
  it('comes on one line with every digit, and with members in their order, twice if they are', async () => {
    const json = '{ "b" : 12345678901234567890,\n\t"a":[ 1.50, {} , [] ,"x\\"y\\\\",true ], "b":null}';
    expect(await decoded('json', text(json))).toBe(
      '{"b": 12345678901234567890, "a": [1.50, {}, [], "x\\"y\\\\", true], "b": null}',
    );
  });

  it('can be indented', async () => {
    const decoder = await decoderOf('json', undefined, { indent: 2 });
    expect(decoder.text('t', text('{"a":[1,2],"b":{}}'))).toBe('{\n  "a": [\n    1,\n    2\n  ],\n  "b": {}\n}');
  });

  it('cannot send commands to the terminal', async () => {
    expect(await decoded('json', text('"\u009b31m\u007f"'))).toBe('"\\u009b31m\\u007f"');
    expect(await decoded('json', text('\u001b]0;title\u0007'))).toMatch(/^[ -~]+$/);
  });

  it.each([
    ['', /^\(no JSON: nothing there\) \(empty\)$/],
    ['hello', /^\(no JSON: .*\) 68 65 6c 6c 6f {2}\|hello\|$/],
    ['{"a":', /^\(no JSON: .*\) 7b 22/],
  ])('%j is shown with the reason and in hexadecimal', async (payload, shown) => {
    expect(await decoded('json', text(payload))).toMatch(shown);
  });

  it('that is no UTF-8 is shown in hexadecimal', async () => {
    expect(await decoded('json', bytes('22ff22'))).toBe('(no JSON: not UTF-8) 22 ff 22  |"."|');
  });

  it('of 100,000 levels is text, too, and its indentation has a bound', async () => {
    const levels = 100_000;
    const nested = text('['.repeat(levels) + ']'.repeat(levels));
    expect((await decoded('json', nested)).length).toBe(levels * 2);
    const decoder = await decoderOf('json', undefined, { indent: 2 });
    expect(decoder.text('t', nested).length).toBeLessThan(levels * 2 * 210);
  });
});

describe('cbor', () => {
  it.each([
    ['a2616101616202', '{"a": 1, "b": 2}'],
    ['a10102', '{"1": 2}'],
    ['a1820102f5', '{"[1, 2]": true}'],
    ['43010203', '"0x010203"'],
    ['c11a514b67b0', '"2013-03-21T20:04:00.000Z"'],
    ['c074323031332d30332d32315432303a30343a30305a', '"2013-03-21T20:04:00Z"'],
    ['c249010000000000000000', '18446744073709551616'],
    ['c349010000000000000000', '-18446744073709551617'],
    ['1bffffffffffffffff', '18446744073709551615'],
    ['d82a0a', '{"tag": 42, "value": 10}'],
    ['d9d9f701', '1'],
    ['f7', 'null'],
    ['f97e00', '"NaN"'],
    ['f97c00', '"Infinity"'],
    ['9f0102ff', '[1, 2]'],
    ['c11bffffffffffffffff', '{"tag": 1, "value": 18446744073709551615}'],
    ['', /^\(no CBOR: .*\) \(empty\)$/],
    ['9affffffff', /^\(no CBOR: /],
    ['0101', /^\(no CBOR: /],
  ])('%s is %s', async (hex, shown) => {
    const line = await decoded('cbor', bytes(hex));
    if (typeof shown === 'string') expect(line).toBe(shown);
    else expect(line).toMatch(shown);
  });

  it('of a million levels is not followed', async () => {
    expect(await decoded('cbor', new Uint8Array(1_000_000).fill(0x81))).toMatch(/^\(no CBOR: nested too deeply\) 81 /);
    const fair = Buffer.concat([Buffer.alloc(150, 0x81), Buffer.of(1)]);
    expect(await decoded('cbor', fair)).toBe(`${'['.repeat(100)}"..."${']'.repeat(100)}`);
  });

  it('of another encoder is read', async () => {
    expect(await decoded('cbor', encodeCbor({ room: 'kitchen', celsius: 21.5, ok: true, list: [1n] }))).toBe(
      '{"ok": true, "list": [1], "room": "kitchen", "celsius": 21.5}',
    );
  });
});

describe('msgpack', () => {
  it.each([
    ['82a16101a16202', '{"a": 1, "b": 2}'],
    ['8201a178c3a179', '{"1": "x", "true": "y"}'],
    ['81920102c0', '{"[1, 2]": null}'],
    ['cfffffffffffffffff', '18446744073709551615'],
    ['c403010203', '"0x010203"'],
    ['d6ff5f000000', '"2020-07-04T04:05:20.000Z"'],
    ['d60512345678', '{"tag": 5, "value": "0x12345678"}'],
    ['cb7ff8000000000000', '"NaN"'],
    ['', '(no MessagePack: nothing there) (empty)'],
    ['dd7fffffff', '(no MessagePack: it ends too early) dd 7f ff ff ff  |.....|'],
    ['dd0000000391dd', '(no MessagePack: it ends too early) dd 00 00 00 03 91 dd  |.......|'],
    ['d9', '(no MessagePack: it ends too early) d9  |.|'],
    ['da00', '(no MessagePack: it ends too early) da 00  |..|'],
    ['0101', '(no MessagePack: it goes on behind its end, at byte 1) 01 01  |..|'],
    ['c1', '(no MessagePack: byte 0xc1 has no meaning) c1  |.|'],
  ])('%s is %s', async (hex, shown) => {
    expect(await decoded('msgpack', bytes(hex))).toBe(shown);
  });

  it('whose arrays announce more than there is takes no memory for them', async () => {
    // Each array of the row says that it has nearly all bytes as items; a decoder that believes it needs 100 GB.
    const one = Buffer.from([0xdd, 0x00, 0x0f, 0x00, 0x00]);
    const payload = Buffer.concat([...Array.from({ length: 12_000 }, () => one), Buffer.alloc(1_000_000)]);
    expect(await decoded('msgpack', payload)).toMatch(/^\(no MessagePack: /);
  });

  it('with every kind of value is read as another encoder meant it', async () => {
    const value = {
      numbers: [0, -1, 127, -128, 255, 65_535, 4_294_967_295, -32_768, -2_147_483_648, 1.5, 2 ** 40],
      texts: ['', 'x'.repeat(40), 'y'.repeat(300), 'z'.repeat(70_000)],
      bytes: [new Uint8Array(300), new Uint8Array(70_000)],
      lists: [Array.from({ length: 20 }, () => null), Array.from({ length: 70_000 }, () => true)],
      objects: [Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
    };
    const line = await decoded('msgpack', encodeMsgpack(value));
    const read = JSON.parse(line);
    expect(read.numbers).toEqual(value.numbers);
    expect(read.texts).toEqual(value.texts);
    expect(read.lists).toEqual(value.lists);
    expect(read.objects).toEqual(value.objects);
    expect(read.bytes[1]).toBe(`0x${'00'.repeat(70_000)}`);
  });
});

describe('protobuf', () => {
  let folder = '';
  const file = () => join(folder, 'climate.proto');

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-proto-'));
    writeFileSync(
      file(),
      `syntax = "proto3";
      package home;
      import "google/protobuf/timestamp.proto";
      enum Mode { OFF = 0; HEAT = 1; }
      message Climate {
        message Sensor { string serial_number = 1; bytes key = 2; }
        double celsius = 1; Mode mode = 2; uint64 counter = 3; google.protobuf.Timestamp time = 4;
        repeated Sensor sensors = 5; map<string, int32> limits = 6; Climate inner = 7; repeated string empty = 8;
      }`,
    );
    writeFileSync(
      join(folder, 'two.proto'),
      'syntax = "proto3"; message A { int32 a = 1; } message B { int32 b = 1; }',
    );
    writeFileSync(join(folder, 'none.proto'), 'syntax = "proto3"; enum E { X = 0; }');
    writeFileSync(join(folder, 'bad.proto'), 'syntax = "proto3"; message {');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  async function encoded(value: object): Promise<Uint8Array> {
    const root = await new protobuf.Root().load(file(), { keepCase: true });
    const type = root.lookupType('home.Climate');
    return type.encode(type.fromObject(value)).finish();
  }

  it('shows what is in a message under the names of its file', async () => {
    const payload = await encoded({
      celsius: 21.5,
      mode: 'HEAT',
      counter: '18446744073709551615',
      time: { seconds: 1_700_000_000, nanos: 5e8 },
      sensors: [{ serial_number: 'x1', key: new Uint8Array([1, 2]) }],
      limits: { low: 5, high: 30 },
    });
    const line =
      '{"celsius": 21.5, "mode": "HEAT", "counter": 18446744073709551615, "time": "2023-11-14T22:13:20.500Z", ' +
      '"sensors": [{"serial_number": "x1", "key": "0x0102"}], "limits": {"low": 5, "high": 30}}';
    expect(await decoded('protobuf', payload, file())).toBe(line);
    expect(await decoded('protobuf', payload, `${file()}:home.Climate`)).toBe(line);
    expect(await decoded('protobuf', payload, `${file()}:Climate`)).toBe(line);
  });

  it('does not follow messages without end, and shows what is none', async () => {
    let nested = Buffer.alloc(0);
    while (nested.length < 2_000) {
      const length = nested.length < 128 ? [nested.length] : [(nested.length & 0x7f) | 0x80, nested.length >> 7];
      nested = Buffer.concat([Buffer.of(0x3a, ...length), nested]);
    }
    expect(await decoded('protobuf', nested, file())).toMatch(/^\(no such message: .*\) 3a /);
    expect(await decoded('protobuf', text('hello'), file())).toMatch(
      /^\(no such message: .*\) 68 65 6c 6c 6f {2}\|hello\|$/,
    );
  });

  it.each([
    ['two.proto', /two\.proto has several messages; say .*two\.proto:MESSAGE with one of A, B/],
    ['two.proto:C', /two\.proto has no message C, but A, B/],
    ['none.proto', /none\.proto has no message/],
    ['bad.proto', /bad\.proto cannot be used: illegal type name/],
    ['missing.proto', /missing\.proto cannot be used: ENOENT/],
  ])('%s is refused with a reason', async (name, message) => {
    await expect(decoderOf('protobuf', join(folder, name))).rejects.toThrow(message);
  });
});

describe('hex', () => {
  it('shows offsets, bytes and characters', async () => {
    expect(await decoded('hex', text('The quick brown fox\n'))).toBe(
      '00000000  54 68 65 20 71 75 69 63  6b 20 62 72 6f 77 6e 20  |The quick brown |\n' +
        `00000010  66 6f 78 0a${' '.repeat(39)}|fox.|`,
    );
    expect(await decoded('hex', new Uint8Array(0))).toBe('(empty)');
  });

  it('leaves out what is too much', async () => {
    const lines = (await decoded('hex', new Uint8Array(65_537))).split('\n');
    expect(lines).toHaveLength(4_097);
    expect(lines.at(-1)).toBe('... and 1 more byte');
  });
});

describe('decoderOf', () => {
  it('names the decoders that there are, and says that protobuf needs a file', async () => {
    await expect(decoderOf('yaml')).rejects.toThrow(
      "no decoder 'yaml', but json, cbor, msgpack, protobuf, sparkplug, hex",
    );
    await expect(decoderOf('protobuf')).rejects.toThrow('FILE[:MESSAGE]');
    expect([decoderArity(['protobuf', 'x.proto']), decoderArity(['json', '-t'])]).toEqual([2, 1]);
  });
});
