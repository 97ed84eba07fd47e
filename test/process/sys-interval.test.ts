import { connect } from '@cauldron/client';
import { afterAll, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

afterAll(killAll);

/** What a client that comes now is told of `$SYS` at once. */
async function topicsOf(broker: BrokerProcess): Promise<string[]> {
  const client = await connect(`mqtt://127.0.0.1:${broker.port}`, { reconnect: false });
  const topics: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client
      .subscribe(['$SYS/#', 'over'], { qos: 0 }, ({ topic }) => {
        if (topic === 'over') resolve();
        else topics.push(topic);
      })
      // It comes behind all that is retained.
      .then(() => client.publish('over', ''))
      .catch(reject);
  });
  await client.disconnect();
  return topics;
}

it('sys_interval 0 leaves $SYS empty; a reload fills it, and empties it again', async () => {
  const broker = await BrokerProcess.start(['sys_interval 0']);
  expect(await topicsOf(broker)).toEqual([]);
  expect(await broker.reload(['sys_interval 3600'])).toBe(true);
  expect(await topicsOf(broker)).toContain('$SYS/broker/uptime');
  expect(await broker.reload(['sys_interval 0'])).toBe(true);
  expect(await topicsOf(broker)).toEqual([]);
  await broker.stop();
});
