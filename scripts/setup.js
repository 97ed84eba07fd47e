// @ts-check
// What `npm start` and `npm test` need first: the packages of the lock file, and a build of the present sources. Says
// something only when there is something to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
/** Holds the hash of the lock file that was installed. */
const INSTALLED = join(MODULES, '.cauldron-installed');
/** Its time is that of the last whole build. */
const BUILT = join(MODULES, '.cauldron-built');

/** Installs and builds what is not up to date. Ends the process when a step fails. */
export function setUp() {
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(INSTALLED) || readFileSync(INSTALLED, 'utf8') !== lock) {
    step('Installing the packages of package-lock.json', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
    writeFileSync(INSTALLED, lock);
  }
  if (!existsSync(BUILT) || newestSource() > statSync(BUILT).mtimeMs) {
    const startedAt = new Date();
    const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    step('Building', process.execPath, [compiler, '-b']);
    step('Bundling the tools', process.execPath, [join(ROOT, 'scripts', 'bundle.js')]);
    writeFileSync(BUILT, '');
    // A file that was saved while the compiler ran counts as newer.
    utimesSync(BUILT, startedAt, startedAt);
  }
}

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 */
function step(what, command, args) {
  console.error(`${what} ...`);
  const startedAt = performance.now();
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error !== undefined) console.error(`Cannot run ${command}: ${error.message}`);
  if (status !== 0) {
    console.error(`${what} failed; what went wrong stands above.`);
    process.exit(1);
  }
  console.error(`${what}: done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** When any file was changed last that the build is made from, ms. */
function newestSource() {
  let newest = 0;
  const look = (/** @type {string} */ path) => {
    newest = Math.max(newest, statSync(path).mtimeMs);
  };
  const lookInto = (/** @type {string} */ folder) => {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.ts') && !/\.test\.ts$|^dist\b/.test(file)) look(join(folder, file));
    }
  };
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.base.json']) look(join(ROOT, name));
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const folder = join(ROOT, 'packages', name);
    look(join(folder, 'tsconfig.json'));
    lookInto(join(folder, 'src'));
  }
  lookInto(join(ROOT, 'test', 'conformance'));
  return newest;
}
