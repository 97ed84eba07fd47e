import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { areInstalled } from '../../../../test/support/programs.js';
import { PowerCut, PowerCutError } from './power-cut.js';

let work: string;
let folder: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'cauldron-power-cut-'));
  folder = join(work, 'data');
  mkdirSync(folder);
});

afterEach(() => rmSync(work, { recursive: true }));

const ALL_LOST = (): number => 0;

const PROGRAM_STARTS = `
  const fs = require('node:fs');
  process.chdir(${JSON.stringify('FOLDER')});
  const die = () => process.kill(process.pid, 'SIGKILL');
`;

/** Runs a program until it kills itself. */
async function run(powerCut: PowerCut, text: string): Promise<void> {
  const program = PROGRAM_STARTS.replace('FOLDER', folder) + text;
  const env = { ...process.env, ...powerCut.environment };
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit'], env });
  const signal = await new Promise((resolve) => child.on('close', (_, how) => resolve(how)));
  expect(signal).toBe('SIGKILL');
}

function content(name: string): string {
  return readFileSync(join(folder, name), 'latin1');
}

describe.skipIf(process.platform !== 'linux' || !areInstalled('gcc'))('a power cut', () => {
  it('takes away what a program has not synced, and nothing else', async () => {
    const powerCut = new PowerCut(work, folder);
    await run(
      powerCut,
      `const a = fs.openSync('a', 'w');
      fs.writeSync(a, 'one ');
      fs.fsyncSync(a);
      fs.writeSync(a, 'two ');
      fs.writevSync(a, [Buffer.from('three '), Buffer.from('four')]);
      fs.writeSync(a, 'ONE', 0);
      const b = fs.openSync('b', 'w+');
      fs.writeSync(b, 'synced');
      fs.fdatasyncSync(b);
      fs.writeFileSync('c', 'never synced');
      die();`,
    );
    expect([content('a'), content('b'), content('c')]).toEqual(['ONE two three four', 'synced', 'never synced']);
    expect(powerCut.strike(ALL_LOST)).toBe(4);
    expect([content('a'), content('b'), content('c')]).toEqual(['one ', 'synced', '']);
  });

  it('knows what another thread has synced', async () => {
    const powerCut = new PowerCut(work, folder);
    await run(
      powerCut,
      `const a = fs.openSync('a', 'w');
      fs.writeSync(a, 'before ');
      fs.fsync(a, () => { fs.writeSync(a, 'after'); die(); });`,
    );
    powerCut.strike(ALL_LOST);
    expect(content('a')).toBe('before ');
  });

  it('takes away nothing of a file that is opened with O_DSYNC', async () => {
    const powerCut = new PowerCut(work, folder);
    await run(
      powerCut,
      `const { O_WRONLY, O_CREAT, O_DSYNC } = fs.constants;
      const a = fs.openSync('a', O_WRONLY | O_CREAT | O_DSYNC);
      fs.writeSync(a, 'at once');
      die();`,
    );
    expect(powerCut.strike(ALL_LOST)).toBe(0);
    expect(content('a')).toBe('at once');
  });

  it('gives back what was overwritten, appended or cut off, also of a file with another name now', async () => {
    writeFileSync(join(folder, 'old'), 'old content');
    const powerCut = new PowerCut(work, folder);
    await run(
      powerCut,
      `fs.appendFileSync('old', ' and more');
      const a = fs.openSync('old', 'r+');
      fs.writeSync(a, 'new', 0);
      fs.ftruncateSync(a, 5);
      fs.renameSync('old', 'other');
      die();`,
    );
    expect(content('other')).toBe('new c');
    powerCut.strike(ALL_LOST);
    expect(content('other')).toBe('old content');
  });

  it('leaves other folders alone', async () => {
    const powerCut = new PowerCut(work, folder);
    const outside = join(work, 'data-outside');
    await run(powerCut, `fs.writeFileSync(${JSON.stringify(outside)}, 'not synced'); die();`);
    expect(powerCut.strike(ALL_LOST)).toBe(0);
    expect(readFileSync(outside, 'utf8')).toBe('not synced');
  });

  it('comes again and again', async () => {
    const powerCut = new PowerCut(work, folder);
    const program = `const a = fs.openSync('a', 'a'); fs.writeSync(a, '+'); fs.fsyncSync(a); fs.writeSync(a, '-'); die();`;
    for (const expected of ['+', '++', '+++']) {
      await run(powerCut, program);
      powerCut.strike(ALL_LOST);
      expect(content('a')).toBe(expected);
    }
  });

  it('says so when a program does what cannot be taken back', async () => {
    const powerCut = new PowerCut(work, folder);
    await run(
      powerCut,
      `fs.writeFileSync('a', 'content');
      require('node:child_process').spawnSync('fallocate', ['-l', '100', 'a']);
      die();`,
    );
    const how = `A power cut cannot be imitated after fallocate ${join(folder, 'a')}.`;
    expect(() => powerCut.strike(ALL_LOST)).toThrow(new PowerCutError(how));
  });

  it('says so when the program did not let itself be watched', () => {
    const powerCut = new PowerCut(work, folder);
    expect(() => powerCut.strike(ALL_LOST)).toThrow(PowerCutError);
  });
});
