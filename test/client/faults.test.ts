import { readConfig, type Server, startServer } from '@cauldron/broker';
import { type ConnectOptions, connect } from '@cauldron/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../packages/cli/src/torture/random.js';
import { Correspondent } from './correspondent.js';
import { causeFaults } from './fault-sequence.js';
import { FaultyNetwork } from './faulty-network.js';

/** Further figures for a long run: `FAULT_CUTS=5000 FAULT_SEED=7 npx vitest run test/client`. */
const CUTS = Number(process.env.FAULT_CUTS ?? 200);
const SEED = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 32));
const LIMIT_MS = 30_000 + CUTS * 200;

const CONFIG = [
  'listener 0 127.0.0.1',
  'allow_anonymous true',
  'log_type none',
  // What is lost here, the client has lost.
  'max_queued_messages 0',
  'max_queued_bytes 0',
];

let server: Server;
let network: FaultyNetwork;
let random: Random;

beforeEach(async () => {
  random = new Random(SEED);
  server = await startServer(readConfig(CONFIG.join('\n'), 'faults'));
  network = await FaultyNetwork.start(random, server.endpoints[0].port);
});

afterEach(async () => {
  await network.stop();
  await server.stop();
});

function clientOptions(version: 4 | 5, clientId: string): ConnectOptions {
  return {
    protocolVersion: version,
    clientId,
    // 5.0 keeps the session by default for as long as the client is there; 3.1.1 has to be asked.
    clean: version === 5,
    keepAliveSeconds: 1,
    pingTimeoutMs: 100,
    connectTimeoutMs: 500,
    reconnect: { minDelayMs: 1, maxDelayMs: 20, initially: true },
  };
}

describe.each([5, 4] as const)('on a network full of faults (protocol version %i)', (version) => {
  it(
    `messages with QoS 2 arrive once and in order, those with QoS 1 at least once, over ${CUTS} cuts (seed ${SEED})`,
    async () => {
      const url = `mqtt://127.0.0.1:${network.port}`;
      const [anna, bert] = await Promise.all(
        ['anna', 'bert'].map((name) => connect(url, clientOptions(version, name))),
      );
      let ended = 0;
      for (const client of [anna, bert]) client.events.on('offline', () => ended++);
      const annas = new Correspondent(anna, 'to/bert', 'to/anna');
      const berts = new Correspondent(bert, 'to/anna', 'to/bert');
      await Promise.all([annas.listen(), berts.listen()]);
      const writing = [annas.write(berts), berts.write(annas)];

      await causeFaults(network, random, CUTS, (count) => random.pick([annas, berts]).untilReceived(count));

      network.calm();
      annas.stopWriting();
      berts.stopWriting();
      await Promise.all(writing);
      await Promise.all([annas.untilLast(berts.sent - 1), berts.untilLast(annas.sent - 1)]);
      for (const [sender, receiver] of [
        [annas, berts],
        [berts, annas],
      ]) {
        expect(sender.sent).toBeGreaterThan(CUTS);
        expect(receiver.received[2]).toEqual(Array.from({ length: sender.sent }, (_, number) => number));
        expect(new Set(receiver.received[1]).size).toBe(sender.sent);
      }
      expect(ended).toBeGreaterThanOrEqual(CUTS);
      await Promise.all([anna.disconnect(), bert.disconnect()]);
    },
    LIMIT_MS,
  );
});
