import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Authorizer, Principal } from '../core/ports/access.js';
import { AccessRecord, RecordedAuthorizer } from './access-record.js';

const ANN: Principal = { clientId: 'phone', username: 'ann', address: '127.0.0.1' };
const YES = { allowed: true, rule: 'acl:1: topic #' };
const NO = { allowed: false, rule: 'acl:2: topic deny x' };

describe('the record of accesses', () => {
  let nowMs = 0;
  beforeEach(() => {
    nowMs = 1_000_000_000;
  });

  it('has each access once, with the last answer and its time', () => {
    const record = new AccessRecord(() => nowMs);
    record.note('write', ANN, 'a', YES);
    record.note('read', ANN, 'a', YES);
    nowMs += 5;
    record.note('write', ANN, 'a', NO);
    record.note('write', { ...ANN, username: undefined }, 'a', NO);
    expect(record.recent()).toEqual([
      { action: 'read', clientId: 'phone', username: 'ann', topic: 'a', ...YES, atMs: nowMs - 5 },
      { action: 'write', clientId: 'phone', username: 'ann', topic: 'a', ...NO, atMs: nowMs },
      { action: 'write', clientId: 'phone', username: undefined, topic: 'a', ...NO, atMs: nowMs },
    ]);
  });

  it('forgets what is older than an hour, unless it was seen again', () => {
    const record = new AccessRecord(() => nowMs);
    record.note('write', ANN, 'once', YES);
    record.note('write', ANN, 'again', YES);
    nowMs += 30 * 60_000;
    record.note('write', ANN, 'again', YES);
    nowMs += 31 * 60_000;
    expect(record.recent().map(({ topic }) => topic)).toEqual(['again']);
    expect(record.size).toBe(1);
  });

  it('takes an access for about the same time when it is full as before', () => {
    const record = new AccessRecord(() => nowMs);
    /** CPU time of so many accesses to other topics. */
    const noteMany = (from: number, count: number) => {
      const before = process.cpuUsage();
      for (let i = from; i < from + count; i++, nowMs++) record.note('write', ANN, `topic/${i}`, YES);
      return process.cpuUsage(before).user;
    };
    const filling = noteMany(0, 100_000);
    expect(noteMany(100_000, 100_000)).toBeLessThan(filling * 10);
    expect(record.size).toBe(100_000);
  });

  it('goes on forgetting the oldest after it had forgotten all', () => {
    const record = new AccessRecord(() => nowMs, 2);
    for (const topic of ['a', 'b', 'c']) record.note('write', ANN, topic, YES);
    nowMs += 2 * 60 * 60_000;
    expect(record.recent()).toEqual([]);
    for (const topic of ['d', 'e', 'd', 'f', 'g']) record.note('write', ANN, topic, YES);
    expect(record.recent().map(({ topic }) => topic)).toEqual(['f', 'g']);
  });

  it('is bounded in number: the ones not seen for longest go', () => {
    const record = new AccessRecord(() => nowMs, 3);
    for (const topic of ['a', 'b', 'c', 'a', 'd']) record.note('read', ANN, topic, YES);
    expect(record.recent().map(({ topic }) => topic)).toEqual(['c', 'a', 'd']);
  });

  it('does not let one client wash out in a second what all others did', () => {
    const record = new AccessRecord(() => nowMs, 10_000);
    for (let i = 0; i < 10_000; i++) record.note('write', ANN, `before/${i}`, YES);
    for (let i = 0; i < 100_000; i++) record.note('write', ANN, `flood/${i}`, YES);
    const left = () => record.recent().filter(({ topic }) => topic.startsWith('before/')).length;
    expect(left()).toBe(9_000);
    nowMs += 1000;
    for (let i = 0; i < 20; i++) record.note('write', ANN, `later/${i}`, YES);
    expect(left()).toBeLessThan(9_000);
  });

  it('is bounded in memory, however long topics are', () => {
    const record = new AccessRecord(() => nowMs);
    for (let i = 0; i < 10_000; i++) {
      nowMs += 10;
      record.note('read', ANN, `${i}/${'x'.repeat(4000)}`, YES);
    }
    expect(record.size).toBeGreaterThan(1000);
    expect(record.size).toBeLessThan(4300);
    record.note('read', ANN, 'y'.repeat(5000), YES);
    expect(record.recent().at(-1)?.topic).toMatch(/^9999/);
  });
});

describe('an authorizer that is recorded', () => {
  function recorded(inner: Partial<Authorizer> = {}) {
    const record = new AccessRecord(() => 1);
    const rules: Authorizer = {
      unrestricted: false,
      version: 7,
      mayPublish: () => NO,
      maySubscribe: () => Promise.resolve(YES),
      mayReceive: () => YES,
      ...inner,
    };
    return { record, authorizer: new RecordedAuthorizer(rules, record) };
  }

  it('gives the same answers, at once or later', async () => {
    const { record, authorizer } = recorded();
    expect(authorizer.mayPublish(ANN, 'w')).toBe(NO);
    expect(await authorizer.maySubscribe(ANN, 's', 0)).toBe(YES);
    expect(authorizer.mayReceive(ANN, 'r')).toBe(YES);
    expect(authorizer.mayUnsubscribe(ANN, 's').allowed).toBe(true);
    expect(recorded({ mayUnsubscribe: () => NO }).authorizer.mayUnsubscribe(ANN, 's')).toBe(NO);
    expect(recorded({ unrestricted: true }).authorizer.unrestricted).toBe(true);
    expect(record.recent().map(({ action, topic, allowed }) => `${action} ${topic} ${allowed}`)).toEqual([
      'write w false',
      'subscribe s true',
      'read r true',
    ]);
  });

  describe('in the course of time', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('has the core ask anew several times an hour, until that is ended', () => {
      const { authorizer } = recorded();
      const end = authorizer.keepFresh();
      vi.advanceTimersByTime(61 * 60_000);
      expect(authorizer.version).toBe(10);
      end();
      vi.advanceTimersByTime(61 * 60_000);
      expect(authorizer.version).toBe(10);
    });
  });
});
