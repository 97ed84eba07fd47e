import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore, viewLmdbStore } from '@cauldron/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MosquittoDbWriter } from '../../packages/broker/src/storage/mosquitto-db-writer.test-support.js';
import { exportObjects } from '../../packages/cli/src/store/export.js';
import { writeJsonLines } from '../../packages/cli/src/store/json-lines-file.js';
import { ALICE, BOB, sampleStore } from '../../packages/cli/src/store/sample-store.test-support.js';
import { snapshot } from '../contract/store-model.js';
import { sampleMessage, sampleRecord, sampleSubscription } from '../contract/store-samples.js';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

let folder: string;
/** A broker with a lasting session for which messages wait, and retained messages. */
let broker: BrokerProcess;
/** Where its store is. */
let live: string;

const outcomeOf = async (...argv: string[]) => {
  const { stdout, stderr, exitCode } = await runCauldron(argv, '').ended;
  return { stdout: stdout.toString(), stderr, exitCode };
};

const succeeds = async (...argv: string[]): Promise<string> => {
  const { stdout, stderr, exitCode } = await outcomeOf(...argv);
  expect([stderr, exitCode]).toEqual(['', 0]);
  return stdout;
};

/** The form of `snapshot`, as far as it is looked at here. */
interface Content {
  readonly sessions: readonly { readonly record: { readonly clientId: string } }[];
  readonly retained: readonly unknown[];
}

const OPTIONS = {
  sync: 'always',
  syncIntervalMs: 1000,
  maxBytes: Number.POSITIVE_INFINITY,
  strict: true,
  onWarning: (message: string) => expect.unreachable(message),
} as const;

/** What the store in a folder has, as plain values. */
async function contentOf(location: string): Promise<unknown> {
  const view = await viewLmdbStore(location);
  try {
    return snapshot(view.store);
  } finally {
    await view.close();
  }
}

/** An export of `sampleStore`. */
function sampleFile(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, [...exportObjects(sampleStore())].map((object) => `${JSON.stringify(object)}\n`).join(''));
  return file;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-store-'));
  live = join(folder, 'live');
  broker = await BrokerProcess.start(['persistence true', `persistence_location ${live}`]);
  await succeeds('sub', ...broker.flags, '-i', 'reader', '-c', '-q', '1', '-t', 'a/#', '-E');
  for (const text of ['one', 'two']) await succeeds('pub', ...broker.flags, '-q', '1', '-t', 'a/b', '-m', text);
  await succeeds('pub', ...broker.flags, '-q', '1', '-r', '-t', 'kept', '-i', 'writer', '-m', 'text');
});

afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

