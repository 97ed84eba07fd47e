import { type Client, connect, type Message, type PublishOptions } from '@cauldron/client';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ByteSink } from '../../packages/cli/src/command-line/byte-sink.js';
import { formatOf } from '../../packages/cli/src/format/format.js';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

/** What mosquitto_sub 2.0.11 of Debian prints otherwise, and why; left out below, or made equal first. */
const DIFFERENCES: readonly { format: string; reason: string }[] = [
  { format: '%j', reason: 'its time ends in +0000 as in 2.1, not in Z+0000, which is no ISO 8601' },
  { format: '%J', reason: 'retain is true or false, user properties are a list, as in 2.1' },
  { format: '%j ', reason: 'the payload goes on behind a NUL, where 2.0 and 2.1 end it' },
  { format: '%20x', reason: 'a width shows as many bytes, as in 2.1; 2.0 shows half of the payload' },
  { format: '%.2X', reason: 'a precision makes groups of digits, as in 2.1; 2.0 ignores it' },
  { format: '%-p', reason: 'nothing else is printed; Mosquitto adds as many spaces as the payload has bytes' },
];

/** What one of the two does not take, and why. */
const ONE_SIDED: readonly { format: string; takenBy: 'ours' | 'theirs'; reason: string }[] = [
  { format: '%f', takenBy: 'ours', reason: 'came with 2.1' },
  { format: '%.3d', takenBy: 'ours', reason: 'came with 2.1' },
  { format: '%.2:x', takenBy: 'ours', reason: 'came with 2.1' },
  { format: '%65536t', takenBy: 'theirs', reason: 'a slip, and lots of spaces' },
];

type Sent = readonly [topic: string, payload: string | Uint8Array, options: PublishOptions];

/** With QoS 2 the last only: mosquitto_sub prints it when its handshake is over, and others may come before that. */
const MESSAGES: readonly Sent[] = [
  ['formats/plain', 'text', {}],
  ['formats/grüße', 'grüße', { qos: 1 }],
  ['formats/empty', '', {}],
  ['formats/bytes', Uint8Array.of(0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x22, 0x5c), { qos: 1 }],
  ['formats/json', '{"a":[1,2.50,{"b":null}],"1":1e21,"ü":"\\u00fc\\n\\/"}', {}],
  [
    'formats/all',
    'text',
    {
      qos: 1,
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 4_000_000_000,
        contentType: 'text/plain',
        responseTopic: 'formats/answer',
        correlationData: Uint8Array.of(0x61, 0xff, 0x62),
        userProperties: [
          ['colour', 'blue'],
          ['colour', 'grün'],
          ['', 'x'],
        ],
      },
    },
  ],
  ['formats/some', '[]', { properties: { contentType: 'ü', userProperties: [['a', 'b']] } }],
  ['formats/long', 'x'.repeat(300), { qos: 2 }],
];

/** Text, and every sequence that both print in the same way. */
function sequence(): fc.Arbitrary<string> {
  const width = fc.option(fc.nat(40), { nil: '' });
  const precision = fc.option(
    fc.nat(12).map((digits) => `.${digits}`),
    { nil: '' },
  );
  // One of the flags, as neither program takes both in any order.
  const field = (letters: string) =>
    fc
      .tuple(fc.constantFrom('', '-', '0'), width, precision, fc.constantFrom(...letters))
      .map(([flag, width, precision, letter]) => `%${flag}${width}${precision}${letter}`);
  return fc.oneof(
    { weight: 6, arbitrary: field('ACEFlmRSt') },
    { weight: 2, arbitrary: field('DPqr%') },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('', '-', '0'), fc.integer({ min: 1, max: 40 }))
        .map(([flag, width]) => `%${flag}${width}p`),
    },
    { weight: 2, arbitrary: fc.constantFrom('%p', '%x', '%X') },
    { weight: 2, arbitrary: fc.constantFrom('\\\\', '\\0', '\\a', '\\e', '\\n', '\\r', '\\t', '\\v', '@@') },
    { weight: 2, arbitrary: fc.constantFrom('|', ' ', 'text', 'ü', '5', '-', '.') },
  );
}

