// @ts-check
// `npm test`: sets up what is missing, then runs the tests. `npm test -- packages/codec` runs those of one folder.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT, setUp } from './setup.js';

setUp();
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts', 'closing-line.js')}`];
const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exit(status ?? 1);
