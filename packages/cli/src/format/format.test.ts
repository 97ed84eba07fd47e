import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../command-line/arguments.js';
import { ByteSink } from '../command-line/byte-sink.js';
import { jsonNumberText } from './decimal-text.js';
import { type FormatOptions, formatOf, type PrintFlags } from './format.js';
import type { PrintedMessage } from './printed-message.js';

/** 2 s after the epoch and 345,678,000 ns; ms with such a fraction are exact enough there. */
const AT_MS = 2_345.678;

const MESSAGE: PrintedMessage = {
  topic: 'a/ü',
  payload: Buffer.from('text'),
  qos: 1,
  retain: true,
  packetId: 7,
  properties: {
    contentType: 'text/plain',
    userProperties: [
      ['one', '1'],
      ['two', ''],
    ],
    messageExpiryInterval: 4_294_967_295,
    responseTopic: 're',
    correlationData: Uint8Array.of(0xff, 0x41),
    payloadFormatIndicator: 1,
    subscriptionIdentifiers: [5, 6],
    topicAlias: 9,
  },
};

function bytesOf(flags: PrintFlags, message: PrintedMessage): Buffer {
  const sink = new ByteSink();
  formatOf(flags).write(sink, message, AT_MS);
  return Buffer.from(sink.view());
}