/** Sequences of time, which are compared by their shape. */
const timeSequence = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(...'aAbBcCdDeEFgGhHIjJklmMnNOpPqrRsStTuUVwWxXyYzZ%!1ü').map((letter) => `@${letter}`),
    fc.constantFrom('%I', '%40I', '%-40I', '%.10I', '%U'),
  );

/** Digits, names and halves of days change; their places do not. */
function shapeOf(output: string): string {
  return output
    .replace(/\b(Sun|Mon|Tue|Wednes|Thurs|Fri|Satur)day\b/g, 'DAY')
    .replace(/\b(January|February|March|April|May|June|July|August|September|October|November|December)\b/g, 'MONTH')
    .replace(/\b(Sun|Mon|Tue|Wed|Thu|Fri|Sat)\b/g, 'DAY')
    .replace(/\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b/g, 'MONTH')
    .replace(/[ap]m/gi, (half) => (half === half.toUpperCase() ? 'AM' : 'am'))
    .replace(/ ?\d(?=\b|\d)/g, '9');
}

const ROUNDS = 25;
/** Programs of Mosquitto that listen at once, four of which start at a time. */
const LISTENERS = 24;
const STARTS = 4;

describe.skipIf(!areInstalled('mosquitto_sub'))('formats of -F', () => {
  let broker: BrokerProcess;
  let publisher: Client;

  beforeAll(async () => {
    broker = await BrokerProcess.start();
    publisher = await connect(`mqtt://127.0.0.1:${broker.port}`);
  });

  afterAll(async () => {
    await publisher.disconnect();
    await broker.stop();
    await killAll();
  });

  let count = 0;

  async function listener(flags: readonly string[]): Promise<RunningProgram> {
    const id = `theirs-${++count}`;
    const topic = ['-V', '5', '-q', '2', '-t', 'formats/#', '-C', String(MESSAGES.length)];
    const program = new RunningProgram(programPath('mosquitto_sub'), [...broker.flags, '-i', id, ...topic, ...flags]);
    await broker.hasSubscribed(id, 'formats/#');
    return program;
  }

  /** All of the messages, as a client that begins anew gets them; `publish` is called when it has subscribed. */
  async function receive(publish: () => Promise<void>): Promise<Message[]> {
    const client = await connect(`mqtt://127.0.0.1:${broker.port}`);
    const received: Message[] = [];
    const all = new Promise<void>((resolve) => {
      const take = (message: Message) => {
        if (received.push(message) === MESSAGES.length) resolve();
      };
      client.subscribe('formats/#', { qos: 2 }, take).then(publish);
    });
    await all;
    await client.disconnect();
    return received;
  }

  interface Printed {
    readonly format: string;
    readonly theirs: string;
    readonly ours: string;
    readonly complaints: readonly [theirs: string, ours: string];
  }

  /** What both print of the same messages by each of these formats. */
  async function print(formats: readonly string[], isPretty = false): Promise<Printed[]> {
    const listeners: RunningProgram[] = [];
    for (let at = 0; at < formats.length; at += STARTS) {
      const some = formats.slice(at, at + STARTS);
      listeners.push(
        ...(await Promise.all(some.map((format) => listener(['-F', format, ...(isPretty ? ['--pretty'] : [])])))),
      );
    }
    const received = await receive(async () => {
      for (const [topic, payload, options] of MESSAGES) await publisher.publish(topic, payload, options);
    });
    const outcomes = await Promise.all(listeners.map(({ ended }) => ended));
    return formats.map((text, i) => {
      const { exitCode, stdout, stderr } = outcomes[i];
      expect(exitCode).toBe(0);
      let complaints = '';
      const complain = (line: string) => {
        complaints += line;
      };
      const format = formatOf({ format: text, isPretty, complain });
      const sink = new ByteSink();
      for (const message of received) format.write(sink, message, Date.now());
      return {
        format: text,
        theirs: stdout.toString('latin1'),
        ours: Buffer.from(sink.view()).toString('latin1'),
        complaints: [stderr, complaints],
      };
    });
  }

  it.each(DIFFERENCES)('$format differs: $reason', async ({ format }) => {
    const [{ theirs, ours }] = await print([format]);
    expect(ours).not.toBe(theirs);
  });

  it.each(ONE_SIDED)('$format is taken by $takenBy alone: $reason', async ({ format, takenBy }) => {
    const argv = [...broker.flags, '-t', 'x', '-E', '-F', format];
    const { exitCode } = await new RunningProgram(programPath('mosquitto_sub'), argv).ended;
    expect(exitCode).toBe(takenBy === 'theirs' ? 0 : 1);
    const compile = () => formatOf({ format });
    if (takenBy === 'ours') compile();
    else expect(compile).toThrow('-F: ');
  });

  it('print byte for byte what mosquitto_sub prints, whatever they are made of', async () => {
    const formats = fc.sample(
      fc.array(sequence(), { minLength: 1, maxLength: 7 }).map((parts) => parts.join('')),
      ROUNDS * LISTENERS,
    );
    for (let at = 0; at < formats.length; at += LISTENERS) {
      for (const { format, theirs, ours } of await print(formats.slice(at, at + LISTENERS))) {
        expect({ format, printed: ours }).toEqual({ format, printed: theirs });
      }
    }
  }, 60_000);

  it('print times in the shape in which mosquitto_sub prints them', async () => {
    const formats = fc.sample(
      fc.array(timeSequence(), { minLength: 1, maxLength: 5 }).map((parts) => parts.join('|')),
      2 * LISTENERS,
    );
    for (let at = 0; at < formats.length; at += LISTENERS) {
      for (const { format, theirs, ours } of await print(formats.slice(at, at + LISTENERS))) {
        expect({ format, printed: shapeOf(ours) }).toEqual({ format, printed: shapeOf(theirs) });
      }
    }
  }, 60_000);

  /** JSON without what Mosquitto 2.1 has changed: the form of retain, of the time, and of the list of user properties. */
  const unchanged = (output: string) =>
    output
      .replace(/("retain":\t?)([01])/g, (_, key, flag) => `${key}${flag === '1'}`)
      .replace(/"tst":(\t?)"[\d-]{10}T[\d:]{8}\.\d{6}Z?\+0000"/g, '"tst":$1TIME')
      .replace(/"user-properties":\t?(\{[^}]*\}|\[\{[^\]]*\}\])/g, (list) => list.replace(/[[\]{}\s]/g, ''))
      // What stands behind a NUL.
      .replace(/("payload":\t?")\\u0000.*?\\\\"/g, '$1"');

  it.each(['%j', '<%J>', '%J %j'])('print %s as mosquitto_sub does, but for what 2.1 has changed', async (format) => {
    for (const isPretty of [false, true]) {
      const [{ theirs, ours, complaints }] = await print([format], isPretty);
      expect(theirs).toContain(isPretty ? '"user-properties":\t{' : '"user-properties":{');
      expect(unchanged(ours)).toBe(unchanged(theirs));
      expect(complaints[1]).toBe(complaints[0]);
    }
  });

  it.each(['%', '%z', '%-', '%5', '%.', '%.3', '@', '\\', '\\z', '%0-5t', 'a%K', '%5.2'])(
    '%j is refused by both',
    async (format) => {
      const argv = [...broker.flags, '-t', 'x', '-F', format];
      const { exitCode } = await new RunningProgram(programPath('mosquitto_sub'), argv).ended;
      expect(exitCode).toBe(1);
      expect(() => formatOf({ format })).toThrow('-F: ');
    },
  );
});
