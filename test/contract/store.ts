import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry, Position } from '../../packages/broker/src/core/ports/store.js';
import { describeInflight, describeWaiting } from './store-messages.js';
import { snapshot } from './store-model.js';
import { arbitraryRun, performRun } from './store-runs.js';
import { describeSessions, describeUnknown } from './store-sessions.js';
import type { OpenedStore } from './store-subject.js';
import { StoreSubject } from './store-subject.js';
import { describePositions, describeTickets } from './store-tickets.js';

/** The suite that every store has to pass. `open` gives an empty one each time. */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`Store contract: ${name}`, () => {
    const subject = new StoreSubject();

    beforeEach(async () => subject.use(await open()));

    afterEach(() => subject.store.close());

    describeSessions(subject);
    describeWaiting(subject);
    describeInflight(subject);
    describeUnknown(subject);
    describePositions(subject);
    describeTickets(subject);

    describe('any run of entries', () => {
      it('amounts to what the entries say one by one, now and when opened again', async () => {
        const runProperty = fc.asyncProperty(arbitraryRun, async (steps) => {
          const opened = await open();
          const { model } = await performRun(opened.store, steps);
          expect(snapshot(opened.store)).toEqual(model.snapshot);
          expect(opened.storedMessages()).toBe(model.storedMessages);
          const reopened = await opened.reopen();
          expect(snapshot(reopened)).toEqual(model.snapshot);
          expect(opened.storedMessages()).toBe(model.storedMessages);
          await reopened.close();
        });
        await fc.assert(runProperty, { numRuns: 60 });
      });

      it('gives an equal state when it is replayed into an empty store', async () => {
        const replayProperty = fc.asyncProperty(arbitraryRun, async (steps) => {
          const [first, second] = [await open(), await open()];
          const { entries } = await performRun(first.store, steps);
          for (const entry of entries) second.store.append(entry);
          expect(snapshot(second.store)).toEqual(snapshot(first.store));
          expect(second.storedMessages()).toBe(first.storedMessages());
          for (const [shard, position] of lastPositions(entries)) {
            expect(second.store.nextPosition(shard)).toBeGreaterThan(position);
          }
          await Promise.all([first.store.close(), second.store.close()]);
        });
        await fc.assert(replayProperty, { numRuns: 40 });
      });
    });
  });
}

/** The highest position that a run used in each shard. */
function lastPositions(entries: readonly Entry[]): Map<number, Position> {
  const positions = new Map<number, Position>();
  for (const entry of entries) {
    if (entry.kind === 'queued') positions.set(entry.shard, Math.max(entry.position, positions.get(entry.shard) ?? 0));
  }
  return positions;
}