describe('while a broker works in the folder, cauldron store', () => {
  it('stats tells how much there is', async () => {
    const text = await succeeds('store', 'stats', live);
    expect(text).toMatch(/^Sessions +1, 0 of them connected$/m);
    expect(text).toMatch(/^Queued messages +2, 12 bytes$/m);
    expect(text).toMatch(/^Longest queue +2 messages for reader$/m);
    const facts = JSON.parse(await succeeds('store', 'stats', live, '--json'));
    expect(facts).toMatchObject({ formatVersion: 2, sessions: 1, subscriptions: 1, queuedMessages: 2, retained: 1 });
    expect(facts.fileBytes).toBe(statSync(join(live, 'data')).size);
    expect(facts.usedBytes).toBeLessThan(facts.fileBytes);
  });

  it('check finds nothing wrong', async () => {
    expect(await succeeds('store', 'check', live)).toBe(
      'All is well: 1 session, 2 queued messages, 1 retained message read.\n',
    );
  });

  it('dump shows what there is, for people and for programs', async () => {
    expect(await succeeds('store', 'dump', live)).toMatch(
      /^retained: QoS 1, 4 bytes, retained, published 20\S+Z, kept: "text"$/m,
    );
    const lines = (await succeeds('store', 'dump', '--json', '--topic', 'a/+', live)).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).message.payload)).toEqual(['one', 'two']);
  });

  it('export writes a file with all of it, and not over another one', async () => {
    const file = join(folder, 'live.jsonl.gz');
    const said = await succeeds('store', 'export', file, '--dir', live);
    expect(said).toBe('Written: 1 session, 2 messages, 1 retained message.\n');
    const copy = join(folder, 'exported');
    await succeeds('store', 'import', file, '--dir', copy);
    expect(await contentOf(copy)).toEqual(await contentOf(live));
    const again = await outcomeOf('store', 'export', file, '--dir', live);
    expect(again).toMatchObject({ stderr: expect.stringContaining('exists already'), exitCode: 1 });
  });

  it('backup makes a copy that a broker can start with', async () => {
    const copy = join(folder, 'copy');
    await succeeds('store', 'backup', copy, '--dir', live);
    expect(statSync(copy).mode & 0o777).toBe(0o700);
    expect(await contentOf(copy)).toEqual(await contentOf(live));
    const again = await outcomeOf('store', 'backup', copy, '--dir', live);
    expect(again).toMatchObject({ stderr: expect.stringContaining('There is a store'), exitCode: 1 });
    const other = await BrokerProcess.start(['persistence true', `persistence_location ${copy}`]);
    const reading = ['sub', ...other.flags, '-i', 'reader', '-c', '-q', '1', '-t', 'a/#', '-C', '2'];
    expect(await succeeds(...reading)).toBe('one\ntwo\n');
    await other.stop();
  });

  it.each([
    ['import', () => ['import', sampleFile('sample.jsonl'), '--dir', live]],
    ['compact', () => ['compact', live]],
  ])('%s refuses, and names the process', async (_name, argvOf) => {
    const before = await contentOf(live);
    const { stdout, stderr, exitCode } = await outcomeOf('store', ...argvOf());
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).toContain(`${live} is in use by another broker (process ${broker.program.process.pid})`);
    expect(await contentOf(live)).toEqual(before);
  });
});

describe('cauldron store import', () => {
  it('gives a store that is equal to the one that was exported', async () => {
    const location = join(folder, 'imported');
    const said = await succeeds('store', 'import', sampleFile('equal.jsonl'), '--dir', location);
    expect(said).toContain('Taken over: 3 sessions, 1 subscription,');
    expect(await contentOf(location)).toEqual(snapshot(sampleStore()));
    expect(await succeeds('store', 'check', location)).toMatch(/^All is well: /);
  });

  it('adds to what a store has only with --merge', async () => {
    const location = join(folder, 'merged');
    const file = sampleFile('merge.jsonl');
    const other = new MosquittoDbWriter().configuration().client('other').subscription('other', 'x', 1).bytes;
    writeFileSync(join(folder, 'mosquitto.db'), other);
    const said = await succeeds('store', 'import', join(folder, 'mosquitto.db'), '--dir', location);
    expect(said).toContain("is Mosquitto's data, version 6.\n");
    const before = await contentOf(location);
    const { stderr, exitCode } = await outcomeOf('store', 'import', file, '--dir', location);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('has 1 session and 0 retained messages already. With --merge');
    expect(await contentOf(location)).toEqual(before);
    // Twice is as good as once: sessions and topics of the same name are replaced.
    for (const _ of [1, 2]) await succeeds('store', 'import', file, '--dir', location, '--merge');
    const { sessions, retained } = (await contentOf(location)) as Content;
    expect(sessions.map(({ record }) => record.clientId)).toEqual([ALICE, BOB, 'away', 'other'].sort());
    expect(retained).toHaveLength(2);
    expect(await succeeds('store', 'check', location)).toMatch(/^All is well: /);
  });

  it('takes nothing from a file with a fault, and names the line', async () => {
    const location = join(folder, 'untouched');
    const file = join(folder, 'faulty.jsonl');
    writeFileSync(file, `${readFileSync(sampleFile('whole.jsonl'), 'utf8').split('\n').slice(0, 3).join('\n')}\n`);
    const { stderr, exitCode } = await outcomeOf('store', 'import', file, '--dir', location);
    expect([stderr, exitCode]).toEqual([`Error: ${file}:3: the last line is missing: the file was cut off.\n`, 1]);
    expect(existsSync(location)).toBe(false);
  });
});

