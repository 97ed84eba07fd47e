import { describe, expect, it } from 'vitest';
import type { Entry } from '../../packages/broker/src/core/ports/store.js';
import { plainMessage, plainRecord, snapshot } from './store-model.js';
import { queuedEntry, sampleMessage, sampleRecord, sampleSubscription, sampleTarget } from './store-samples.js';
import type { StoreSubject } from './store-subject.js';
import { ALICE, BOB } from './store-subject.js';

/** What a store keeps of sessions and topics, apart from messages for sessions. */
export function describeSessions(subject: StoreSubject): void {
  describe('sessions', () => {
    it('keeps a record as it was given, a will with all its parts included', async () => {
      const message = sampleMessage({
        topic: 'will/ü',
        payload: 'gone',
        qos: 2,
        retain: true,
        properties: { contentType: 'text/plain', correlationData: Uint8Array.of(0, 255) },
        publisher: ALICE,
      });
      const alice = sampleRecord(ALICE, {
        expiryIntervalS: 0xffffffff,
        disconnectedAtMs: 1_700_000_000_123,
        will: { message, delayS: 30 },
      });
      const bob = sampleRecord(BOB, { username: undefined, address: '', protocolVersion: 3, expiryIntervalS: 0 });
      subject.append({ kind: 'session', record: alice }, { kind: 'session', record: bob });
      await subject.expectNowAndReopened(() => {
        expect(plainRecord(subject.session(ALICE).record)).toEqual(plainRecord(alice));
        expect(plainRecord(subject.session(BOB).record)).toEqual(plainRecord(bob));
        expect([...subject.store.sessions()]).toHaveLength(2);
      });
    });

    it('replaces the record of a session that resumes, and leaves its lists alone', async () => {
      subject.begin(ALICE);
      subject.append({ kind: 'subscribed', clientId: ALICE, subscription: sampleSubscription('a/#') });
      subject.append({ kind: 'sent', clientId: ALICE, position: subject.queue('flying', ALICE), packetId: 3 });
      subject.append({ kind: 'inboundHeld', clientId: ALICE, packetId: 9 });
      subject.queue('waiting', ALICE);
      const before = subject.session(ALICE);
      const record = sampleRecord(ALICE, { address: '127.0.0.2', disconnectedAtMs: 5, expiryIntervalS: 7 });
      subject.append({ kind: 'session', record });
      await subject.expectNowAndReopened(() => {
        const { record: after, inflight: flying, ...lists } = subject.session(ALICE);
        expect(after).toEqual(record);
        expect(flying.map(({ packetId }) => packetId)).toEqual([3]);
        expect(lists).toEqual({
          subscriptions: before.subscriptions,
          inbound: [9],
          queuedMessages: 1,
          queuedBytes: before.queuedBytes,
        });
        expect(subject.payloads(ALICE)).toEqual(['waiting']);
      });
    });

    it('forgets all that belonged to a session that is removed, and nothing of another', async () => {
      subject.begin(ALICE, BOB);
      for (const clientId of [ALICE, BOB]) {
        subject.append({ kind: 'subscribed', clientId, subscription: sampleSubscription('a/#') });
        subject.append({ kind: 'inboundHeld', clientId, packetId: 9 });
      }
      const position = subject.queue('flying', ALICE, BOB);
      for (const clientId of [ALICE, BOB]) subject.append({ kind: 'sent', clientId, position, packetId: 3 });
      subject.queue('waiting', ALICE, BOB);
      subject.append({ kind: 'sessionRemoved', clientId: ALICE });
      await subject.expectNowAndReopened(() => {
        expect([...subject.store.sessions()].map(({ record }) => record.clientId)).toEqual([BOB]);
        expect(subject.store.queue(ALICE, 0, 10)).toEqual([]);
        expect(subject.inflight(BOB)).toEqual([[3, 1, 'flying']]);
        expect(subject.payloads(BOB)).toEqual(['waiting']);
      });
      subject.begin(ALICE);
      await subject.expectNowAndReopened(() => {
        expect(subject.session(ALICE)).toEqual({
          record: sampleRecord(ALICE),
          subscriptions: [],
          inflight: [],
          inbound: [],
          queuedMessages: 0,
          queuedBytes: 0,
        });
        expect(subject.store.queue(ALICE, 0, 10)).toEqual([]);
      });
    });

    it('shows every session once, even if each is removed as soon as it was shown', () => {
      const clientIds = Array.from({ length: 50 }, (_, n) => `many-${n}`);
      subject.begin(...clientIds);
      const shown: string[] = [];
      for (const { record } of subject.store.sessions()) {
        shown.push(record.clientId);
        subject.append({ kind: 'sessionRemoved', clientId: record.clientId });
      }
      expect(shown.sort()).toEqual([...clientIds].sort());
      expect([...subject.store.sessions()]).toEqual([]);
    });

    it('tells a session as it was when it was read, whatever is appended later', () => {
      subject.begin(ALICE);
      subject.queue('one', ALICE);
      const before = subject.session(ALICE);
      subject.queue('two', ALICE);
      subject.append({ kind: 'inboundHeld', clientId: ALICE, packetId: 1 });
      expect(before.queuedMessages).toBe(1);
      expect(before.inbound).toEqual([]);
    });
  });

  describe('subscriptions', () => {
    it('keeps each with all its options, replaces the one with the same filter, and removes by filter', async () => {
      subject.begin(ALICE);
      const shared = sampleSubscription('$share/group/a/+', { qos: 0, retainHandling: 2, identifier: 268_435_455 });
      const replaced = sampleSubscription('a/+', {
        qos: 2,
        noLocal: true,
        retainAsPublished: true,
        retainHandling: 1,
      });
      for (const subscription of [sampleSubscription('a/+'), shared, sampleSubscription('ü/#'), replaced]) {
        subject.append({ kind: 'subscribed', clientId: ALICE, subscription });
      }
      subject.append({ kind: 'unsubscribed', clientId: ALICE, filter: 'ü/#' });
      await subject.expectNowAndReopened(() => {
        const { subscriptions } = subject.session(ALICE);
        expect([...subscriptions].sort((a, b) => a.qos - b.qos)).toEqual([shared, replaced]);
      });
    });
  });

  it('holds inbound ids until they are released, each session its own', async () => {
    subject.begin(ALICE, BOB);
    for (const packetId of [65_535, 1, 300, 1]) subject.append({ kind: 'inboundHeld', clientId: ALICE, packetId });
    subject.append({ kind: 'inboundHeld', clientId: BOB, packetId: 300 });
    subject.append({ kind: 'inboundReleased', clientId: ALICE, packetId: 300 });
    await subject.expectNowAndReopened(() => {
      expect([...subject.session(ALICE).inbound].sort((a, b) => a - b)).toEqual([1, 65_535]);
      expect(subject.session(BOB).inbound).toEqual([300]);
    });
  });

  it('keeps one retained message for each topic until it is replaced or cleared', async () => {
    const messages = ['a', 'a/b', 'ü', 'a'].map((topic, n) => sampleMessage({ topic, payload: `${n}`, retain: true }));
    for (const message of messages) subject.append({ kind: 'retained', message });
    subject.append({ kind: 'retainedCleared', topic: 'ü' });
    await subject.expectNowAndReopened(() => {
      const byTopic = new Map([...subject.store.retained()].map((message) => [message.topic, plainMessage(message)]));
      expect(byTopic).toEqual(
        new Map([
          ['a', plainMessage(messages[3])],
          ['a/b', plainMessage(messages[1])],
        ]),
      );
      expect([...subject.store.retained()]).toHaveLength(2);
    });
  });
}

