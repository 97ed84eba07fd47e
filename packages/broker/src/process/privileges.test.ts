import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, Privileges } from './privileges.js';

const ACCOUNT = { name: 'somebody', uid: 4711, gid: 4712 };

let folder: string;
const at = (name: string): string => join(folder, name);
const ownerOf = (name: string): number => lstatSync(at(name)).uid;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-privileges-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Who this process is, as far as it can tell: what is set is remembered, and not done. */
function identity(): { readonly calls: string[]; readonly system: ConstructorParameters<typeof Privileges>[1] } {
  const calls: string[] = [];
  let effective = 0;
  let isGone = false;
  const said = (name: string) => (id: number) => {
    calls.push(`${name} ${id}`);
  };
  const system = {
    geteuid: () => effective,
    setegid: said('setegid'),
    setgid: said('setgid'),
    seteuid(id: number) {
      calls.push(`seteuid ${id}`);
      effective = id;
    },
    setuid(id: number) {
      if (isGone && id === 0) throw new Error('EPERM');
      calls.push(`setuid ${id}`);
      effective = id;
      isGone = true;
    },
    setgroups: (groups: readonly number[]) => void calls.push(`setgroups ${groups}`),
    initgroups: (user: string, group: number) => void calls.push(`initgroups ${user} ${group}`),
  };
  return { calls, system };
}

describe('Privileges', () => {
  it('gives up groups before the group, and the group before the user', () => {
    const { calls, system } = identity();
    new Privileges(ACCOUNT, system).drop();
    expect(calls).toEqual(['initgroups somebody 4712', 'setgid 4712', 'setuid 4711']);
  });

  it('has no groups but one for an account without a name', () => {
    const { calls, system } = identity();
    new Privileges({ ...ACCOUNT, name: null }, system).drop();
    expect(calls[0]).toBe('setgroups 4712');
  });

  it('refuses to go on where root could come back', () => {
    const { system } = identity();
    const careless = { ...system, setuid: () => {}, geteuid: () => 4711 } as typeof system;
    expect(() => new Privileges(ACCOUNT, careless).drop()).toThrow('could not be given up');
  });

  it('takes the rights of root back after something was done without them, be it in vain', async () => {
    const { calls, system } = identity();
    const done = new Privileges(ACCOUNT, system).without(async () => {
      calls.push('act');
      throw new Error('in vain');
    });
    await expect(done).rejects.toThrow('in vain');
    expect(calls.slice(1)).toEqual(['setegid 4712', 'seteuid 4711', 'act', 'seteuid 0', 'setegid 0']);
  });
});

describe.skipIf(!isRoot())('Privileges, of files (for root only)', () => {
  const privileges = new Privileges(ACCOUNT);

  it('makes the folder for the data, and gives it away', () => {
    privileges.prepareFolder(at('a/b'), 'data');
    expect([ownerOf('a/b'), ownerOf('a'), lstatSync(at('a/b')).mode & 0o777]).toEqual([4711, 0, 0o700]);
  });

  it('gives away a folder of root that is empty, or has a store, with the files in it', () => {
    mkdirSync(at('empty'));
    privileges.prepareFolder(at('empty'), 'data');
    mkdirSync(at('store'));
    for (const name of ['store/data', 'store/data-lock', 'store/data.damaged-1']) writeFileSync(at(name), '');
    privileges.prepareFolder(at('store'), 'data');
    expect(['empty', 'store', 'store/data', 'store/data-lock', 'store/data.damaged-1'].map(ownerOf)).toEqual(
      Array(5).fill(4711),
    );
  });

  it('leaves a folder alone that has other things in it', () => {
    mkdirSync(at('etc'));
    writeFileSync(at('etc/passwd'), '');
    privileges.prepareFolder(at('etc'), 'data');
    expect([ownerOf('etc'), ownerOf('etc/passwd')]).toEqual([0, 0]);
  });

  it('leaves alone what others could have put there', () => {
    writeFileSync(at('secret'), '');
    mkdirSync(at('shared'));
    chmodSync(at('shared'), 0o777);
    linkSync(at('secret'), at('shared/data'));
    privileges.prepareFolder(at('shared'), 'data');
    expect([ownerOf('shared'), ownerOf('secret')]).toEqual([0, 0]);
  });

  it('does not follow links out of the folder', () => {
    writeFileSync(at('secret'), '');
    mkdirSync(at('store'));
    writeFileSync(at('store/data'), '');
    symlinkSync(at('secret'), at('store/data.old'));
    privileges.prepareFolder(at('store'), 'data');
    expect([ownerOf('store/data'), ownerOf('secret')]).toEqual([4711, 0]);
  });

  it('begins a log file for the account, and leaves one alone that is there', () => {
    writeFileSync(at('old.log'), '');
    privileges.prepareFile(at('old.log'));
    privileges.prepareFile(at('new.log'));
    symlinkSync(at('nowhere'), at('link.log'));
    privileges.prepareFile(at('link.log'));
    privileges.prepareFile(at('missing/new.log'));
    expect([ownerOf('old.log'), ownerOf('new.log')]).toEqual([0, 4711]);
    expect(() => ownerOf('nowhere')).toThrow('ENOENT');
  });

  it('gives no file away for a socket', () => {
    writeFileSync(at('file'), '');
    privileges.giveSocket(at('file'));
    expect(ownerOf('file')).toBe(0);
  });
});
