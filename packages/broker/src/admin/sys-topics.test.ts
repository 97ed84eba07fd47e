import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LateStore } from '../../../../test/support/late-store.js';
import { TestBroker } from '../../../../test/support/test-broker.js';
import { systemClock } from '../system.js';
import { SysTopics } from './sys-topics.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: 1_700_000_003_400 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A broker whose `$SYS` is looked at by a handler in the same process. */
class Subject {
  readonly test: TestBroker;
  readonly sys: SysTopics;
  /** Topic and text, as they came. */
  seen: string[] = [];

  constructor(options: ConstructorParameters<typeof TestBroker>[0] = {}) {
    this.test = new TestBroker(options);
    this.sys = new SysTopics(this.test.broker, 'cauldron version 1', systemClock);
    this.test.broker.subscribe('$SYS/#', ({ topic, payload }) => {
      // What the process has in memory is another figure each time; and so is what these topics take, themselves.
      if (topic.includes('/heap/') || topic.endsWith('/store/messages/bytes')) return;
      this.seen.push(`${topic.slice('$SYS/broker/'.length)} ${new TextDecoder().decode(payload)}`);
    });
  }

  after(ms: number): string[] {
    this.seen = [];
    vi.advanceTimersByTime(ms);
    return this.seen;
  }
}

it('everything is published at once, then what changed, at multiples of the interval on the wall clock', () => {
  const subject = new Subject();
  subject.sys.configure(10_000);
  expect(subject.seen).toContain('version cauldron version 1');
  expect(subject.seen).toContain('uptime 0 seconds');
  // It is 3.4 s after a multiple of ten.
  expect(subject.after(6599)).toEqual([]);
  expect(subject.after(1)).toContain('uptime 6 seconds');
  expect(subject.after(9999)).toEqual([]);
  expect(subject.after(1)).toEqual(['uptime 16 seconds']);
  subject.sys.stop();
  expect(subject.after(100_000)).toEqual([]);
});

it('another interval changes the times, and publishes nothing again', () => {
  const subject = new Subject();
  subject.sys.configure(10_000);
  subject.after(6600);
  subject.seen = [];
  subject.sys.configure(4000);
  subject.sys.configure(4000);
  expect(subject.seen).toEqual([]);
  expect(subject.after(1999)).toEqual([]);
  expect(subject.after(1)).toEqual(['uptime 8 seconds']);
  expect(subject.after(8000)).toEqual(['uptime 12 seconds', 'uptime 16 seconds']);
});

it('a timer that comes a moment early does not make two updates of one', () => {
  const subject = new Subject();
  subject.sys.configure(10_000);
  const wall = vi.spyOn(systemClock, 'wallMs').mockImplementation(() => Date.now() - 1);
  expect(subject.after(6600)).toContain('uptime 6 seconds');
  expect(subject.after(9999)).toEqual([]);
  wall.mockRestore();
});

it('interval 0 takes back all topics, and another one brings them back with what they are then', () => {
  const subject = new Subject();
  const { broker } = subject.test;
  subject.sys.configure(0);
  expect(subject.seen).toEqual([]);
  subject.sys.configure(10_000);
  expect(broker.gauges.retained).toBeGreaterThan(80);
  subject.seen = [];
  subject.sys.configure(0);
  expect(broker.gauges).toMatchObject({ retained: 0, storedMessages: 0, storedBytes: 0 });
  expect(subject.after(100_000)).toEqual([]);
  subject.sys.configure(10_000);
  expect(subject.seen).toContain('version cauldron version 1');
  expect(subject.seen).toContain('uptime 100 seconds');
  expect(subject.seen).toContain('load/connections/1min 0.00');
});

it('the topics go on while the store takes nothing new, and are never stored', () => {
  const store = new LateStore();
  const subject = new Subject({ store });
  store.fail('the disk is full');
  subject.sys.configure(10_000);
  expect(subject.seen).toContain('uptime 0 seconds');
  expect(subject.after(6600)).toContain('uptime 6 seconds');
  store.fail(null);
  expect(subject.after(10_000)).toContain('uptime 16 seconds');
  subject.sys.configure(0);
  expect(store.entries).toEqual([]);
});
