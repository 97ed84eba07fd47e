import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FlagTable, UsageError } from './arguments.js';
import { readOptionsFile } from './options-file.js';

const FLAGS = {
  host: { short: '-h', long: '--host', kind: 'text', value: 'HOST', doc: 'Where.' },
  retain: { short: '-r', kind: 'switch', doc: 'Kept.' },
  pairs: { short: '-D', kind: 'group', value: 'A B', arity: () => 2, doc: 'Pairs.' },
} as const satisfies FlagTable;

describe('readOptionsFile', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-options-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (text: string) => {
    const path = join(folder, 'options');
    writeFileSync(path, text);
    return readOptionsFile(FLAGS, path);
  };

  it('takes a flag and its argument from each line; the argument goes on to the end of the line', () => {
    const text = '# comment\n-h there\r\n\n-r\n--host  a b  c \n--host=x\n-D one two three';
    const lines = [['-h', 'there'], ['-r'], ['--host', 'a b  c '], ['--host=x'], ['-D', 'one', 'two three']];
    expect(read(text)).toEqual(lines.flat());
  });

  it('names file and line of what makes no sense', () => {
    expect(() => read('-r\n--hots there\n')).toThrow(
      new UsageError(`${join(folder, 'options')}:2: Unknown option '--hots'. Did you mean --host?`),
    );
    expect(() => read('-h')).toThrow(new UsageError(`${join(folder, 'options')}:1: -h needs HOST`));
  });

  it('says that a file cannot be read', () => {
    expect(() => readOptionsFile(FLAGS, join(folder, 'none'))).toThrow('The options file cannot be read: ENOENT');
  });
});
