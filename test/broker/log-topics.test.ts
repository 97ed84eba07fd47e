import { BrokerLog, DEFAULT_LOG, LogType } from '@cauldron/broker';
import { expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

it('a log to topics reaches who subscribes to it, and does not speak of itself for ever', async () => {
  const config = { ...DEFAULT_LOG, types: 0xff, timestamp: false, destinations: [{ kind: 'topic' as const }] };
  const log = new BrokerLog(config, () => 0);
  const test = new TestBroker({ log });
  let published = 0;
  log.publishTo((topic, line) => {
    published++;
    const properties = { messageExpiryInterval: 20 };
    test.broker.publish(topic, line, { qos: 2, properties }).catch(() => {});
  });
  const watcher = await test.connected('watcher');
  await watcher.subscribe('$SYS/broker/log/N');
  const client = await test.connected('client');
  client.disconnect();
  await client.expectClose();
  expect((await watcher.expectMessage()).text).toMatch(/^New connection from 127\.0\.0\.1:5 on port/);
  expect((await watcher.expectMessage()).text).toMatch(/^New client connected from 127\.0\.0\.1:5 as client /);
  expect((await watcher.expectMessage()).text).toBe('Client client [127.0.0.1:5] disconnected.');
  // Each delivery makes a line, which would be delivered.
  test.broker.on('deliver', () => {
    log.write(LogType.NOTICE, 'a message is delivered');
    return undefined;
  });
  log.write(LogType.NOTICE, 'once');
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  const before = published;
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  expect(published).toBe(before);
});
