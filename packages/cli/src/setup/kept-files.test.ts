import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OWNER_ONLY, replaceFile, saveFormer, textOf } from './kept-files.js';
import { SetupError } from './setup-error.js';

describe('files that are kept', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-files-'));
    file = join(folder, 'mosquitto.conf');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('are written with the rights that they are to have, and nothing else is left', () => {
    replaceFile(file, 'one', 0o644, null);
    replaceFile(file, 'two', OWNER_ONLY, null);
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['mosquitto.conf']);
  });

  it('are as they were when they cannot be written', () => {
    expect(() => replaceFile(join(folder, 'none', 'x'), 'text', OWNER_ONLY, null)).toThrow(SetupError);
    writeFileSync(join(folder, 'plain'), '');
    expect(() => replaceFile(join(folder, 'plain', 'x'), 'text', OWNER_ONLY, null)).toThrow(
      /plain\/x cannot be written/,
    );
  });

  it('are saved under the time, and never over an earlier copy', () => {
    const now = new Date(2026, 10, 21, 14, 5, 9);
    expect(saveFormer(file, now)).toBeNull();
    writeFileSync(file, 'first', { mode: 0o640 });
    expect(saveFormer(file, now)).toBe(`${file}-20261121-140509`);
    writeFileSync(file, 'second');
    expect(saveFormer(file, now)).toBe(`${file}-20261121-140509-2`);
    expect(textOf(`${file}-20261121-140509`)).toBe('first');
    expect(textOf(`${file}-20261121-140509-2`)).toBe('second');
    expect(statSync(`${file}-20261121-140509`).mode & 0o777).toBe(0o640);
  });
});
