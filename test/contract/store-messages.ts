import type { Properties } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { Message } from '../../packages/broker/src/core/message.js';
import { plainMessage, plainQueued, readQueue } from './store-model.js';
import { queuedEntry, sampleMessage, sampleTarget } from './store-samples.js';
import type { StoreSubject } from './store-subject.js';
import { ALICE, BOB, CAROL, SHARD } from './store-subject.js';

/** Queues of sessions. */
export function describeWaiting(subject: StoreSubject): void {
  describe('messages that wait', () => {
    it('gives them in the order of their positions, with their number and bytes', async () => {
      subject.begin(ALICE);
      const bytes = ['one', 'two', 'three'].map((payload) => sampleMessage({ payload }).bytes);
      for (const payload of ['one', 'two', 'three']) subject.queue(payload, ALICE);
      await subject.expectNowAndReopened(() => {
        expect(subject.payloads(ALICE)).toEqual(['one', 'two', 'three']);
        const { queuedMessages, queuedBytes } = subject.session(ALICE);
        expect(queuedMessages).toBe(3);
        expect(queuedBytes).toBe(bytes[0] + bytes[1] + bytes[2]);
      });
    });

    it('keeps one message for many sessions, and for each what is its own', async () => {
      subject.begin(ALICE, BOB, CAROL);
      const targets = [
        sampleTarget(ALICE, { qos: 2, retain: true, identifiers: [1, 268_435_455] }),
        sampleTarget(BOB, { qos: 1, sharedFilter: '$share/group/a/+' }),
        sampleTarget(CAROL, { qos: 0 }),
      ];
      const position = subject.queue('for all', ...targets);
      const message = sampleMessage({ payload: 'for all' });
      await subject.expectNowAndReopened(() => {
        for (const target of targets) {
          expect(subject.store.queue(target.clientId, 0, 10).map(plainQueued)).toEqual([
            plainQueued({ ...target, position, message }),
          ]);
        }
        expect(subject.storedMessages()).toBe(1);
      });
    });

    const everyProperty: Properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain; ü',
      responseTopic: 'reply/€',
      correlationData: Uint8Array.of(0, 1, 254, 255),
      userProperties: [
        ['twice', '1'],
        ['', ''],
        ['twice', '2'],
      ],
    };
    it.each([
      ['every property', sampleMessage({ properties: everyProperty })],
      ['properties that are there and empty', sampleMessage({ properties: { correlationData: new Uint8Array() } })],
      ['a time of expiry', sampleMessage({ expiresAtMs: 1_700_000_000_123 })],
      ['a time of publication', sampleMessage({ publishedAtMs: 1_700_000_000_456 })],
      ['a source', sampleMessage({ publisher: 'x', source: { clientId: 'x', username: 'ü', address: '::1' } })],
      [
        'a source without a user name',
        sampleMessage({ source: { clientId: 'publisher', username: undefined, address: '' } }),
      ],
      ['no payload', sampleMessage({ payload: '', topic: '/' })],
      ['every byte', sampleMessage({ payload: Uint8Array.from({ length: 256 }, (_, n) => n) })],
      ['a large payload', sampleMessage({ payload: new Uint8Array(300_000).fill(7) })],
      ['QoS 2, retain, no publisher', sampleMessage({ qos: 2, retain: true, publisher: '', topic: 'ü/\u{1f980}' })],
    ])('leaves a message intact that has %s', async (_what, message) => {
      const expected = plainMessage(message);
      const flying = subject.store.nextPosition(SHARD);
      subject.begin(ALICE);
      subject.append(
        queuedEntry(flying, message, sampleTarget(ALICE)),
        { kind: 'sent', clientId: ALICE, position: flying, packetId: 1 },
        queuedEntry(subject.store.nextPosition(SHARD), message, sampleTarget(ALICE)),
        { kind: 'retained', message },
      );
      await subject.expectNowAndReopened(() => {
        const [waiting] = subject.store.queue(ALICE, 0, 1);
        expect(waiting.message).toBeInstanceOf(Message);
        expect(plainMessage(waiting.message)).toEqual(expected);
        const [{ delivery }] = subject.session(ALICE).inflight;
        expect(delivery && plainMessage(delivery.message)).toEqual(expected);
        expect([...subject.store.retained()].map(plainMessage)).toEqual([expected]);
      });
    });

    it('puts an entry that was held back in its place', async () => {
      subject.begin(ALICE);
      const positions = Array.from({ length: 5 }, () => subject.store.nextPosition(SHARD));
      for (const n of [3, 0, 4, 2, 1]) {
        subject.append(queuedEntry(positions[n], sampleMessage({ payload: `${n}` }), sampleTarget(ALICE)));
      }
      await subject.expectNowAndReopened(() => expect(subject.payloads(ALICE)).toEqual(['0', '1', '2', '3', '4']));
    });

    it('lets further sessions wait for a message that others wait for', async () => {
      subject.begin(ALICE, BOB);
      const position = subject.queue('shared', ALICE);
      subject.append(queuedEntry(position, sampleMessage({ payload: 'shared' }), sampleTarget(BOB)));
      subject.append({ kind: 'dropped', clientId: ALICE, position });
      await subject.expectNowAndReopened(() => {
        expect(subject.payloads(ALICE)).toEqual([]);
        expect(subject.payloads(BOB)).toEqual(['shared']);
        expect(subject.storedMessages()).toBe(1);
      });
      subject.append({ kind: 'dropped', clientId: BOB, position });
      await subject.expectNowAndReopened(() => expect(subject.storedMessages()).toBe(0));
    });

    it('has a message once in a queue, however often it is told', async () => {
      subject.begin(ALICE);
      const position = subject.queue('once', ALICE);
      subject.append(queuedEntry(position, sampleMessage({ payload: 'once' }), sampleTarget(ALICE)));
      expect(subject.session(ALICE).queuedMessages).toBe(1);
      subject.append({ kind: 'dropped', clientId: ALICE, position });
      await subject.expectNowAndReopened(() => {
        expect(subject.session(ALICE)).toMatchObject({ queuedMessages: 0, queuedBytes: 0 });
        expect(subject.storedMessages()).toBe(0);
      });
    });

    it('drops one from any place in the queue', async () => {
      subject.begin(ALICE);
      const positions = ['0', '1', '2', '3', '4'].map((payload) => subject.queue(payload, ALICE));
      for (const n of [2, 0, 4]) subject.append({ kind: 'dropped', clientId: ALICE, position: positions[n] });
      await subject.expectNowAndReopened(() => {
        expect(subject.payloads(ALICE)).toEqual(['1', '3']);
        expect(subject.session(ALICE)).toMatchObject({
          queuedMessages: 2,
          queuedBytes: 2 * sampleMessage({ payload: '1' }).bytes,
        });
      });
    });

    it('holds a message until the last session is done with it, in whichever way', async () => {
      subject.begin(ALICE, BOB, CAROL);
      const position = subject.queue('for all', sampleTarget(ALICE, { qos: 2 }), BOB, CAROL);
      subject.append({ kind: 'dropped', clientId: CAROL, position });
      subject.append({ kind: 'sent', clientId: ALICE, position, packetId: 1 });
      subject.append({ kind: 'received', clientId: ALICE, packetId: 1 });
      subject.append({ kind: 'sent', clientId: BOB, position, packetId: 1 });
      await subject.expectNowAndReopened(() => expect(subject.storedMessages()).toBe(1));
      subject.append({ kind: 'completed', clientId: BOB, packetId: 1 });
      await subject.expectNowAndReopened(() => {
        expect(subject.storedMessages()).toBe(0);
        expect(subject.inflight(ALICE)).toEqual([[1, 3]]);
      });
    });

    it('lets go of what only a removed session had, waiting or in flight', async () => {
      subject.begin(ALICE, BOB);
      subject.append({ kind: 'sent', clientId: ALICE, position: subject.queue('flying', ALICE), packetId: 1 });
      subject.queue('waiting', ALICE);
      subject.queue('shared', ALICE, BOB);
      expect(subject.storedMessages()).toBe(3);
      subject.append({ kind: 'sessionRemoved', clientId: ALICE });
      await subject.expectNowAndReopened(() => {
        expect(subject.storedMessages()).toBe(1);
        expect(subject.payloads(BOB)).toEqual(['shared']);
      });
    });

    it('pages through a long queue that grows at its end and is taken from at its front', async () => {
      subject.begin(ALICE);
      const positions = Array.from({ length: 3_000 }, (_, n) => subject.queue(`${n}`, ALICE));
      const read: number[] = [];
      for (let page = subject.store.queue(ALICE, 0, 100); page.length > 0; ) {
        expect(page.length).toBeLessThanOrEqual(100);
        for (const { position } of page) {
          read.push(position);
          // Sessions take from the front what they have read, and drop others anywhere.
          if (position % 3 > 0) subject.append({ kind: 'dropped', clientId: ALICE, position });
        }
        if (positions.length < 3_200) positions.push(subject.queue('late', ALICE));
        page = subject.store.queue(ALICE, page[page.length - 1].position, 100);
      }
      expect(read).toEqual(positions);
      await subject.expectNowAndReopened(() => {
        expect(readQueue(subject.store, ALICE).map(({ position }) => position)).toEqual(
          positions.filter((p) => p % 3 === 0),
        );
      });
    });

    it('begins a page beyond the position asked for, whether or not it still waits', async () => {
      subject.begin(ALICE);
      const [, second, third, fourth] = ['1', '2', '3', '4'].map((payload) => subject.queue(payload, ALICE));
      subject.append({ kind: 'dropped', clientId: ALICE, position: second });
      await subject.expectNowAndReopened(() => {
        const beyond = (position: number, limit: number) =>
          subject.store.queue(ALICE, position, limit).map((queued) => queued.position);
        expect(beyond(second, 10)).toEqual([third, fourth]);
        expect(beyond(third, 10)).toEqual([fourth]);
        expect(beyond(second, 1)).toEqual([third]);
        expect(beyond(second, 0)).toEqual([]);
        expect(beyond(fourth, 10)).toEqual([]);
      });
    });
  });
}

