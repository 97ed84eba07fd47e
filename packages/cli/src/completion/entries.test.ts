import { describe, expect, it } from 'vitest';
import { entryOf, operandsOf } from './entries.js';

describe('what may stand without a flag', () => {
  it.each([
    ['FILE [--dir DIR]', 'files'],
    ['OLD-FILE NEW-FILE', 'files'],
    ['[DIR] [options]', 'folders'],
    ['FOLDER [--dir DIR]', 'folders'],
    ['NAME [--dir DIR]', 'nothing'],
    ['[OPTIONS]', 'nothing'],
    ['[mqtt://HOST:PORT] [options]', 'nothing'],
    ['[-h HOST] [-p PORT] -t TOPIC {-m TEXT | -f FILE | -l} [options]', 'nothing'],
    ['[--pid N | -c FILE]', 'nothing'],
    ['bash|zsh|fish', ['bash', 'zsh', 'fish']],
    ['[lift [ADDRESS|USER]]', ['lift']],
    ['[--user NAME] read|write TOPIC', ['read', 'write']],
    ['[-c] FILE USER\n       cauldron passwd -U FILE', 'files'],
  ])('by the usage %s', (usage, expected) => {
    expect(operandsOf(usage)).toEqual(expected);
  });
});

describe('an entry', () => {
  it('knows what each flag takes', () => {
    const flags = {
      file: { short: '-f', long: '--file', kind: 'text', value: 'FILE', doc: 'Where.' },
      folder: { long: '--capath', kind: 'text', value: 'FOLDER', doc: 'Where.' },
      version: { short: '-V', kind: 'choice', value: 'VERSION', choices: ['311', '5'], doc: 'Which.' },
      topics: { short: '-t', kind: 'list', value: 'TOPIC', doc: 'What.' },
      quiet: { long: '--quiet', kind: 'switch', doc: 'Silence.' },
    } as const;
    const entry = entryOf({ name: 'x', summary: 'X', tool: { usage: '[options]', flags }, actions: [] });
    expect(entry.flags.map(({ names, argument }) => [names.join(), argument?.candidates ?? null])).toEqual([
      ['-f,--file', 'files'],
      ['--capath', 'folders'],
      ['-V', ['311', '5']],
      ['-t', 'nothing'],
      ['--quiet', null],
    ]);
    expect(entry.flags.map(({ isRepeatable }) => isRepeatable)).toEqual([false, false, false, true, false]);
  });

  it('has the actions of a family, and words that others follow', () => {
    expect(entryOf({ name: 'x', summary: 'X', tool: null, actions: [{ name: 'a' }] }).operands).toEqual(['a']);
    const tool = { usage: '', flags: {} };
    expect(entryOf({ name: 'x', summary: 'X', tool, actions: [] }, { one: ['two'] }).operands).toEqual(['one']);
  });
});
