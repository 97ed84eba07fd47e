import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TestBroker } from '../../../test/support/test-broker.js';
import { publishDrops } from './drops-topic.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('publishes how many messages were dropped when there are more of them, and the store does not keep it', async () => {
  const test = new TestBroker({ settings: { maxQueuedMessages: 1 } });
  const stop = publishDrops(test.broker, 10);
  const seen: string[] = [];
  test.broker.subscribe('$SYS/#', ({ topic, payload }) => seen.push(`${topic} ${new TextDecoder().decode(payload)}`));
  const away = await test.connected('away', 4, { clean: false });
  await away.subscribe('a', 1);
  away.disconnect();
  await away.settle();
  vi.advanceTimersByTime(10);
  expect(seen).toEqual([]);
  for (let n = 0; n < 4; n++) await test.broker.publish('a', 'x', { qos: 1 });
  vi.advanceTimersByTime(10);
  await Promise.resolve();
  vi.advanceTimersByTime(10);
  expect(seen).toEqual(['$SYS/broker/publish/messages/dropped 3']);
  expect([...test.store.retained()]).toEqual([]);
  stop();
});
