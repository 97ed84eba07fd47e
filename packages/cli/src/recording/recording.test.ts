import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Properties } from '@cauldron/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordedMessage } from './recorded-message.js';
import { openRecording } from './recording-reader.js';
import { RecordingWriter } from './recording-writer.js';

let folder = '';
let count = 0;
const newFile = (ending = '.jsonl') => join(folder, `recording-${++count}${ending}`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-recording-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = '{"cauldron":"recording","version":1,"startedAt":"2023-11-14T22:13:20.000Z"}';

function written(...lines: readonly string[]): string {
  const file = newFile();
  writeFileSync(file, lines.join('\n'));
  return file;
}

async function read(file: string): Promise<{ startedAtMs: number; messages: RecordedMessage[]; torn: string[] }> {
  const torn: string[] = [];
  const { startedAtMs, batches } = await openRecording(file, { onTornEnd: (text) => torn.push(text) });
  return { startedAtMs, messages: (await collected(batches)).flat(), torn };
}

async function collected<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

const PROPERTIES: Properties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 3_600,
  contentType: 'application/json',
  responseTopic: 'answers',
  correlationData: Uint8Array.of(0, 255, 1),
  userProperties: [
    ['a', '1'],
    ['a', '2'],
  ],
};

const MESSAGES = [
  { topic: 'a/b', payload: Buffer.from('hello'), qos: 0, retain: false, properties: {} },
  { topic: 'a/ü\t', payload: Buffer.from('\ufeffbom and \u0000 and \n'), qos: 1, retain: true, properties: {} },
  { topic: 'a/c', payload: Buffer.of(0xff, 0xfe), qos: 2, retain: false, properties: PROPERTIES },
  { topic: '$SYS/x', payload: new Uint8Array(0), qos: 0, retain: true, properties: {} },
] as const;

describe('a recording', () => {
  it.each(['.jsonl', '.jsonl.gz'])(
    'in %s gives back each message with its time, properties and order',
    async (ending) => {
      let nowMs = 5_000.25;
      const file = newFile(ending);
      const writer = RecordingWriter.open(file, { wallMs: () => 1_700_000_000_000, nowMs: () => nowMs });
      for (const message of MESSAGES) {
        nowMs += 1.2345;
        writer.record(message);
      }
      await writer.end();
      expect(writer.count).toBe(4);
      expect(statSync(file).mode & 0o777).toBe(0o600);

      const { startedAtMs, messages, torn } = await read(file);
      expect([startedAtMs, torn]).toEqual([1_700_000_000_000, []]);
      expect(messages.map(({ atMs }) => atMs)).toEqual([1.235, 2.469, 3.704, 4.938].map((ms) => expect.closeTo(ms, 2)));
      expect(
        messages.map(({ topic, payload, qos, retain }) => ({ topic, payload: [...payload], qos, retain })),
      ).toEqual(MESSAGES.map(({ topic, payload, qos, retain }) => ({ topic, payload: [...payload], qos, retain })));
      expect(messages[2].properties).toEqual({ ...PROPERTIES, correlationData: Buffer.of(0, 255, 1) });
      expect(messages[3].properties).toBeNull();
    },
  );

  it('is lines of JSON for other programs', async () => {
    const file = newFile();
    const writer = RecordingWriter.open(file, { wallMs: () => 1_700_000_000_000, nowMs: () => 0 });
    writer.record(MESSAGES[0]);
    writer.record(MESSAGES[2]);
    await writer.end();
    const [header, first, second, end] = readFileSync(file, 'utf8').split('\n');
    expect([header, first, end]).toEqual([HEADER, '{"ms":0,"topic":"a/b","qos":0,"payload":"hello"}', '']);
    expect(JSON.parse(second)).toMatchObject({ payloadBase64: '//4=', properties: { correlationDataBase64: 'AP8B' } });
  });

  it('leaves out what means something on one connection only', async () => {
    const file = newFile();
    const writer = RecordingWriter.open(file);
    writer.record({ ...MESSAGES[0], properties: { topicAlias: 3, subscriptionIdentifiers: [1], contentType: 'x' } });
    await writer.end();
    expect((await read(file)).messages[0].properties).toEqual({ contentType: 'x' });
  });

  it('overwrites nothing, and says why it cannot begin', () => {
    const file = written(HEADER);
    expect(() => RecordingWriter.open(file)).toThrow(`${file} is there already`);
    expect(() => RecordingWriter.open(join(folder, 'missing', 'x'))).toThrow(/^No recording: ENOENT/);
  });

  it.each(['.jsonl', '.jsonl.gz'])(
    'in %s of 20,000 messages tells when it is behind, and when it has room',
    async (ending) => {
      const writer = RecordingWriter.open(newFile(ending));
      let full = 0;
      const room = new Promise<void>((resolve) => {
        writer.onRoom = resolve;
      });
      writer.onFull = () => full++;
      const payload = Buffer.alloc(1_000, 'x');
      for (let i = 0; i < 20_000; i++) writer.record({ topic: 't', payload, qos: 0, retain: false, properties: {} });
      expect(full).toBeGreaterThan(0);
      await room;
      await writer.end();
    },
  );
});

