import { memoryLinkPair } from '@cauldron/broker';
import { ConnectReturnCode, encodePacket, Framer, PacketType, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf, packetFixtures } from '../fixtures/packets.js';
import { takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { CONNACK, CONNECT, DISCONNECT, PUBACK, PUBLISH } = PacketType;

/** Each row that is refused, once for each of its versions. */
const refused = packetFixtures.flatMap(({ name, hex, versions, error }) =>
  error === undefined ? [] : versions.map((version) => ({ name, version, bytes: bytesOf(hex), error })),
);
const isConnect = ({ bytes }: { bytes: Uint8Array }): boolean => bytes[0] >> 4 === PacketType.CONNECT;

/** Whether it comes as far as the version of the protocol, and that is a known one. */
function namesVersion({ bytes, version, error }: { bytes: Uint8Array; version: number; error: ReasonCode }): boolean {
  return error !== ReasonCode.UNSUPPORTED_PROTOCOL_VERSION && bytes.lastIndexOf(version, 10) > 6;
}

/** Whether a whole frame can be found in it: what is cut would only make the broker wait for the rest. */
function isWhole({ bytes, version }: { bytes: Uint8Array; version: ProtocolVersion }): boolean {
  const framer = new Framer();
  framer.strictLength = version === 5;
  framer.feed(bytes, bytes.length);
  try {
    return framer.next();
  } catch {
    return true;
  }
}

describe('input that breaks the protocol', () => {
  let test: TestBroker;
  let others: readonly [TestClient, TestClient];

  beforeEach(async () => {
    test = new TestBroker();
    others = [await test.connected('other 1', 5), await test.connected('other 2', 4)];
    await others[1].subscribe('others', 1);
    test.log.lines.length = 0;
  });

  /** In each test: whoever is not meant does not notice, and the broker itself has made no mistake. */
  afterEach(async () => {
    others[0].publish('others', 'undisturbed', { qos: 1, packetId: 1 });
    expect((await others[0].expect(PUBACK)).reasonCode).toBe(0);
    expect((await takeMessage(others[1])).text).toBe('undisturbed');
    for (const other of others) await other.expectNothing();
    expect(test.log.lines.filter((line) => line.startsWith('Error'))).toEqual([]);
  });

  it.each(refused.filter(isWhole).filter((row) => !isConnect(row)))(
    'of a connected client ends its connection with the reason: $name (version $version)',
    async ({ version, bytes, error }) => {
      const client = await test.connected('bad', version);
      client.sendBytes(bytes);
      if (version === 5) {
        const { reasonCode, properties } = await client.expect(DISCONNECT);
        expect(reasonCode).toBe(error);
        expect(properties?.reasonString).toMatch(/.{10}/);
      }
      await client.expectClose();
      expect(client.inbox).toEqual([]);
      expect(test.log.lines.at(-2)).toMatch(/^[A-Z][a-z ]+ bad \[127\.0\.0\.1:5\]: .{10}/);
      expect(test.log.lines.at(-1)).toMatch(/^Client bad \[127\.0\.0\.1:5\] disconnected: [a-z ]+\.$/);
    },
  );

  it.each(refused.filter(isConnect).filter(isWhole).filter(namesVersion))(
    'in CONNECT is answered where 5.0 is spoken: $name (version $version)',
    async ({ version, bytes, error }) => {
      const client = test.client(version);
      client.sendBytes(bytes);
      if (version === 5) {
        const { reasonCode, sessionPresent, properties } = await client.expect(CONNACK);
        expect({ reasonCode, sessionPresent }).toEqual({ reasonCode: error, sessionPresent: false });
        expect(properties?.reasonString).toMatch(/.{10}/);
      }
      await client.expectClose();
      expect(client.inbox).toEqual([]);
      expect(test.log.lines.at(-2)).toMatch(/^[A-Z][a-z ]+ .*\[127\.0\.0\.1:5\]: .{10}/);
      expect(test.log.lines.at(-1)).toMatch(/^Client .*127\.0\.0\.1:5\] disconnected: [a-z ]+\.$/);
    },
  );

  it.each(refused.filter(({ error }) => error === ReasonCode.UNSUPPORTED_PROTOCOL_VERSION))(
    'in the name or version of the protocol is answered with 0x01 [MQTT-3.1.2-2]: $name',
    async ({ bytes }) => {
      const client = test.client(4);
      client.sendBytes(bytes);
      expect((await client.expect(CONNACK)).reasonCode).toBe(ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION);
      await client.expectClose();
      expect(test.log.lines.at(-2)).toMatch(/^Disconnecting .*: CONNECT: .{10}/);
      expect(test.log.lines.at(-1)).toMatch(/ disconnected: unsupported protocol version\.$/);
    },
  );

  it.each(packetFixtures.map(({ name, hex }) => ({ name, bytes: bytesOf(hex) })).filter((row) => !isConnect(row)))(
    'before CONNECT ends the connection without an answer [MQTT-3.1.0-1]: $name',
    async ({ bytes }) => {
      const client = test.client(5);
      client.sendBytes(bytes);
      await others[0].expectNothing();
      // A frame that is cut waits for the rest, but not for ever.
      test.clock.advance(31_000);
      await client.expectClose();
      expect(client.inbox).toEqual([]);
      expect(test.log.lines.at(-1)).toMatch(/^Client 127\.0\.0\.1 \[127\.0\.0\.1:5\] disconnected: /);
    },
  );

  it.each([4, 5] as const)('is a second CONNECT, well-formed or not [MQTT-3.1.0-2] (version %i)', async (version) => {
    for (const { bytes } of refused.filter(isConnect)) {
      const client = await test.connected('bad', version);
      client.sendBytes(bytes);
      if (version === 5) expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
      await client.expectClose();
    }
    const client = await test.connected('bad', version);
    const again = { type: CONNECT, protocolVersion: version, clean: true, keepAlive: 0, clientId: 'bad' } as const;
    client.send(again);
    if (version === 5) {
      const { reasonCode, properties } = await client.expect(DISCONNECT);
      expect(reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
      expect(properties?.reasonString).toContain('second CONNECT');
    }
    await client.expectClose();
  });

  it.each([4, 5] as const)('is a packet above the limit, as soon as its header tells (version %i)', async (version) => {
    test.broker.settings.maximumPacketSize = 1000;
    const client = await test.connected('bad', version);
    // The header of a PUBLISH of 1,001 bytes; its body never comes.
    client.sendBytes(Uint8Array.of(0x30, 0xe6, 0x07));
    if (version === 5) {
      const { reasonCode, properties } = await client.expect(DISCONNECT);
      expect(reasonCode).toBe(ReasonCode.PACKET_TOO_LARGE);
      expect(properties?.reasonString).toContain('1001 bytes');
    }
    await client.expectClose();
    expect(test.log.lines.at(-2)).toContain('the largest allowed has 1000');
  });

  it('is a packet above the limit before CONNECT, which is told nothing', async () => {
    test.broker.settings.maximumPacketSize = 1000;
    const client = test.client(5);
    client.sendBytes(Uint8Array.of(0x10, 0xe6, 0x07));
    await client.expectClose();
    expect(client.inbox).toEqual([]);
    expect(test.log.lines.at(-2)).toContain('the largest allowed has 1000');
  });

  it.each([3, 4, 5] as const)('is half a packet and then silence: keep-alive ends it (version %i)', async (version) => {
    const client = await test.connected('bad', version, { keepAlive: 10 });
    client.sendBytes(Uint8Array.of(0x30, 0x05, 0x00));
    await others[0].expectNothing();
    test.clock.advance(14_500);
    expect(test.broker.gauges.clientsConnected).toBe(3);
    test.clock.advance(1000);
    if (version === 5) expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.KEEP_ALIVE_TIMEOUT);
    await client.expectClose();
    expect(test.log.lines.at(-1)).toContain('exceeded timeout');
  });

  it('undoes nothing that came before it in the same read', async () => {
    const client = await test.connected('bad', 4);
    const good = encodePacket(
      { type: PUBLISH, topic: 'others', payload: Buffer.from('good'), qos: 1, packetId: 3, retain: false, dup: false },
      4,
    );
    client.sendBytes(Buffer.concat([good, good, Uint8Array.of(0xf0, 0), good]));
    for (let i = 0; i < 2; i++) {
      expect((await client.expect(PUBACK)).packetId).toBe(3);
      expect((await takeMessage(others[1])).text).toBe('good');
    }
    await client.expectClose();
    expect(client.inbox).toEqual([]);
  });

  it('may be anything: the broker answers or ends that connection, and goes on', async () => {
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(...packetFixtures).map(({ hex }) => bytesOf(hex)),
    );
    // Whole frames, and then some bytes that are different.
    const mutated = fc
      .tuple(
        fc.array(frame, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      )
      .map(([frames, changes]) => {
        const bytes = Uint8Array.from(Buffer.concat(frames));
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes;
      });
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<ProtocolVersion>(3, 4, 5),
        fc.boolean(),
        mutated,
        fc.nat(40),
        async (version, isConnected, bytes, cut) => {
          // What the broker answers is of no interest here, and may be of another version.
          const { client } = memoryLinkPair((link) => test.broker.accept(link));
          const closed = new Promise<void>((resolve) => (client.onClose = resolve));
          if (isConnected) {
            const clientId = `garbage ${++serial}`;
            const connect = { type: CONNECT, protocolVersion: version, clean: true, keepAlive: 0, clientId } as const;
            client.write(encodePacket(connect, version));
          }
          client.write(bytes.subarray(0, cut));
          client.write(bytes.subarray(cut));
          for (const other of others) await other.settle();
          client.reset(new Error('read ECONNRESET'));
          await closed;
          for (const other of others) other.inbox.length = 0;
          expect(test.log.lines.filter((line) => line.startsWith('Error'))).toEqual([]);
          expect(others.map(({ closed }) => closed)).toEqual([false, false]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a peer that speaks another protocol', () => {
  it.each(['SSH-2.0-OpenSSH_9.2\r\n', 'hello', '\u0016\u0003\u0001'])(
    'is let go at its first byte: %j',
    async (greeting) => {
      const test = new TestBroker();
      const peer = test.client();
      peer.sendBytes(Buffer.from(greeting, 'latin1'));
      await peer.expectClose();
      expect(peer.inbox).toEqual([]);
      expect(test.log.lines).toContainEqual(expect.stringContaining('is not that of a CONNECT'));
    },
  );
});