describe('cauldron store compact', () => {
  it('gives back the space of what is gone, and changes nothing else', async () => {
    const location = join(folder, 'large');
    const large = join(folder, 'large.jsonl');
    const store = sampleStore();
    const payload = 'x'.repeat(1_000_000);
    for (let n = 0; n < 20; n++)
      store.append({ kind: 'retained', message: sampleMessage({ topic: `large/${n}`, payload }) });
    await writeJsonLines(large, exportObjects(store));
    await succeeds('store', 'import', large, '--dir', location);
    const opened = await openLmdbStore({ ...OPTIONS, folder: location });
    for (let n = 0; n < 20; n++) opened.append({ kind: 'retainedCleared', topic: `large/${n}` });
    await opened.close();
    const [before, content] = [statSync(join(location, 'data')).size, await contentOf(location)];
    const said = await succeeds('store', 'compact', location);
    expect(said).toMatch(/data had 2\d\.\d MB, it has \d+\.\d kB now\.\n$/);
    expect(statSync(join(location, 'data')).size).toBeLessThan(before / 10);
    expect(content).toEqual(snapshot(sampleStore()));
    expect(await contentOf(location)).toEqual(content);
  });
});

describe('cauldron store', () => {
  it.each([['stats'], ['check'], ['dump'], ['compact']])(
    '%s says that there is no store where there is none',
    async (action) => {
      const { stdout, stderr, exitCode } = await outcomeOf('store', action, folder);
      expect([stdout, exitCode]).toEqual(['', action === 'check' ? 2 : 1]);
      expect(stderr).toContain(`There is no store in ${folder}`);
    },
  );

  it('check tells what does not fit together, and ends with 1', async () => {
    const location = join(folder, 'broken');
    const opened = await openLmdbStore({ ...OPTIONS, folder: location });
    opened.append({ kind: 'session', record: sampleRecord('a') });
    opened.append({ kind: 'subscribed', clientId: 'a', subscription: sampleSubscription('a/#/b') });
    await opened.close();
    const { stdout, exitCode } = await outcomeOf('store', 'check', location);
    expect(exitCode).toBe(1);
    expect(stdout).toBe(
      "Session of client 'a': it has subscribed to 'a/#/b', which is no filter.\n1 problem: 1 session, 0 queued messages, 0 retained messages read.\n",
    );
  });

  it('dump ends without a word when nobody reads on', async () => {
    const dump = runCauldron(['store', 'dump', live], '');
    dump.process.stdout?.destroy();
    expect(await dump.ended).toMatchObject({ stderr: '', exitCode: 0 });
  });

  it.each([
    ['', 'Usage: cauldron store ACTION', 1],
    ['--help', 'Usage: cauldron store ACTION', 0],
    ['dump --help', 'Usage: cauldron store dump [DIR]', 0],
    ['stast', 'Did you mean `cauldron store stats`?', 1],
    ['stats a b', "One folder is enough: 'b' is too much.", 1],
    ['export', 'FILE is missing.', 1],
    ['import a b', "Only FILE is taken: 'b' is too much.", 1],
    ['import nowhere', 'ENOENT: no such file or directory', 1],
    ['dump --topic a/#/b', "'a/#/b' is not a topic filter.", 1],
  ])('%s is answered with what to do', async (argv, text, status) => {
    const { stdout, stderr, exitCode } = await outcomeOf('store', ...argv.split(' ').filter((word) => word !== ''));
    expect(stdout + stderr).toContain(text);
    expect(exitCode).toBe(status);
  });
});
