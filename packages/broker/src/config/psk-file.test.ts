import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPskFile } from './psk-file.js';
import { TlsFileError } from './tls-file-error.js';

let file: string;

beforeAll(() => {
  file = join(mkdtempSync(join(tmpdir(), 'cauldron-psk-')), 'keys');
});

afterAll(() => rmSync(join(file, '..'), { recursive: true }));

function read(...lines: readonly string[]): Record<string, string> {
  writeFileSync(file, lines.join('\n'));
  return Object.fromEntries([...readPskFile(file)].map(([identity, key]) => [identity, key.toString('hex')]));
}

function problems(...lines: readonly string[]): readonly string[] {
  try {
    read(...lines);
  } catch (error) {
    if (error instanceof TlsFileError) return error.problems.map((problem) => problem.replace(`psk_file ${file}`, ''));
    throw error;
  }
  return [];
}

describe('a file with pre-shared keys', () => {
  it('has a line for each identity, and lines that say nothing', () => {
    expect(read('# keys', '', 'a:00ff', '  größe : AbCd\r', 'b:1')).toEqual({ a: '00ff', größe: 'abcd', b: '01' });
    expect(read('')).toEqual({});
  });

  it('is refused with all that is wrong with it, by line, without showing a key', () => {
    expect(
      problems('a:00', 'b', ':00', 'c:', 'd:xyz', 'a:11', 'e:f:00', `${'i'.repeat(257)}:00`, `k:${'0'.repeat(1026)}`),
    ).toEqual([
      ':2: a line has to be an identity, a colon and a key, as in device-1:0f3c5a69.',
      ':3: there is no identity before the colon.',
      ':4: there is no key behind the colon.',
      ':5: the key has to be hexadecimal: digits and the letters a to f.',
      ":6: the identity 'a' has a key already, in line 1.",
      ':7: the key has to be hexadecimal: digits and the letters a to f.',
      ':8: an identity has at most 256 bytes.',
      ':9: a key has at most 512 bytes.',
    ]);
  });

  it('is not the wrong file: then a part of what is wrong is enough', () => {
    const found = problems(...Array.from({ length: 100 }, () => 'text'));
    expect(found).toHaveLength(21);
    expect(found.at(-1)).toBe(': 80 more lines are wrong.');
  });

  it('has to be there', () => {
    expect(() => readPskFile('/nowhere/keys')).toThrow(/^psk_file \/nowhere\/keys cannot be read: ENOENT/);
  });
});
