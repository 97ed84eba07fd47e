import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { connect } from '@cauldron/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../packages/cli/src/torture/random.js';
import { killAll, RunningProgram } from '../support/running-program.js';

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

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-kill-'));
  const config = ['listener 0 127.0.0.1', 'allow_anonymous true', 'log_type none', 'max_queued_messages 0'];
  server = await startServer(readConfig(config.join('\n'), 'kills'));
});

afterEach(async () => {
  await killAll();
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe('a publisher with an outbox in a file', () => {
  it(
    `that is killed again and again: what was stored arrives, with QoS 2 exactly once (seed ${SEED})`,
    async () => {
      const random = new Random(SEED);
      const url = `mqtt://127.0.0.1:${server.endpoints[0].port}`;
      const path = join(folder, 'outbox');
      const received: Readonly<Record<'mortal/1' | 'mortal/2', string[]>> = { 'mortal/1': [], 'mortal/2': [] };
      const reader = await connect(url);
      await reader.subscribe('mortal/+', { qos: 2 }, (message) => {
        received[message.topic as keyof typeof received].push(message.text().split(' ')[0]);
      });
      const publisher = (run: number, count: number) => {
        const options = { url, path, clientId: 'mortal', run, count, size: SIZE };
        return new RunningProgram(process.execPath, [PROGRAM, JSON.stringify(options)]);
      };

      const stored: string[] = [];
      for (let run = 0; run < KILLS; run++) {
        const program = publisher(run, Number.MAX_SAFE_INTEGER);
        const lines = 1 + random.below(MOST_BEFORE_DEATH);
        await program.showsNth(/\n/g, lines);
        const { stdout, stderr } = await program.stop('SIGKILL');
        expect(stderr).toBe('');
        for (const [, number] of stdout.toString().matchAll(/stored (\d+)\n/g)) stored.push(`${run}:${number}`);
      }
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