/** Messages between PUBLISH and the last acknowledgement. */
export function describeInflight(subject: StoreSubject): void {
  describe('messages in flight', () => {
    it('keeps them in the order in which they were sent, not of ids or positions', async () => {
      subject.begin(ALICE);
      const [a, b, c] = ['a', 'b', 'c'].map((payload) => subject.queue(payload, sampleTarget(ALICE, { qos: 2 })));
      subject.append({ kind: 'sent', clientId: ALICE, position: c, packetId: 300 });
      subject.append({ kind: 'sent', clientId: ALICE, position: a, packetId: 65_535 });
      subject.append({ kind: 'sent', clientId: ALICE, position: b, packetId: 1 });
      subject.append({ kind: 'received', clientId: ALICE, packetId: 65_535 });
      await subject.expectNowAndReopened(() => {
        expect(subject.inflight(ALICE)).toEqual([
          [300, 2, 'c'],
          [65_535, 3],
          [1, 2, 'b'],
        ]);
        expect(subject.session(ALICE)).toMatchObject({ queuedMessages: 0, queuedBytes: 0 });
        expect(subject.store.queue(ALICE, 0, 10)).toEqual([]);
      });
    });

    it('keeps what was the session’s own while it waited', async () => {
      subject.begin(ALICE);
      const target = sampleTarget(ALICE, { retain: true, identifiers: [7], sharedFilter: '$share/group/a/+' });
      const message = sampleMessage({ payload: 'flying' });
      const position = subject.queue('flying', target);
      subject.append({ kind: 'sent', clientId: ALICE, position, packetId: 1 });
      await subject.expectNowAndReopened(() => {
        const deliveries = subject.session(ALICE).inflight.flatMap(({ delivery }) => delivery ?? []);
        expect(deliveries.map(plainQueued)).toEqual([plainQueued({ ...target, position, message })]);
      });
    });

    it('waits for PUBACK with QoS 1, for PUBREC and then PUBCOMP with QoS 2', async () => {
      subject.begin(ALICE);
      subject.append({ kind: 'sent', clientId: ALICE, position: subject.queue('one', ALICE), packetId: 1 });
      const twice = subject.queue('two', sampleTarget(ALICE, { qos: 2 }));
      subject.append({ kind: 'sent', clientId: ALICE, position: twice, packetId: 2 });
      await subject.expectNowAndReopened(() => {
        expect(subject.inflight(ALICE)).toEqual([
          [1, 1, 'one'],
          [2, 2, 'two'],
        ]);
      });
      subject.append(
        { kind: 'completed', clientId: ALICE, packetId: 1 },
        { kind: 'received', clientId: ALICE, packetId: 2 },
      );
      await subject.expectNowAndReopened(() => {
        expect(subject.inflight(ALICE)).toEqual([[2, 3]]);
        expect(subject.storedMessages()).toBe(0);
      });
      subject.append({ kind: 'completed', clientId: ALICE, packetId: 2 });
      await subject.expectNowAndReopened(() => expect(subject.inflight(ALICE)).toEqual([]));
    });

    it('lets a QoS 2 message be completed without PUBREC, because the client refused it', async () => {
      subject.begin(ALICE);
      subject.append({
        kind: 'sent',
        clientId: ALICE,
        position: subject.queue('no', sampleTarget(ALICE, { qos: 2 })),
        packetId: 2,
      });
      subject.append({ kind: 'completed', clientId: ALICE, packetId: 2 });
      await subject.expectNowAndReopened(() => {
        expect(subject.inflight(ALICE)).toEqual([]);
        expect(subject.storedMessages()).toBe(0);
      });
    });

    it('is done with what an id stood for when the id is given again', async () => {
      subject.begin(ALICE);
      const [a, b, c] = ['a', 'b', 'c'].map((payload) => subject.queue(payload, ALICE));
      subject.append({ kind: 'sent', clientId: ALICE, position: a, packetId: 1 });
      subject.append({ kind: 'sent', clientId: ALICE, position: b, packetId: 2 });
      subject.append({ kind: 'sent', clientId: ALICE, position: c, packetId: 1 });
      await subject.expectNowAndReopened(() => {
        expect(subject.inflight(ALICE)).toEqual([
          [2, 1, 'b'],
          [1, 1, 'c'],
        ]);
        expect(subject.storedMessages()).toBe(2);
      });
    });
  });
}
