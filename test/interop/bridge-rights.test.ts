import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@cauldron/client';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { Inbox } from './inbox.js';
import { startMosquitto } from './other-brokers/mosquitto.js';

/** What the bridge may do here: the prefix that its topics come under says where, not the topics of its own broker. */
const RIGHTS = [
  'topic readwrite #',
  'user bridge',
  'topic write from/house/#',
  'topic read to/house/#',
  'topic readwrite $SYS/broker/connection/+/state',
];

afterAll(killAll);

describe.skipIf(!areInstalled('mosquitto')).each(['mqttv311', 'mqttv50'])(
  'the prefix of a bridge, with %s',
  (version) => {
    it('is what its rights are asked about, in both directions', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cauldron-bridge-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const acl = join(folder, 'acl');
      writeFileSync(acl, `${RIGHTS.join('\n')}\n`);
      const broker = await BrokerProcess.start([`acl_file ${acl}`]);
      onTestFinished(() => broker.stop());
      const mosquitto = await startMosquitto([
        'connection name',
        `address 127.0.0.1:${broker.port}`,
        `bridge_protocol_version ${version}`,
        'remote_clientid bridge',
        'remote_username bridge',
        'topic # out 1 local/ from/house/',
        'topic # out 1 other/ from/elsewhere/',
        'topic # in 1 local/ to/house/',
        'topic # in 1 local/ to/elsewhere/',
      ]);
      onTestFinished(() => mosquitto.stop());
      for (const filter of ['to/house/#', 'to/elsewhere/#']) await broker.hasSubscribed('bridge', filter);
      const here = await connect(`mqtt://127.0.0.1:${broker.port}`, { reconnect: false });
      const there = await connect(`mqtt://127.0.0.1:${mosquitto.port}`, { reconnect: false });
      onTestFinished(async () => {
        await Promise.allSettled([here.disconnect(), there.disconnect()]);
      });
      const seenHere = new Inbox();
      await here.subscribe('from/#', { qos: 1 }, seenHere.take);
      await there.publish('other/door', 'may not', { qos: 1 });
      await there.publish('local/door', 'may', { qos: 1 });
      expect(await seenHere.next()).toMatchObject({ topic: 'from/house/door', text: 'may' });
      const seenThere = new Inbox();
      await there.subscribe('local/light', { qos: 1 }, seenThere.take);
      await here.publish('to/elsewhere/light', 'may not', { qos: 1 });
      await here.publish('to/house/light', 'may', { qos: 1 });
      expect(await seenThere.next()).toMatchObject({ topic: 'local/light', text: 'may' });
    });
  },
);
