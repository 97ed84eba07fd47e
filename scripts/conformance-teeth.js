// @ts-check
// `npm run conformance:teeth`: would the tests notice? Switches off one behaviour at a time in a copy of the build, and runs
// the tests of the statement that demands it. Ends with 1 if they still pass. `-- --only WORD` takes some behaviours.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BEHAVIOURS } from '../test/conformance/teeth/behaviours.js';
import { CLIENT_BEHAVIOURS } from '../test/conformance/teeth/client-behaviours.js';
import { ROOT, setUp } from './setup.js';

/** How long a test waits for what a crippled broker does not send, s. */
const TIMEOUT_S = 3;

setUp();
const word = process.argv[2] === '--only' ? process.argv[3] : '';
const chosen = [...BEHAVIOURS, ...CLIENT_BEHAVIOURS].filter(({ behaviour, statement }) =>
  `${behaviour} ${statement}`.includes(word),
);
const copy = copyOfBuild();
let survivors = 0;
for (const [index, { behaviour, level, statement, side = 'server', file, find, replace }] of chosen.entries()) {
  const path = join(copy, file);
  const original = readFileSync(path, 'utf8');
  if (original.split(find).length !== 2) {
    console.error(`${file}: '${find}' does not stand there once; teeth/behaviours.js has to follow the code`);
    process.exit(1);
  }
  // A function, so that a `$` in the text is no pattern.
  writeFileSync(
    path,
    original.replace(find, () => replace),
  );
  const caught = firstFailure(level, statement, side);
  writeFileSync(path, original);
  if (caught === undefined) survivors++;
  const verdict = caught === undefined ? 'NOT NOTICED' : `noticed by: ${caught}`;
  console.log(`${String(index + 1).padStart(2)} of ${chosen.length}  without: ${behaviour}\n          ${verdict}`);
}
rmSync(copy, { recursive: true });
console.log(`${chosen.length - survivors} of ${chosen.length} noticed`);
process.exitCode = survivors === 0 ? 0 : 1;

/** The title of the first test that fails, of those that prove the statement; undefined if all pass. */
function firstFailure(/** @type {number} */ level, /** @type {string} */ statement, /** @type {string} */ side) {
  const program = `
    import { cauldronTarget, instancesOf, nameOf, runAll, SECTIONS } from '@cauldron/conformance';
    const target = cauldronTarget();
    const instances = instancesOf(SECTIONS, { levels: [${level}], side: '${side}' })
      .filter(({ statements }) => statements.includes('${statement}'));
    if (instances.length === 0) throw new Error('no test proves ${statement}');
    const results = await runAll(instances, target, { jobs: 16, timeoutMs: ${TIMEOUT_S * 1000} });
    const failed = results.find(({ outcome }) => outcome.kind === 'failed');
    console.log(JSON.stringify({ failed: failed === undefined ? null : nameOf(failed.instance) }));
    process.exit(0);
  `;
  const file = join(copy, 'run.js');
  writeFileSync(file, program);
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { cwd: copy, encoding: 'utf8' });
  // A broker that the change brings down is noticed, too.
  if (status !== 0) {
    if (/no test proves|SyntaxError/.test(stderr)) throw new Error(stderr);
    return `the end of the process: ${stderr.split('\n').find((line) => line.includes('Error')) ?? status}`;
  }
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '').failed ?? undefined;
}

/** A folder where the packages are copies and what they depend on is not. */
function copyOfBuild() {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-teeth-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@cauldron'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of ['codec', 'client', 'broker', 'conformance']) {
    const at = name === 'conformance' ? 'test/conformance' : `packages/${name}`;
    for (const part of ['package.json', 'dist'])
      cpSync(join(ROOT, at, part), join(folder, at, part), { recursive: true });
    symlinkSync(join(folder, at), join(modules, '@cauldron', name), 'junction');
  }
  for (const name of ['ws', 'lmdb']) {
    symlinkSync(realpathSync(join(ROOT, 'node_modules', name)), join(modules, name), 'junction');
  }
  return folder;
}
