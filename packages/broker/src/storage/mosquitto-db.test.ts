import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MosquittoChunk, type MosquittoDb, MosquittoDbError, readMosquittoDb } from './mosquitto-db.js';
import { entriesFrom } from './mosquitto-db-entries.js';
import { MosquittoDbWriter, uint8, uint16, uint32 } from './mosquitto-db-writer.test-support.js';

const NONE = new Uint8Array(0);

/** A file with every kind of chunk. */
function sample(version: 5 | 6, isLittleEndian = true): MosquittoDbWriter {
  return new MosquittoDbWriter(version, isLittleEndian)
    .configuration()
    .message(8, 'a/b', 'text', {
      qos: 2,
      retain: true,
      publisher: 'sender',
      username: 'bob',
      expiresAtS: 1_800_000_000,
      properties: { contentType: 'text/plain', userProperties: [['k', 'ü']] },
    })
    .message(9, 'plain', NONE)
    .client('one', { username: 'anna' })
    .clientMessage('one', 8, { state: 5, packetId: 300, qos: 2, retain: true, dup: true })
    .clientMessage('one', 9, { state: 11, properties: { subscriptionIdentifiers: [7, 200] } })
    .client('two', { expiryIntervalS: 60, expiresAtS: 1_700_000_000 })
    .clientMessage('two', 8, { state: 7, packetId: 2, qos: 2, direction: 0 })
    .subscription('one', 'a/#', 2, { options: 0x1c, identifier: 77 })
    .subscription('two', '$share/g/+', 1)
    .retained(8);
}

/** What must be the result of reading `sample`. */
function expected(version: 5 | 6): MosquittoDb {
  const port = version === 6 ? 1883 : 0;
  const source = { sourcePacketId: 7, sourcePort: 1883 };
  const plain = { ...source, publisher: '', username: undefined, expiresAtS: 0, properties: null, retain: false };
  const outbound = { clientId: 'one', isOutbound: true };
  return {
    version,
    clients: [
      {
        ...{ clientId: 'one', username: version === 6 ? 'anna' : undefined, lastPacketId: 1, port },
        ...{ expiryIntervalS: 0xffffffff, expiresAtS: 0 },
      },
      {
        ...{ clientId: 'two', username: undefined, lastPacketId: 1, port },
        ...{ expiryIntervalS: 60, expiresAtS: 1_700_000_000 },
      },
    ],
    subscriptions: [
      {
        ...{ clientId: 'one', filter: 'a/#', qos: 2, identifier: 77 },
        ...{ noLocal: true, retainAsPublished: true, retainHandling: 1, options: 0x1c },
      },
      {
        ...{ clientId: 'two', filter: '$share/g/+', qos: 1, identifier: 0 },
        ...{ noLocal: false, retainAsPublished: false, retainHandling: 0, options: 0 },
      },
    ],
    messages: new Map([
      [
        8n,
        {
          ...{ id: 8n, topic: 'a/b', payload: new TextEncoder().encode('text'), qos: 2, retain: true },
          ...{ ...source, publisher: 'sender', username: 'bob', expiresAtS: 1_800_000_000 },
          properties: { contentType: 'text/plain', userProperties: [['k', 'ü']] },
        },
      ],
      [9n, { ...plain, id: 9n, topic: 'plain', payload: NONE, qos: 1 }],
    ]),
    retained: [8n],
    clientMessages: [
      { ...outbound, messageId: 8n, packetId: 300, qos: 2, state: 5, retain: true, dup: true, identifiers: null },
      { ...outbound, messageId: 9n, packetId: 0, qos: 1, state: 11, retain: false, dup: false, identifiers: [7, 200] },
      {
        ...{ clientId: 'two', isOutbound: false, messageId: 8n, packetId: 2, qos: 2, state: 7 },
        ...{ retain: false, dup: false, identifiers: null },
      },
    ],
  };
}

/** Reads it, and makes entries of it. */
function readAll(bytes: Uint8Array): number {
  let position = 0;
  let entries = 0;
  for (const _ of entriesFrom(readMosquittoDb(bytes), { nextPosition: () => ++position })) entries++;
  return entries;
}