function printed(format: string, message: Partial<PrintedMessage> = {}, options?: FormatOptions): string {
  return bytesOf({ format, hasNoLineEnd: true, ...options }, { ...MESSAGE, ...message }).toString('latin1');
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

describe('a format', () => {
  it.each([
    ['plain ü', latin1('plain ü')],
    ['%%|@@|\\\\', '%|@|\\'],
    ['\\0\\a\\e\\n\\r\\t\\v', '\0\x07\x1b\n\r\t\v'],
    ['%A %C %E %F %l %m %q %R %r %S', '9 text/plain -1 1 4 7 1 re 1 5'],
    ['%D', '\xff\x41'],
    ['%P', 'one:1 two:'],
    ['%p %t', latin1('text a/ü')],
    ['%x %X', '74657874 74657874'],
    ['%5m|%-5m|%05m|%-05m', '    7|7    |00007|7    '],
    ['%3E|%05E|%-4E|', ' -1|-0001|-1  |'],
    ['%6t|%-6t|%06t|%.3t|%5.3t|', `${latin1('  a/ü|a/ü  |  a/ü|')}a/\xc3|  a/\xc3|`],
    ['%6p|%-6p|%06p|%2p|', '  text|text  |00text|te|'],
    ['%10x|%-10x|%010x|%3x|', '  74657874|74657874  |0074657874|746578|'],
    ['%.2x|%.2:X|%.4-x|%.1.x', '74 65 78 74|74:65:78:74|7465-7874|7.4.6.5.7.8.7.4'],
    ['%010.2:x|%-10.2:x|', '00:74:65:78:74|74:65:78:74  |'],
    ['@s @N @Y', '2 345678000 1970'],
    ['%U', '2.345678000'],
  ])('%s', (format, expected) => {
    // The clock of ms has no more than about a microsecond.
    expect(printed(format).replace(/345678\d\d\d|34567799\d/g, '345678000')).toBe(expected);
  });

  it('leaves blank what the message does not have, as wide as it was to be', () => {
    const bare = { properties: undefined, packetId: undefined, qos: 0 } as const;
    expect(printed('%A|%C|%D|%E|%F|%P|%R|%S|%m|', bare)).toBe('||||||||0|');
    expect(printed('%3A|%03E|%-3F|%3S|%3C|%03C|%3R|', bare)).toBe('   |000|   |   |   |   ||');
  });

  it('says which sequence it does not know, and where', () => {
    for (const [format, message] of [
      ['ü %z', "there is no '%z' (character 3)"],
      ['%', "'%' (character 1) at the end is not complete"],
      ['%-05', "'%-05' (character 1) at the end is not complete"],
      ['%.2:', "there is no '%.2:' (character 1)"],
      ['a@', "'@' (character 2) at the end"],
      ['\\', "'\\' (character 1) at the end"],
      ['\\z', "there is no '\\z' (character 1). A backslash has to be written twice"],
      ['%0-5t', "there is no '%0-' (character 1)"],
      ['%65536t', '65536 in'],
    ]) {
      expect(() => formatOf({ format })).toThrow(UsageError);
      expect(() => formatOf({ format })).toThrow(message);
    }
  });

  it('is either refused or prints something of any text', () => {
    const text = fc.array(fc.constantFrom(...'%@\\-0159.: xXtpjJdfIUNü'), { maxLength: 12 }).map((all) => all.join(''));
    fc.assert(
      fc.property(text, (format) => {
        try {
          printed(format);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe('the payload as a number', () => {
  const float = (value: number) => Buffer.from(Float32Array.of(value).buffer);
  const double = (value: number) => Buffer.from(Float64Array.of(value).buffer);

  it.each([
    ['%f', float(1.5), '1.500000'],
    ['%.1f|%8.2f|%-8.2f|%08.2f|', float(-2.25), '-2.2|   -2.25|-2.25   |-0002.25|'],
    ['%d', double(0.1), '0.100000'],
    ['%.20d', double(0.1), '0.10000000000000000555'],
    ['%05d|%-5d|', double(Number.POSITIVE_INFINITY), '  inf|inf  |'],
  ])('%s', (format, payload, expected) => {
    expect(printed(format, { payload })).toBe(expected);
  });

  it('is complained about when it has another size', () => {
    const complaints: string[] = [];
    const complain = (text: string) => complaints.push(text);
    expect(printed('<%f%d>', { payload: Buffer.alloc(5) }, { complain })).toBe('<>');
    expect(complaints).toEqual([
      'Error: The payload on topic a/ü is no number of 4 bytes.\n',
      'Error: The payload on topic a/ü is no number of 8 bytes.\n',
    ]);
  });
});

describe('JSON', () => {
  const plain: Partial<PrintedMessage> = { qos: 0, packetId: undefined, properties: {}, topic: 't', retain: false };
  /** Without the time, which is local. */
  const json = (format: string, message: Partial<PrintedMessage>, options?: FormatOptions) =>
    printed(format, { ...plain, ...message }, options).replace(/"[\d-]+T[\d:]+\.\d{6}[+-]\d{4}"/, 'TIME');

  it('has every field of the message in the order of Mosquitto', () => {
    const { properties } = MESSAGE;
    expect(json('%j', { qos: 1, packetId: 7, retain: true, properties })).toBe(
      '{"tst":TIME,"topic":"t","qos":1,"retain":true,"payloadlen":4,"mid":7,"properties":{"content-type":"text/plain",' +
        '"user-properties":[{"one":"1"},{"two":""}],"message-expiry-interval":4294967295,"response-topic":"re",' +
        '"correlation-data":"\xffA","payload-format-indicator":1,"subscription-identifier":5,"subscription-identifier":6,' +
        '"topic-alias":9},"payload":"text"}',
    );
  });

  it('escapes what has to be escaped, and nothing else', () => {
    const payload = Buffer.from('"\\/\b\f\n\r\t\x00\x1f\x7fü');
    expect(json('%j', { payload })).toBe(
      `{"tst":TIME,"topic":"t","qos":0,"retain":false,"payloadlen":13,"payload":"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f${latin1('ü')}"}`,
    );
  });

  it.each([
    ['', 'null'],
    ['  [1, 2.50,\n{}] ', '[1,2.5,{}]'],
    ['{"b":1,"1":true,"b":null}', '{"b":1,"1":true,"b":null}'],
    ['"\\u00fc\\ud83d\\ude00\\/"', latin1('"ü😀/"')],
    ['"\\u0000"', '"\\u0000"'],
    ['01', '1'],
    ['-.5', '-0.5'],
    ['1.', '1'],
    ['\ufefffalse', 'false'],
    ['['.repeat(1_000) + ']'.repeat(1_000), '['.repeat(1_000) + ']'.repeat(1_000)],
  ])('takes the payload %j over', (text, expected) => {
    const payload = Buffer.from(text);
    expect(json('%J', { payload })).toBe(
      `{"tst":TIME,"topic":"t","qos":0,"retain":false,"payloadlen":${payload.length},"payload":${expected}}`,
    );
  });

  it.each([
    '{',
    '{"a"}',
    '{"a":1,}',
    '{a:1}',
    '[1,]',
    '[1 2]',
    '1 2',
    'tru',
    'truee',
    '"a',
    '"\\x"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\u00g0"',
    '+1',
    '-',
    '.5',
    '0x10',
    '1\0',
    ' ',
    '['.repeat(1_001) + ']'.repeat(1_001),
  ])('complains about the payload %j, and prints the rest', (text) => {
    const complaints: string[] = [];
    const complain = (line: string) => complaints.push(line);
    expect(json('<%J>', { payload: Buffer.from(text) }, { complain })).toBe('<>');
    expect(complaints).toEqual(['Error: Message payload is not valid JSON on topic t.\n']);
  });

  it('comes on several lines when asked for', () => {
    const payload = Buffer.from('{"a":[1,{"b":{}}],"c":[]}');
    expect(json('%J', { payload }, { isPretty: true })).toBe(
      [
        '{',
        '\t"tst":\tTIME,',
        '\t"topic":\t"t",',
        '\t"qos":\t0,',
        '\t"retain":\tfalse,',
        '\t"payloadlen":\t25,',
        '\t"payload":\t{',
        '\t\t"a":\t[1, {',
        '\t\t\t\t"b":\t{',
        '\t\t\t\t}',
        '\t\t\t}],',
        '\t\t"c":\t[]',
        '\t}',
        '}',
      ].join('\n'),
    );
  });

  it('is read back as what it was, but for digits of numbers that cJSON does not print', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (text, isPretty) => {
        const bytes = bytesOf({ format: '%J', isPretty }, { ...MESSAGE, payload: Buffer.from(text) });
        const { payload } = JSON.parse(bytes.toString());
        expect(payload).toEqual(
          JSON.parse(text, (_, value) => (typeof value === 'number' ? Number(jsonNumberText(value)) : value)),
        );
      }),
    );
  });
});

describe('what the flags print', () => {
  const message = (payload: string): PrintedMessage => ({ ...MESSAGE, topic: 't', payload: Buffer.from(payload) });
  const all = (flags: PrintFlags) => ['', 'x'].map((payload) => bytesOf(flags, message(payload)).toString());

  it.each<[PrintFlags, string[]]>([
    [{}, ['', 'x\n']],
    [{ hasNoLineEnd: true }, ['', 'x']],
    [{ isVerbose: true }, ['t (null)\n', 't x\n']],
    [{ isVerbose: true, hasNoLineEnd: true }, ['', 't x']],
    [{ format: '%l' }, ['0\n', '1\n']],
    [{ format: '%l', isVerbose: true, hasNoLineEnd: true }, ['0', '1']],
  ])('%j', (flags, expected) => {
    expect(all(flags)).toEqual(expected);
  });
});
