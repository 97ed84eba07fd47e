import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PidFile, pidIn } from './pid-file.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-pid-'));
  path = join(folder, 'pid');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('PidFile', () => {
  it('names this process, instead of whoever was in it, and goes with it', () => {
    writeFileSync(path, '123456789\n');
    const file = new PidFile(path);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    expect(pidIn(path)).toBe(process.pid);
    file.remove();
    expect(existsSync(path)).toBe(false);
    file.remove();
  });

  it('is left alone when another process has written it', () => {
    const file = new PidFile(path);
    writeFileSync(path, '1\n');
    file.remove();
    expect(pidIn(path)).toBe(1);
  });

  it('is not written through a link', () => {
    writeFileSync(join(folder, 'other'), 'precious');
    symlinkSync(join(folder, 'other'), path);
    expect(() => new PidFile(path)).toThrow('ELOOP');
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('precious');
  });

  it('cannot be written where there is no folder', () => {
    expect(() => new PidFile(join(folder, 'missing/pid'))).toThrow('ENOENT');
  });
});

describe('pidIn', () => {
  it.each(['', 'x', '0', '-5'])("finds no process in '%s'", (text) => {
    writeFileSync(path, text);
    expect(pidIn(path)).toBeNull();
  });

  it('finds none where there is no file', () => {
    expect(pidIn(path)).toBeNull();
  });
});
