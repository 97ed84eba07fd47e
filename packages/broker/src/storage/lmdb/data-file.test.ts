import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { newPath } from '../lmdb-store.test-support.js';
import { inspectDataFile } from './data-file.js';
import { Environment } from './environment.js';

let sound: string;

beforeAll(async () => {
  sound = newPath();
  const environment = new Environment({ path: sound, readOnly: false, noSync: false });
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 50; n++) environment.put('messages', Buffer.of(round, n), new Uint8Array(5000));
    await environment.commit();
  }
  await environment.close();
});

/** A copy of the sound file, with this done to it. */
function copy(change: (path: string) => void): string {
  const path = newPath();
  copyFileSync(sound, path);
  change(path);
  return path;
}

describe('a data file', () => {
  it('is sound as LMDB leaves it, and as its copy is', async () => {
    expect(inspectDataFile(sound)).toEqual({ kind: 'sound' });
    const environment = new Environment({ path: sound, readOnly: false, noSync: false });
    const path = newPath();
    await environment.copyTo(path);
    expect(inspectDataFile(sound)).toEqual({ kind: 'sound' });
    await environment.close();
    expect(inspectDataFile(path)).toEqual({ kind: 'sound' });
  });

  it('is new when there is none, or nothing in it', () => {
    expect(inspectDataFile(newPath())).toEqual({ kind: 'new' });
    expect(inspectDataFile(copy((path) => truncateSync(path, 0)))).toEqual({ kind: 'new' });
  });

  it('is short when it ends too early, be it by a byte', () => {
    const { size } = statSync(sound);
    for (const bytes of [size - 1, Math.floor(size / 2), 8192]) {
      const state = inspectDataFile(copy((path) => truncateSync(path, bytes)));
      expect(state).toEqual({ kind: 'short', why: `it has ${bytes} bytes and should have ${size}`, bytes: size });
    }
  });

  it('is torn when its second page is not there, or another', () => {
    expect(inspectDataFile(copy((path) => truncateSync(path, 4200)))).toMatchObject({ kind: 'torn' });
    const damage = (path: string): void => {
      const bytes = readFileSync(path);
      bytes.fill(0, 4096, 8192);
      writeFileSync(path, bytes);
    };
    expect(inspectDataFile(copy(damage))).toMatchObject({ kind: 'torn', why: 'its second page is damaged' });
  });

  it.each([
    ['text', Buffer.from('this is something else')],
    ['zeros', Buffer.alloc(100_000)],
    ['too short to be one', Buffer.of(0, 0, 0, 0)],
  ])('is foreign when it is %s', (_, bytes) => {
    expect(inspectDataFile(copy((path) => writeFileSync(path, bytes)))).toMatchObject({ kind: 'foreign' });
  });

  it('is foreign when it is a folder', () => {
    const path = newPath();
    mkdirSync(path);
    expect(inspectDataFile(path)).toEqual({ kind: 'foreign', why: 'it is not a file' });
  });
});
