import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreModel, snapshot } from '../../../../test/contract/store-model.js';
import { arbitraryRun, performRun } from '../../../../test/contract/store-runs.js';
import type { Entry, Store, Ticket } from '../core/ports/store.js';
import type { LmdbStore } from './lmdb-store.js';
import { closeAll, newPath, nextTurn, open, problemsOf, storeOf } from './lmdb-store.test-support.js';

/** What could be seen from outside at some moment, and what was on the disk then. */
interface Moment {
  readonly appended: Ticket;
  readonly committed: Ticket;
  readonly commits: number;
  /** The entries up to this one are in the last commit. */
  readonly written: Ticket;
}

/** How the time goes on with each append, so that held messages are written or not, and failed commits tried again. */
const PACES_MS = [0, 1, 400];

/** The store, with an eye on it after every append and every commit. */
function watch(store: LmdbStore, paceMs: number, look = (): void => {}): Pick<Store, 'append' | 'nextPosition'> {
  store.onCommit = look;
  return {
    nextPosition: (shard) => store.nextPosition(shard),
    append: (entry) => {
      const ticket = store.append(entry);
      look();
      vi.advanceTimersByTime(paceMs);
      return ticket;
    },
  };
}

function modelOf(entries: readonly Entry[]): StoreModel {
  const model = new StoreModel();
  for (const entry of entries) model.apply(entry);
  return model;
}

/** What may be missing on the disk though it is committed: messages that came and are done, and ends that may follow. */
function expectNothingOwed(entries: readonly Entry[], { written, committed, appended }: Moment): void {
  const model = modelOf(entries.slice(0, written));
  const owed = new Set<string>();
  for (const entry of entries.slice(written, committed)) {
    if (entry.kind === 'queued') {
      for (const { clientId } of entry.sessions) owed.add(`${clientId}/${entry.position}`);
    } else if (entry.kind === 'sent') {
      const queue = model.session(entry.clientId)?.queue ?? [];
      expect(queue.find(({ position }) => position === entry.position)?.qos).not.toBe(2);
    } else expect(['completed', 'dropped']).toContain(entry.kind);
    model.apply(entry);
  }
  for (const entry of entries.slice(committed, appended)) {
    if (entry.kind === 'queued') {
      for (const { clientId } of entry.sessions) {
        // It was done, and has come once more.
        if (!positionsOf(model, clientId).includes(entry.position)) owed.delete(`${clientId}/${entry.position}`);
      }
    }
    model.apply(entry);
  }
  for (const clientId of new Set([...owed].map((name) => name.split('/')[0]))) {
    for (const position of positionsOf(model, clientId)) expect([...owed]).not.toContain(`${clientId}/${position}`);
  }
}

/** Where the messages lie that wait for a session, or are in flight. */
function positionsOf(model: StoreModel, clientId: string): number[] {
  const session = model.session(clientId);
  const inflight = session?.inflight.flatMap(({ delivery }) => delivery ?? []) ?? [];
  return [...(session?.queue ?? []), ...inflight].map(({ position }) => position);
}

describe('a process that is killed', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });

  afterEach(async () => {
    await closeAll();
    vi.useRealTimers();
  });

  const conditions = fc.record({
    paceMs: fc.constantFrom(...PACES_MS),
    /** For how many turns each commit goes on. */
    turns: fc.nat(2),
    /** Of ten commits in a row, which fail. */
    failing: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
    /** Whether commits write the tables or the log, or now these and now that. */
    logFrom: fc.constantFrom(1, 4, 1000),
  });

  it('leaves at any moment what the entries amount to up to a turn, and all that was committed', async () => {
    const picks = fc.array(fc.nat(), { minLength: 2, maxLength: 2 });
    const property = fc.asyncProperty(arbitraryRun, conditions, picks, async (steps, how, someMoments) => {
      const { environment, store } = open(newPath(), { logFrom: how.logFrom });
      const moments: Moment[] = [];
      const writtenBy: Ticket[] = [0];
      const look = (): void => {
        const { appended, committed } = store;
        const commits = environment.commits.length;
        moments.push({ appended, committed, commits, written: writtenBy[commits] });
      };
      let ticket: Ticket = 0;
      let count = 0;
      environment.onBegin = async () => {
        ticket = store.appended;
        for (let turn = 0; turn < how.turns; turn++) await nextTurn();
      };
      environment.nextFault = () => {
        if (how.failing[count++ % 10] && count < 50) return 'no room';
        writtenBy[environment.commits.length + 1] = ticket;
        return null;
      };
      const { entries } = await performRun(watch(store, how.paceMs, look), steps);
      for (let turns = 0; turns < 5; turns++) await nextTurn();
      look();
      for (const moment of moments) expectNothingOwed(entries, moment);
      for (const pick of [moments.length - 1, ...someMoments]) {
        const { commits, written, committed } = moments[pick % moments.length];
        const found = storeOf(environment.commits.slice(0, commits));
        expect(snapshot(found.store)).toEqual(modelOf(entries.slice(0, written)).snapshot);
        expect(problemsOf(found.environment)).toEqual([]);
        for (const entry of entries.slice(0, committed)) {
          if (entry.kind === 'queued') expect(found.store.nextPosition(entry.shard)).toBeGreaterThan(entry.position);
        }
      }
      await closeAll();
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it('has all in memory while commits fail, and all on the disk when they do not', async () => {
    const property = fc.asyncProperty(arbitraryRun, conditions, async (steps, how) => {
      const { environment, store } = open(newPath(), { logFrom: how.logFrom });
      let count = 0;
      environment.onBegin = async () => {
        for (let turn = 0; turn < how.turns; turn++) await nextTurn();
      };
      environment.nextFault = () => (how.failing[count++ % 10] ? 'no room' : null);
      const { model } = await performRun(watch(store, how.paceMs), steps);
      expect(snapshot(store)).toEqual(model.snapshot);
      expect(store.storedMessages).toBe(model.storedMessages);
      environment.nextFault = () => null;
      await store.close();
      expect(store.committed).toBe(store.appended);
      const found = storeOf(environment.commits);
      expect(snapshot(found.store)).toEqual(model.snapshot);
      expect(found.store.storedMessages).toBe(model.storedMessages);
      expect(problemsOf(found.environment)).toEqual([]);
      await closeAll();
    });
    await fc.assert(property, { numRuns: 60 });
  });
});
