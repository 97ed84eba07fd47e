import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { connect } from '@cauldron/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../packages/cli/src/torture/random.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { FaultyNetwork } from './faulty-network.js';

/** More in a long run: `OUTBOX_KILLS=500 FAULT_SEED=7 npx vitest run test/client`. */
const KILLS = Number(process.env.OUTBOX_KILLS ?? 12);
const SEED = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 32));

const PROGRAM = fileURLToPath(new URL('./mortal-publisher.js', import.meta.url));
/** Bytes of a message: so many that the file of the outbox is rewritten now and then. */
const SIZE = 6_000;
/** Messages that a publisher stores before it is killed, at most. */
const MOST_BEFORE_DEATH = 80;

let folder: string;
let server: Server;
let random: Random;
let network: FaultyNetwork;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-kill-'));
  const config = ['listener 0 127.0.0.1', 'allow_anonymous true', 'log_type none', 'max_queued_messages 0'];
  server = await startServer(readConfig(config.join('\n'), 'kills'));
  random = new Random(SEED);
  network = await FaultyNetwork.start(random, server.endpoints[0].port);
});

afterEach(async () => {
  await killAll();
  await network.stop();
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe('a publisher with an outbox in a file', () => {
  it(
    `that is cut off and killed again and again: what was stored arrives, with QoS 2 exactly once (seed ${SEED})`,
    async () => {
      const path = join(folder, 'outbox');
      const received: Readonly<Record<'mortal/1' | 'mortal/2', string[]>> = { 'mortal/1': [], 'mortal/2': [] };
      const reader = await connect(`mqtt://127.0.0.1:${server.endpoints[0].port}`);
      await reader.subscribe('mortal/+', { qos: 2 }, (message) => {
        received[message.topic as keyof typeof received].push(message.text().split(' ')[0]);
      });
      const publisher = (run: number, count: number) => {
        const options = { url: `mqtt://127.0.0.1:${network.port}`, path, clientId: 'mortal', run, count, size: SIZE };
        return new RunningProgram(process.execPath, [PROGRAM, JSON.stringify(options)]);
      };

      const stored: string[] = [];
      for (let run = 0; run < KILLS; run++) {
        network.treatment = { largestPiece: random.pick([1_000, 1_000_000]), delayChance: 0.05, longestDelayMs: 2 };
        // Perhaps the connection is cut before the publisher is killed, perhaps not.
        void network.endAfter(random.below(MOST_BEFORE_DEATH * SIZE), 'toServer', random.pick(['reset', 'end']));
        const program = publisher(run, Number.MAX_SAFE_INTEGER);
        const lines = 1 + random.below(MOST_BEFORE_DEATH);
        await program.showsNth(/\n/g, lines);
        const { stdout, stderr } = await program.stop('SIGKILL');
        expect(stderr).toBe('');
        for (const [, number] of stdout.toString().matchAll(/stored (\d+)\n/g)) stored.push(`${run}:${number}`);
      }
      network.calm();
      // The last one has nothing of its own to say.
      expect(await publisher(KILLS, 0).ended).toMatchObject({ exitCode: 0, stderr: '' });
      await reader.publish('mortal/1', 'end', { qos: 1 });
      await expect.poll(() => received['mortal/1'].at(-1)).toBe('end');

      const all = new Set([...received['mortal/1'], ...received['mortal/2']]);
      expect(stored.filter((message) => !all.has(message))).toEqual([]);
      expect(new Set(received['mortal/2']).size).toBe(received['mortal/2'].length);
      expect(stored.length).toBeGreaterThan(KILLS);
      expect(statSync(path).size).toBeLessThan(2_500_000);
      expect(existsSync(`${path}.lock`)).toBe(false);
      await reader.disconnect();
    },
    KILLS * 3_000 + 60_000,
  );
});
