import { describe, expect, it } from 'vitest';
import type { Ticket } from '../../packages/broker/src/core/ports/store.js';
import { SHARDS } from '../../packages/broker/src/core/ports/store.js';
import { queuedEntry, sampleMessage, sampleRecord, sampleTarget } from './store-samples.js';
import type { StoreSubject } from './store-subject.js';
import { ALICE, BOB, SHARD } from './store-subject.js';

/** The numbers that messages are stored under. */
export function describePositions(subject: StoreSubject): void {
  describe('positions', () => {
    it('gives out each once, growing from above 0, in every shard', () => {
      for (let shard = 0; shard < SHARDS; shard++) {
        let last = 0;
        for (let n = 0; n < 3; n++) {
          const position = subject.store.nextPosition(shard);
          expect(position).toBeGreaterThan(last);
          last = position;
        }
      }
    });

    it('never gives out one again that an entry used, even after its message is gone', async () => {
      subject.begin(ALICE);
      subject.append({ kind: 'dropped', clientId: ALICE, position: subject.queue('gone', ALICE) });
      const used = subject.store.nextPosition(SHARD) + 1_000;
      // Given out by another store, and for nobody here.
      subject.append(queuedEntry(used, sampleMessage(), sampleTarget(BOB)));
      subject.append({ kind: 'sessionRemoved', clientId: ALICE });
      await subject.reopen();
      expect(subject.store.nextPosition(SHARD)).toBeGreaterThan(used);
    });
  });
}

/** When entries are durable, and who hears of it. */
export function describeTickets(subject: StoreSubject): void {
  describe('tickets', () => {
    it('are 0 before the first append', () => {
      expect(subject.store.appended).toBe(0);
      expect(subject.store.committed).toBe(0);
    });

    it('grow with every append, and are committed in the end, never before they were appended', async () => {
      const { store } = subject;
      let last: Ticket = 0;
      for (let n = 0; n < 20; n++) {
        const ticket = store.append({ kind: 'session', record: sampleRecord(`${ALICE}-${n}`) });
        expect(ticket).toBeGreaterThan(last);
        expect(store.appended).toBe(ticket);
        expect(store.committed).toBeLessThanOrEqual(ticket);
        last = ticket;
      }
      await subject.settled();
      expect(store.committed).toBe(last);
    });

    it('are told once per commit, outside of append, growing, and never in the middle of a turn', async () => {
      const { store } = subject;
      const told: unknown[] = [];
      const endsOfTurns: Ticket[] = [];
      let isAppending = false;
      for (let turn = 0; turn < 5; turn++) {
        await subject.settled(
          () => {
            isAppending = true;
            for (let n = 0; n < 10; n++) subject.begin(`${ALICE}-${turn}-${n}`);
            isAppending = false;
            endsOfTurns.push(store.appended);
          },
          (committed) => told.push({ committed, read: store.committed, isAppending }),
        );
        expect(store.committed).toBe(endsOfTurns[turn]);
      }
      // A store that commits within `append` has nothing to tell; any other tells the end of each of these turns.
      const expected = endsOfTurns.map((committed) => ({ committed, read: committed, isAppending: false }));
      expect(told).toEqual(told.length === 0 ? [] : expected);
    });

    it('reach what was appended from within onCommit', async () => {
      let isFirst = true;
      const goOn = (): void => {
        if (isFirst) subject.begin(BOB);
        isFirst = false;
      };
      await subject.settled(() => subject.begin(ALICE), goOn);
      // A store that commits within `append` calls nobody.
      if (isFirst) goOn();
      expect(subject.store.committed).toBe(subject.store.appended);
      await subject.expectNowAndReopened(() => {
        const clientIds = [...subject.store.sessions()].map(({ record }) => record.clientId);
        expect(clientIds.sort()).toEqual([ALICE, BOB].sort());
      });
    });

    it('are all committed by close', async () => {
      subject.begin(ALICE);
      subject.queue('last words', ALICE);
      const { store } = subject;
      await subject.reopen();
      expect(store.committed).toBe(store.appended);
      expect(subject.payloads(ALICE)).toEqual(['last words']);
    });
  });
}