/** What a store makes of entries that come too late, or were meant for another. */
export function describeUnknown(subject: StoreSubject): void {
  describe('entries about what the store does not have', () => {
    const unknown: readonly Entry[] = [
      { kind: 'sessionRemoved', clientId: 'nobody' },
      { kind: 'subscribed', clientId: 'nobody', subscription: sampleSubscription('a') },
      { kind: 'unsubscribed', clientId: 'nobody', filter: 'a' },
      { kind: 'unsubscribed', clientId: ALICE, filter: 'not/this' },
      queuedEntry(1_000, sampleMessage(), sampleTarget('nobody')),
      { kind: 'sent', clientId: 'nobody', position: 1, packetId: 1 },
      { kind: 'sent', clientId: ALICE, position: 999, packetId: 1 },
      { kind: 'received', clientId: 'nobody', packetId: 1 },
      { kind: 'received', clientId: ALICE, packetId: 99 },
      { kind: 'completed', clientId: 'nobody', packetId: 1 },
      { kind: 'completed', clientId: ALICE, packetId: 99 },
      { kind: 'dropped', clientId: 'nobody', position: 1 },
      { kind: 'dropped', clientId: ALICE, position: 999 },
      { kind: 'inboundHeld', clientId: 'nobody', packetId: 1 },
      { kind: 'inboundReleased', clientId: 'nobody', packetId: 1 },
      { kind: 'inboundReleased', clientId: ALICE, packetId: 99 },
      { kind: 'retainedCleared', topic: 'not/this' },
    ];
    it.each(unknown.map((entry) => [entry.kind, 'clientId' in entry ? entry.clientId : 'no client', entry] as const))(
      'ignores %s for %s, and gives it a ticket all the same',
      async (_kind, _clientId, entry) => {
        subject.begin(ALICE);
        subject.append({ kind: 'subscribed', clientId: ALICE, subscription: sampleSubscription('a') });
        subject.append({ kind: 'sent', clientId: ALICE, position: subject.queue('flying', ALICE), packetId: 1 });
        subject.append({ kind: 'inboundHeld', clientId: ALICE, packetId: 1 });
        subject.append({ kind: 'retained', message: sampleMessage() });
        subject.queue('waiting', ALICE);
        const before = snapshot(subject.store);
        const { appended } = subject.store;
        expect(subject.store.append(entry)).toBeGreaterThan(appended);
        await subject.expectNowAndReopened(() => {
          expect(snapshot(subject.store)).toEqual(before);
          expect(subject.storedMessages()).toBe(2);
        });
      },
    );

    it('queues a message for those sessions of an entry that exist', async () => {
      subject.begin(ALICE);
      subject.queue('for one', BOB, ALICE);
      subject.begin(BOB);
      await subject.expectNowAndReopened(() => {
        expect(subject.payloads(ALICE)).toEqual(['for one']);
        expect(subject.payloads(BOB)).toEqual([]);
      });
      subject.append({ kind: 'sessionRemoved', clientId: ALICE });
      await subject.expectNowAndReopened(() => expect(subject.storedMessages()).toBe(0));
    });

    it('does not drop a message that is in flight already', async () => {
      subject.begin(ALICE);
      const position = subject.queue('flying', ALICE);
      subject.append({ kind: 'sent', clientId: ALICE, position, packetId: 1 });
      subject.append({ kind: 'dropped', clientId: ALICE, position });
      await subject.expectNowAndReopened(() => expect(subject.inflight(ALICE)).toEqual([[1, 1, 'flying']]));
    });

    it('finds no queue for a client without a session', () => {
      expect(subject.store.queue('nobody', 0, 10)).toEqual([]);
    });
  });
}
