import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PacketType, type Publish } from '@cauldron/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutboxRecord } from '../outbox.js';
import { fileOutbox } from './file-outbox.js';
import { OutboxDamaged, OutboxError } from './outbox-error.js';
import { frameOf, HEADER_SIZE, MARK_SIZE, withLength } from './outbox-log.js';

const PRLIMIT = '/usr/bin/prlimit';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-outbox-'));
  path = join(folder, 'box');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function queued(position: number, size = 3): OutboxRecord {
  const payload = new Uint8Array(size).fill(position);
  const packet: Publish = { type: PacketType.PUBLISH, topic: 't', payload, qos: 1, retain: false, dup: false };
  return { kind: 'queued', position, packet, queuedAtMs: 1_700_000_000_000 + position };
}

/** Opens, appends each group and commits it, and closes. @returns what earlier ones had left */
async function store(...groups: OutboxRecord[][]): Promise<readonly OutboxRecord[]> {
  const outbox = fileOutbox(path);
  const left = await outbox.open();
  for (const group of groups) {
    for (const record of group) outbox.append(record);
    await outbox.commit();
  }
  await outbox.close();
  return left;
}

describe('an outbox in a file', () => {
  it('has nothing in it at first, and later what was committed', async () => {
    const session: OutboxRecord = { kind: 'session', clientId: 'größe' };
    expect(await store([session, queued(1)], [{ kind: 'sent', position: 1, packetId: 9 }, queued(2)])).toEqual([]);
    expect(await store()).toEqual([session, queued(1), { kind: 'sent', position: 1, packetId: 9 }, queued(2)]);
  });

  it('gives back only what still says something', async () => {
    await store([queued(1), queued(2), { kind: 'sent', position: 1, packetId: 1 }, { kind: 'done', position: 1 }]);
    expect(await store([{ kind: 'cleared' }])).toEqual([queued(2)]);
    expect(await store()).toEqual([]);
  });

  it('takes a record as it was when it was appended', async () => {
    const outbox = fileOutbox(path);
    await outbox.open();
    const record = queued(1);
    outbox.append(record);
    if (record.kind === 'queued') Object.assign(record.packet, { packetId: 5, dup: true });
    await outbox.close();
    expect(await store()).toEqual([queued(1)]);
  });

  it('has on the disk what a commit has promised, whatever happens to the process', async () => {
    const outbox = fileOutbox(path);
    await outbox.open();
    const copies: string[] = [];
    for (let position = 1; position <= 5; position++) {
      outbox.append(queued(position));
      await outbox.commit();
      const copy = join(folder, `copy-${position}`);
      copyFileSync(path, copy);
      copies.push(copy);
    }
    await outbox.close();
    for (const [i, copy] of copies.entries()) {
      path = copy;
      expect((await store()).length).toBe(i + 1);
    }
  });

  it('writes once for all that came while it was writing', async () => {
    const outbox = fileOutbox(path);
    await outbox.open();
    const commits: Promise<void>[] = [];
    for (let position = 1; position <= 500; position++) {
      outbox.append(queued(position));
      commits.push(outbox.commit());
      if (position === 250) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(commits);
    await outbox.close();
    const bytes = readFileSync(path);
    const mark = bytes.subarray(HEADER_SIZE - MARK_SIZE, HEADER_SIZE);
    let frames = 0;
    for (let at = bytes.indexOf(mark, HEADER_SIZE); at !== -1; at = bytes.indexOf(mark, at + 1)) frames++;
    expect(frames).toBe(2);
    expect((await store()).length).toBe(500);
  });

  it('commits nothing where nothing was appended', async () => {
    const outbox = fileOutbox(path);
    await outbox.open();
    const size = statSync(path).size;
    await outbox.commit();
    expect(statSync(path).size).toBe(size);
    await outbox.close();
  });

  it('loses of an incomplete commit that one alone, wherever it was cut, and goes on', async () => {
    await store([queued(1), queued(2)]);
    const complete = statSync(path).size;
    await store([queued(3), queued(4)]);
    const bytes = readFileSync(path);
    for (let length = complete; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await store([queued(5)])).toEqual([queued(1), queued(2)]);
      expect(await store()).toEqual([queued(1), queued(2), queued(5)]);
    }
  });

  it('takes an end of zeros or of anything else for an incomplete commit', async () => {
    await store([queued(1)]);
    const bytes = readFileSync(path);
    const ofAnotherFile = frameOf(Uint8Array.of(1, 2, 3, 4), [withLength(Uint8Array.of(9))]).frame;
    for (const end of [new Uint8Array(5_000), Uint8Array.from({ length: 300 }, (_, i) => i * 7), ofAnotherFile]) {
      writeFileSync(path, bytes);
      appendFileSync(path, end);
      expect(await store([queued(2)])).toEqual([queued(1)]);
      expect(await store()).toEqual([queued(1), queued(2)]);
    }
  });

  it('says where it was damaged, and leaves it as it is', async () => {
    await store([queued(1)], [queued(2)], [queued(3)]);
    const bytes = readFileSync(path);
    const mark = bytes.subarray(HEADER_SIZE - MARK_SIZE, HEADER_SIZE);
    const second = bytes.indexOf(mark, HEADER_SIZE + 1);
    const third = bytes.indexOf(mark, second + 1);
    for (let at = second; at < third; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 0x10;
      writeFileSync(path, damaged);
      const failure: unknown = await store().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(OutboxDamaged);
      expect(String(failure)).toContain(`${path} is damaged at byte ${second}: what follows from byte ${third} on`);
      expect(readFileSync(path).equals(damaged)).toBe(true);
    }
  });

  it('says where there is a record that it does not know', async () => {
    await store([queued(1)]);
    const bytes = readFileSync(path);
    const { frame, offsets } = frameOf(bytes.subarray(HEADER_SIZE - MARK_SIZE, HEADER_SIZE), [
      withLength(Uint8Array.of(99)),
    ]);
    appendFileSync(path, frame);
    await expect(store()).rejects.toThrow(
      new OutboxDamaged(`${path} cannot be read at byte ${bytes.length + offsets[0]}: There is no record of kind 99`),
    );
  });

  it.each([
    ['text', 'to do: buy milk and honey'],
    ['a later version', 'cauldron-outbox2abcd'],
    ['only its beginning', 'cauldron-'],
  ])('does not touch another file: %s', async (_, text) => {
    writeFileSync(path, text);
    await expect(store()).rejects.toThrow(new OutboxDamaged(`${path} is not an outbox, or one of another version`));
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('begins in an empty file, and behind a symbolic link, which stays one', async () => {
    const link = join(folder, 'link');
    writeFileSync(path, '');
    symlinkSync(path, link);
    path = link;
    await store([queued(1)]);
    expect(await store()).toEqual([queued(1)]);
    expect(readFileSync(join(folder, 'box')).length).toBeGreaterThan(HEADER_SIZE);
  });

  it('is for its owner alone', async () => {
    await store();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is made smaller when most of it is over, and what is left stays in order', async () => {
    const outbox = fileOutbox(path);
    await outbox.open();
    outbox.append({ kind: 'session', clientId: 'c' });
    let largest = 0;
    for (let position = 1; position <= 600; position++) {
      outbox.append(queued(position, 10_000));
      if (position > 5) outbox.append({ kind: 'done', position: position - 5 });
      // What comes while the file is written anew goes to the new one.
      if (position % 10 === 0) await outbox.commit();
      largest = Math.max(largest, statSync(path).size);
    }
    await outbox.close();
    expect(largest).toBeLessThan(1_500_000);
    expect(statSync(path).size).toBeLessThan(1_500_000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const last = [596, 597, 598, 599, 600].map((position) => queued(position, 10_000));
    expect(await store()).toEqual([{ kind: 'session', clientId: 'c' }, ...last]);
  });

  it('opens with the file that was there before, if a crash came while it was made smaller', async () => {
    await store([queued(1)]);
    writeFileSync(`${path}.new`, 'half of');
    expect(await store([{ kind: 'done', position: 1 }])).toEqual([queued(1)]);
    const outbox = fileOutbox(path);
    await outbox.open();
    for (let position = 2; position < 300; position++) {
      outbox.append(queued(position, 10_000));
      outbox.append({ kind: 'done', position });
    }
    await outbox.close();
    expect(existsSync(`${path}.new`)).toBe(false);
    expect(await store()).toEqual([]);
  });

  it('is not used before it is open, nor after it was closed, nor opened twice', async () => {
    const outbox = fileOutbox(path);
    expect(() => outbox.append(queued(1))).toThrow(OutboxError);
    await outbox.open();
    await expect(outbox.open()).rejects.toThrow(TypeError);
    await outbox.close();
    expect(() => outbox.append(queued(1))).toThrow(`The outbox ${path} is not open`);
  });

  it.each([
    ['its folder does not exist', () => join(folder, 'nowhere', 'box')],
    ['it is a folder', () => folder],
    ['it is not an ordinary file', () => '/dev/null'],
  ])('says in words why it cannot be opened: %s', async (reason, pathOf) => {
    path = pathOf();
    await expect(store()).rejects.toThrow(new OutboxError(`The outbox ${path} cannot be opened: ${reason}`));
  });

  it.skipIf(!existsSync(PRLIMIT))(
    'keeps what it cannot write, tells it, and writes it when there is room',
    async () => {
      const outbox = fileOutbox(path);
      await outbox.open();
      outbox.append(queued(1));
      await outbox.commit();
      const limit = (bytes: number | 'unlimited') =>
        execFileSync(PRLIMIT, ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`]);
      // As on a disk that is full: part of it can be written.
      limit(statSync(path).size + 40);
      try {
        outbox.append(queued(2, 100));
        const failure = `The outbox ${path} cannot be written: the file would be larger than allowed`;
        await expect(outbox.commit()).rejects.toThrow(new OutboxError(failure));
        outbox.append(queued(3));
        await expect(outbox.commit()).rejects.toThrow(failure);
      } finally {
        limit('unlimited');
      }
      await outbox.commit();
      await outbox.close();
      expect(await store()).toEqual([queued(1), queued(2, 100), queued(3)]);
    },
  );
});

/** Opens the outbox in another process, and is killed. */
async function leaveLock(): Promise<void> {
  const program = `require('node:net').createServer().listen('box.lock', () => process.stdout.write('listening'))`;
  const child = spawn(process.execPath, ['-e', program], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
}

describe.each([
  ['a short path', ''],
  ['a path that is too long for a socket', 'x'.repeat(120)],
])('the lock of an outbox with %s', (_, name) => {
  beforeEach(() => {
    folder = join(folder, name);
    mkdirSync(folder, { recursive: true });
    path = join(folder, 'box');
  });

  it('lets one use it at a time, and tells others who that is', async () => {
    const outbox = fileOutbox(path);
    await outbox.open();
    const inUse = new OutboxError(`The outbox ${path} is in use by process ${process.pid}`);
    await expect(store()).rejects.toThrow(inUse);
    await outbox.close();
    expect(await store()).toEqual([]);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('is taken over from a process that was killed, by one of those that come', async () => {
    await leaveLock();
    expect(existsSync(`${path}.lock`)).toBe(true);
    const outboxes = [1, 2, 3].map(() => fileOutbox(path));
    const outcomes = await Promise.allSettled(outboxes.map((outbox) => outbox.open()));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await Promise.all(outboxes.filter((_, i) => outcomes[i].status === 'fulfilled').map((outbox) => outbox.close()));
    expect(await store()).toEqual([]);
  });
});