/** True: it was read, or refused in the proper way. */
function endsProperly(bytes: Uint8Array): boolean {
  try {
    readAll(bytes);
  } catch (error) {
    if (!(error instanceof MosquittoDbError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
  }
  return true;
}

describe('a mosquitto.db', () => {
  it.each([5, 6] as const)('of version %i says everything that is in it', (version) => {
    expect(readMosquittoDb(sample(version).bytes)).toEqual(expected(version));
  });

  it('shows its parts in their order, with their lengths', () => {
    const seen: MosquittoChunk[] = [];
    const db = readMosquittoDb(sample(6).bytes, (chunk) => seen.push(chunk));
    expect(seen.slice(0, 2)).toEqual([
      { kind: 'configuration', length: 16, lastMessageId: 99n, isOrderlyEnd: true, idBytes: 8 },
      { kind: 'message', length: 70, message: db.messages.get(8n) },
    ]);
    expect(seen.slice(3, 6)).toEqual([
      { kind: 'client', length: 31, client: db.clients[0] },
      { kind: 'clientMessage', length: 19, clientMessage: db.clientMessages[0] },
      { kind: 'clientMessage', length: 25, clientMessage: db.clientMessages[1] },
    ]);
    expect(seen.slice(-2)).toEqual([
      { kind: 'subscription', length: 25, subscription: db.subscriptions[1] },
      { kind: 'retained', length: 8, messageId: 8n },
    ]);
    expect(seen).toHaveLength(11);
  });

  it('that begins anywhere in its buffer is read in place', () => {
    const { bytes } = sample(6);
    const buffer = new Uint8Array(bytes.length + 20);
    buffer.set(bytes, 13);
    const view = buffer.subarray(13, 13 + bytes.length);
    const db = readMosquittoDb(view);
    expect(db).toEqual(expected(6));
    expect(db.messages.get(8n)?.payload.buffer).toBe(buffer.buffer);
  });

  it('of a big-endian machine has its times right', () => {
    const { clients, messages } = readMosquittoDb(sample(6, false).bytes);
    expect(clients[1].expiresAtS).toBe(1_700_000_000);
    expect([...messages.values()].map(({ expiresAtS }) => expiresAtS)).toEqual([1_800_000_000, 0]);
  });

  it('of a 32-bit machine has less padding', () => {
    const writer = new MosquittoDbWriter().configuration({ paddingBytes: 2 });
    const { bytes } = writer.client('short', { username: 'anna', paddingBytes: 0 });
    expect(readMosquittoDb(bytes).clients).toMatchObject([{ clientId: 'short', username: 'anna' }]);
  });

  it("has no user name where Mosquitto wrote the remains of another client's", () => {
    const remains = Buffer.from('anna\0\xff\xfe memory', 'latin1');
    const { bytes } = new MosquittoDbWriter().client('one', { username: remains });
    expect(readMosquittoDb(bytes).clients).toMatchObject([{ clientId: 'one', username: undefined }]);
  });

  it.each([0x00, 0x10, 0x20, 0x0c])('has the options of a subscription (0x%x) as SUBSCRIBE has them', (options) => {
    const { bytes } = new MosquittoDbWriter().subscription('one', 'a', 0, { options });
    expect(readMosquittoDb(bytes).subscriptions).toMatchObject([
      { noLocal: options === 0x0c, retainAsPublished: options === 0x0c, retainHandling: (options >> 4) & 3 },
    ]);
  });
});

describe('a file that cannot be read', () => {
  const header = new MosquittoDbWriter().bytes;
  const CHUNK = header.length;

  it.each<[string, Uint8Array, number, RegExp]>([
    ['empty', NONE, 0, /not a mosquitto\.db/],
    ['another file', Buffer.from('SQLite format 3\0 and so on and on'), 0, /not a mosquitto\.db/],
    ['version 4', new MosquittoDbWriter(4).bytes, 19, /version 4, only 5 and 6 .*; Mosquitto 2\.0 writes it/],
    ['version 7', new MosquittoDbWriter(7).bytes, 19, /version 7, only 5 and 6 can be read$/],
    ['an unknown chunk', new MosquittoDbWriter().chunk(7).bytes, CHUNK, /no kind of chunk with the number 7/],
    [
      'a chunk longer than the file',
      Buffer.concat([header, uint32(4), uint32(8), uint32(0)]),
      CHUNK,
      /a retain chunk has 8 bytes, but only 4 are left/,
    ],
    ['half a chunk header', Buffer.concat([header, uint32(4)]), CHUNK + 4, /its length takes 4 bytes, but only 0/],
    [
      'a chunk that is too short',
      new MosquittoDbWriter().chunk(4, uint32(1)).bytes,
      CHUNK + 8,
      /the message id takes 8/,
    ],
    [
      'a chunk that is too long',
      new MosquittoDbWriter().chunk(4, uint32(1), uint32(1), uint8(1)).bytes,
      CHUNK + 16,
      /a retain chunk: 1 bytes follow/,
    ],
    [
      'ids of 4 bytes',
      new MosquittoDbWriter().configuration({ idBytes: 4 }).bytes,
      CHUNK + 17,
      /message ids of 4 bytes/,
    ],
    [
      'a configuration that is too long',
      new MosquittoDbWriter().configuration({ paddingBytes: 8 }).bytes,
      CHUNK + 18,
      /8 bytes follow/,
    ],
    ['no client id', new MosquittoDbWriter().client('').bytes, CHUNK + 32, /the client id is empty/],
    ['a time before 1970', new MosquittoDbWriter().client('a', { expiresAtS: -1 }).bytes, CHUNK + 8, /is -1 seconds/],
    [
      'a time that cannot be',
      new MosquittoDbWriter().client('a', { expiresAtS: 2 ** 41 + 1 }).bytes,
      CHUNK + 8,
      /seconds after 1970/,
    ],
    ['QoS 3', new MosquittoDbWriter().message(1, 'a', 'b', { qos: 3 }).bytes, CHUNK + 38, /there is no QoS 3/],
    [
      'a topic with a wildcard',
      new MosquittoDbWriter().message(1, 'a/#', 'b').bytes,
      CHUNK + 43,
      /contains a wildcard/,
    ],
    ['a topic that is not UTF-8', badTopic(), CHUNK + 40, /the topic is not valid UTF-8/],
    [
      'one id twice',
      new MosquittoDbWriter().message(1, 'a', '').message(1, 'b', '').bytes,
      CHUNK + 49,
      /a second message with the id 1$/,
    ],
    ['a filter with # inside', new MosquittoDbWriter().subscription('a', 'b/#/c', 0).bytes, CHUNK + 26, /not alone/],
    [
      'a shared filter without one',
      new MosquittoDbWriter().subscription('a', '$share/g', 0).bytes,
      CHUNK + 29,
      /no topic/,
    ],
    [
      'an identifier that cannot be',
      new MosquittoDbWriter().subscription('a', 'b', 0, { identifier: 0x10000000 }).bytes,
      CHUNK + 8,
      /the subscription identifier is 268435456/,
    ],
    ['state 0', new MosquittoDbWriter().clientMessage('a', 1, { state: 0 }).bytes, CHUNK + 21, /there is no state 0/],
    [
      'state 12',
      new MosquittoDbWriter().clientMessage('a', 1, { state: 12 }).bytes,
      CHUNK + 21,
      /there is no state 12/,
    ],
    [
      'direction 2',
      new MosquittoDbWriter().clientMessage('a', 1, { state: 3, direction: 2 }).bytes,
      CHUNK + 23,
      /there is no direction 2/,
    ],
    ['something behind the properties', messageWith(0, 1), CHUNK + 42, /a message chunk: 1 bytes follow/],
    ['broken properties', messageWith(1, 0x7f), CHUNK + 43, /a message chunk: .*there is no property 0x7f/],
  ])('says where and why: %s', (_, bytes, offset, message) => {
    const error = faultOf(bytes);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(`mosquitto.db, byte ${offset}: `);
    expect(error.offset).toBe(offset);
  });

  it.each([5, 6] as const)('is refused, or says less, wherever version %i was cut off', (version) => {
    const { bytes } = sample(version);
    const all = readAll(bytes);
    let read = 0;
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      try {
        const entries = readAll(cut);
        expect(entries).toBeLessThan(all);
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(MosquittoDbError);
      }
    }
    // Between two chunks: the header alone, and each of the eleven chunks but the last.
    expect(read).toBe(11);
  });

  it('ends in an error of the right kind, or in entries, whatever its bytes are', () => {
    const { bytes } = sample(6);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    const anyDamage = fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const damaged = Uint8Array.from(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      return endsProperly(damaged);
    });
    fc.assert(anyDamage, { numRuns: 3000 });
    const anyTail = fc.property(fc.uint8Array({ maxLength: 200 }), (tail) =>
      endsProperly(Buffer.concat([header, tail])),
    );
    fc.assert(anyTail, { numRuns: 500 });
  });

  function badTopic(): Uint8Array {
    const { bytes } = new MosquittoDbWriter().message(1, 'abc', '');
    return Uint8Array.from(bytes, (byte, i) => (i === CHUNK + 41 ? 0xff : byte));
  }

  /** A message with these bytes where its properties are. */
  function messageWith(...properties: readonly number[]): Uint8Array {
    const zeros = new Uint8Array(20);
    const lengths = [uint16(0), uint16(0), uint16(1), uint16(0)];
    return new MosquittoDbWriter().chunk(
      2,
      ...[zeros.subarray(0, 16), uint32(0), uint16(0), ...lengths, uint8(1), uint8(0)],
      ...[Buffer.from('t'), Uint8Array.from(properties)],
    ).bytes;
  }
});

function faultOf(bytes: Uint8Array): MosquittoDbError {
  try {
    readMosquittoDb(bytes);
  } catch (error) {
    if (error instanceof MosquittoDbError) return error;
    throw error;
  }
  throw new Error('It was read');
}