describe('a recording that is not right', () => {
  it.each([
    [[''], /is no recording: it is empty/],
    [['hello'], /:1: it is no JSON/],
    [['{"version":1}'], /:1: it is no recording/],
    [['{"cauldron":"recording","version":2,"startedAt":"2023-11-14T22:13:20Z"}'], /:1: it is of version 2/],
    [['{"cauldron":"recording","version":1,"startedAt":"x"}'], /:1: 'startedAt' is no time: x/],
  ])('is refused for its header: %j', async (lines, message) => {
    await expect(openRecording(written(...lines))).rejects.toThrow(message);
  });

  it.each([
    ['{"topic":"a","qos":0,"payload":"x"}', /:3: 'ms' is a number/],
    ['{"ms":0,"topic":"a/#","qos":0,"payload":"x"}', /:3: .*contains a wildcard/],
    ['{"ms":0,"topic":"a","qos":3,"payload":"x"}', /:3: 'qos' of the message must be 0 or 1 or 2/],
    ['{"ms":0,"topic":"a","qos":0}', /:3: the message has no 'payload'/],
    ['{"ms":0,"topic":"a","qos":0,"payloadBase64":"?"}', /:3: .*base64/],
    ['{"ms":0,"topic":"a","qos":0,"payload":"x","color":1}', /:3: the message has a field 'color'/],
    ['{"ms":0,"topic":"a","qos":0,"payload":"x","properties":{"topicAlias":1}}', /:3: .*'topicAlias'/],
    ['{"ms":0,"topic":"a","qos":0,"payload":"x","properties":{"contentType":5}}', /:3: contentType is a number/],
    ['{"ms":0,', /:3: it is no JSON/],
  ])('names the line: %s', async (line, message) => {
    const { batches } = await openRecording(written(HEADER, '', line, ''));
    await expect(collected(batches)).rejects.toThrow(message);
  });

  it('gives what is in front of such a line first', async () => {
    const line = '{"ms":0,"topic":"a","qos":0,"payload":"x"}';
    const { batches } = await openRecording(written(HEADER, line, line, 'x', line));
    expect((await batches.next()).value).toHaveLength(2);
    await expect(batches.next()).rejects.toThrow(/:4: it is no JSON/);
  });

  it('may end in the middle of a message: the writer was interrupted', async () => {
    const line = '{"ms":0,"topic":"a","qos":0,"payload":"x"}';
    const { messages, torn } = await read(written(HEADER, line, line.slice(0, 20)));
    expect([messages.length, torn]).toEqual([1, [expect.stringMatching(/:3: .*middle of a message/)]]);
  });

  it('may have been packed and have no end', async () => {
    const line = '{"ms":0,"topic":"a","qos":0,"payload":"x"}\n';
    const packed = gzipSync(`${HEADER}\n${line.repeat(20_000)}`);
    expect(gunzipSync(packed).length).toBeGreaterThan(800_000);
    const file = newFile();
    writeFileSync(file, packed.subarray(0, packed.length - 100));
    const { messages, torn } = await read(file);
    expect(messages.length).toBeGreaterThan(1_000);
    expect(torn).not.toEqual([]);
  });

  it('that is not there is an error of its own', async () => {
    await expect(openRecording(join(folder, 'missing'))).rejects.toThrow(/missing cannot be read: ENOENT/);
  });
});
