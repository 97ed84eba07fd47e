// @ts-check
// `npm run torture`: sets up what is missing, then a long `cauldron torture`, first with kills, then with power cuts.
// Options go through: `npm run torture -- --kills 500 --dir /mnt/disk`. Ends with 1 when something was lost.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.js';

const given = process.argv.slice(2);
const hasEnd = given.some((argument) => /^--(minutes|kills)\b/.test(argument));
const options = hasEnd ? given : ['--minutes', '15', ...given];
const isSingle = process.platform !== 'linux' || given.includes('--power-cut') || given.includes('--help');

setUp();
let isInterrupted = false;
// It goes to the run, too, which ends with its sheet.
process.on('SIGINT', () => {
  isInterrupted = true;
});
const statuses = [await run(options)];
if (!isSingle && !isInterrupted) statuses.push(await run(['--power-cut', ...options]));
const hasFailed = statuses.includes(1);
process.exitCode = hasFailed ? 1 : Math.max(...statuses);

/**
 * @param {string[]} argv
 * @returns {Promise<number>} its exit status
 */
function run(argv) {
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'cauldron.js'), 'torture', ...argv], { stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 2)));
}
