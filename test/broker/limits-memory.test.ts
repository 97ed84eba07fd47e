import type { Memory } from '@cauldron/broker';
import { type Connect, ConnectReturnCode, PacketType, ReasonCode } from '@cauldron/codec';
import { beforeEach, describe, expect, it } from 'vitest';
import { publishThrough, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { PUBACK } = PacketType;

const MB = 1_000_000;
const LASTING: Partial<Connect> = { clean: false, properties: { sessionExpiryInterval: 1000 } };

/** As much memory as the test says. */
class PretendedMemory implements Memory {
  neededBytes = 50 * MB;
  garbageBytes = 0;
  collections = 0;

  usedBytes(): number {
    return this.neededBytes + this.garbageBytes;
  }

  collect(): void {
    this.collections++;
    this.garbageBytes = 0;
  }
}

let memory: PretendedMemory;
let test: TestBroker;

beforeEach(() => {
  memory = new PretendedMemory();
  test = new TestBroker({ settings: { memoryLimitBytes: 100 * MB }, memory });
});

/** The memory that is needed is that from now on, and the broker has looked. */
function needs(bytes: number): void {
  memory.neededBytes = bytes;
  test.clock.advance(1000);
}

function linesAbout(text: string): string[] {
  return test.log.lines.filter((line) => line.includes(text));
}

describe('memory_limit, once it is reached,', () => {
  it('refuses new clients, whatever their session, and lets those in that have one', async () => {
    (await test.connected('away', 5, LASTING)).cut();
    needs(100 * MB);
    const v5 = await test.client(5).connect({ clientId: 'new' });
    expect(v5).toMatchObject({ reasonCode: ReasonCode.QUOTA_EXCEEDED });
    expect(v5.properties?.reasonString).toBe('memory_limit is reached: 100.0 MB of 100.0 MB are in use');
    expect((await test.client(4).connect({ clientId: 'new' })).reasonCode).toBe(ConnectReturnCode.SERVER_UNAVAILABLE);
    expect(await test.client(5).connect({ clientId: 'away', ...LASTING })).toMatchObject({
      reasonCode: 0,
      sessionPresent: true,
    });
    expect(test.broker.counters.storeRefusals).toBe(2);
  });

  it('refuses messages and subscriptions that have to be kept, and passes on all others', async () => {
    const absent = await test.connected('absent', 5, LASTING);
    await absent.subscribe('kept', 1);
    absent.cut();
    const watcher = await test.connected('watcher', 5);
    await watcher.subscribe('#', 1);
    const held = await test.connected('held', 5, LASTING);
    const publisher = await test.connected('publisher', 5);
    needs(101 * MB);
    expect(await publishThrough(publisher, 'kept', 'x', { qos: 1 })).toBe(ReasonCode.QUOTA_EXCEEDED);
    expect(await publishThrough(publisher, 'free', 'retained', { qos: 1, retain: true })).toBe(
      ReasonCode.QUOTA_EXCEEDED,
    );
    expect(await publishThrough(publisher, 'free', 'passed on', { qos: 1 })).toBe(0);
    publisher.publish('free', 'not kept', { retain: true });
    expect((await held.subscribe('more', 1)).reasonCodes).toEqual([ReasonCode.QUOTA_EXCEEDED]);
    expect(await takeTexts(watcher, 2)).toEqual(['passed on', 'not kept']);
    await watcher.expectNothing();
    expect(test.broker.gauges).toMatchObject({ retained: 0, storedMessages: 0 });
    expect(test.broker.counters).toMatchObject({ storeRefusals: 3, retainedNotKept: 1 });
    expect(linesAbout('Not keeping')).toEqual([
      "Not keeping the retained message of client publisher for 'free': memory_limit is reached.",
    ]);
  });

  it('is over when a tenth is free again; the log has a line for both, and 3.1.1 clients send again', async () => {
    (await test.connected('absent', 5, LASTING)).cut();
    const absent = await test.connected('absent', 5, LASTING);
    await absent.subscribe('kept', 1);
    absent.cut();
    const publisher = await test.connected('publisher', 4);
    needs(105 * MB);
    publisher.publish('kept', 'x', { qos: 1 });
    await publisher.expectNothing();
    needs(95 * MB);
    publisher.publish('kept', 'y', { qos: 1 });
    await publisher.expectNothing();
    expect(linesAbout('below memory_limit')).toEqual([]);
    needs(89 * MB);
    await publisher.expectClose();
    const again = await test.connected('publisher', 4);
    again.publish('kept', 'x', { qos: 1 });
    await again.expect(PUBACK);
    expect(linesAbout('Error: memory_limit is reached: 105.0 MB of 100.0 MB are in use.')).toHaveLength(1);
    expect(
      linesAbout('Memory in use is below memory_limit again: 89.0 MB of 100.0 MB. 1 client is disconnected'),
    ).toHaveLength(1);
  });

  it('is over when it is raised or taken away, at once', async () => {
    needs(120 * MB);
    expect((await test.client().connect({ clientId: 'a' })).reasonCode).toBe(ConnectReturnCode.SERVER_UNAVAILABLE);
    test.broker.settings.memoryLimitBytes = 200 * MB;
    test.broker.settingsChanged();
    expect((await test.client().connect({ clientId: 'a' })).reasonCode).toBe(0);
    needs(250 * MB);
    test.broker.settings.memoryLimitBytes = Number.POSITIVE_INFINITY;
    test.broker.settingsChanged();
    expect((await test.client().connect({ clientId: 'b' })).reasonCode).toBe(0);
  });
});

describe('memory_limit', () => {
  it('is not reached by garbage, which is collected when it would be, and only then', async () => {
    memory.garbageBytes = 40 * MB;
    needs(50 * MB);
    expect(memory.collections).toBe(0);
    memory.garbageBytes = 60 * MB;
    needs(50 * MB);
    expect(memory.collections).toBe(1);
    expect((await test.client().connect({ clientId: 'a' })).reasonCode).toBe(0);
    expect(linesAbout('memory_limit')).toEqual([]);
  });

  it('takes a twentieth of the time for collecting at most', () => {
    const collect = memory.collect.bind(memory);
    memory.collect = () => {
      collect();
      test.clock.pass(500);
    };
    needs(150 * MB);
    for (let second = 0; second < 20; second++) needs(150 * MB);
    expect(memory.collections).toBeLessThanOrEqual(3);
  });

  it('that is less than what the broker needs at rest is a problem, with words for it', () => {
    expect(test.broker.problemWithMemory()).toBe(null);
    memory.garbageBytes = 500 * MB;
    expect(test.broker.problemWithMemory()).toBe(null);
    expect(test.broker.problemWithMemory(Number.POSITIVE_INFINITY)).toBe(null);
    const problem = test.broker.problemWithMemory(20 * MB);
    expect(problem).toContain('memory_limit is 20000000 bytes, but the broker needs 50000000 at rest');
    const least = Number(/Set it to (\d+) at least/.exec(problem ?? '')?.[1]);
    expect(test.broker.problemWithMemory(least)).toBe(null);
  });

  it('is not looked at while there is none', () => {
    const asked: number[] = [];
    const unlimited = new TestBroker({ memory: { usedBytes: () => asked.push(1), collect: () => asked.push(2) } });
    unlimited.clock.advance(10_000);
    expect(asked).toEqual([]);
  });
});
