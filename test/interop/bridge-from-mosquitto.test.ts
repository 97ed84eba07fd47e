import { type Client, connect } from '@cauldron/client';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { Inbox, type Received } from './inbox.js';
import { startMosquitto } from './other-brokers/mosquitto.js';
import type { StartedBroker } from './own-clients/suite.js';

const STATE = '$SYS/broker/connection/bridge/state';

afterAll(killAll);

describe.skipIf(!areInstalled('mosquitto')).each([
  ['mqttv31', 'bridge', 'p3'],
  ['mqttv311', 'bridge', 'p4'],
  ['mqttv50', 'client', 'p5'],
] as const)('Mosquitto as a bridge to this broker, with %s', (version, kind, wire) => {
  let broker: BrokerProcess;
  let mosquitto: StartedBroker;
  /** Clients of this broker and of Mosquitto. */
  let here: Client;
  let there: Client;

  beforeEach(async () => {
    broker = await BrokerProcess.start();
    mosquitto = await startMosquitto([
      'connection name',
      `address 127.0.0.1:${broker.port}`,
      `bridge_protocol_version ${version}`,
      'remote_clientid bridge',
      'cleansession true',
      'topic out/# out 2',
      'topic in/# in 2',
      'topic both/# both 2',
      'topic # both 1 local/ remote/',
    ]);
    for (const filter of ['in/#', 'both/#', 'remote/#']) await broker.hasSubscribed('bridge', filter);
    here = await connect(`mqtt://127.0.0.1:${broker.port}`, { reconnect: false });
    there = await connect(`mqtt://127.0.0.1:${mosquitto.port}`, { reconnect: false });
  });

  afterEach(async () => {
    await Promise.allSettled([here.disconnect(), there.disconnect()]);
    await mosquitto.stop();
    await broker.stop();
  });

  async function subscribed(client: Client, filter: string): Promise<Inbox> {
    const inbox = new Inbox();
    await client.subscribe(filter, { qos: 2 }, inbox.take);
    return inbox;
  }

  /** Publishes, and waits until both inboxes have the message next. */
  async function crosses(from: Client, topic: string, inboxes: readonly [Inbox, string][]): Promise<void> {
    const text = `over ${topic}`;
    await from.publish(topic, text, { qos: 2 });
    for (const [inbox, seenAs] of inboxes) expect(await inbox.next()).toMatchObject({ topic: seenAs, text });
  }

  it('gets in, and is known by what it calls itself', async () => {
    const line = await broker.program.showsMatch(/^New (\w+) connected from .* as bridge \((p\d), /m);
    expect(line.slice(1)).toEqual([kind, wire]);
  });

  it('brings messages in, takes them out, and brings nothing back', async () => {
    const seenHere = await subscribed(here, '#');
    const seenThere = await subscribed(there, '#');
    // An echo would come before the next message.
    for (let round = 0; round < 2; round++) {
      await crosses(there, 'out/x', [
        [seenThere, 'out/x'],
        [seenHere, 'out/x'],
      ]);
      await crosses(here, 'in/x', [
        [seenHere, 'in/x'],
        [seenThere, 'in/x'],
      ]);
      for (const from of [here, there]) {
        await crosses(from, 'both/x', [
          [seenHere, 'both/x'],
          [seenThere, 'both/x'],
        ]);
      }
      await crosses(here, 'remote/x', [
        [seenHere, 'remote/x'],
        [seenThere, 'local/x'],
      ]);
      await crosses(there, 'local/x', [
        [seenThere, 'local/x'],
        [seenHere, 'remote/x'],
      ]);
    }
  });

  it.each([0, 1, 2] as const)('keeps QoS %i in both directions', async (qos) => {
    const seenHere = await subscribed(here, 'both/#');
    const seenThere = await subscribed(there, 'both/#');
    await here.publish('both/x', 'from here', { qos });
    await there.publish('both/x', 'from there', { qos });
    for (const inbox of [seenHere, seenThere]) {
      const seen = [await inbox.next(), await inbox.next()];
      expect(seen.map((message) => message.qos)).toEqual([qos, qos]);
    }
  });

  it.each(['here', 'there'] as const)('leaves messages retained on both sides that were retained %s', async (side) => {
    const [from, to] = side === 'here' ? [here, there] : [there, here];
    const arrived = await subscribed(to, 'both/#');
    await from.publish('both/kept', 'x', { qos: 1, retain: true });
    await arrived.next();
    for (const client of [from, to]) {
      const late = await subscribed(client, 'both/+');
      expect(await late.next()).toMatchObject({ topic: 'both/kept', text: 'x', retain: true });
    }
  });

  it('tells below $SYS whether it is there', async () => {
    const states = new Inbox();
    await here.subscribe(STATE, { qos: 1 }, states.take);
    const first: Received = await states.next();
    expect(first).toMatchObject({ topic: STATE, text: '1', retain: true });
    await mosquitto.stop();
    expect(await states.next()).toMatchObject({ topic: STATE, text: '0' });
  });
});
