import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileOutput } from './file-output.js';

it('says once that a file takes nothing, and goes on', async () => {
  const said: string[] = [];
  const output = new FileOutput('/dev/full', (text) => said.push(text));
  output.write('a\n');
  output.write('b\n');
  await output.close();
  expect(output.pendingBytes).toBe(0);
  expect(said).toEqual([expect.stringMatching(/^The log file \/dev\/full takes nothing: ENOSPC/)]);
});

it('makes a file that only its owner and its group may read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-log-'));
  const path = join(folder, 'new.log');
  await new FileOutput(path, () => {}).close();
  expect(statSync(path).mode & 0o027).toBe(0);
  rmSync(folder, { recursive: true });
});
