// @ts-check
// Makes packages/cli/dist/bundle of the compiled command: its modules and those of the client and the codec in few files,
// because a tool that publishes one message spends most of its time finding and reading modules. The broker and the
// packages of others stay outside. Where there is no bundler for the machine the command does without.
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.js';

const DIST = join(ROOT, 'packages', 'cli', 'dist');
/** As deep as the modules of rooms, so that what they name by its place is found from here, too. */
const BUNDLE = join(DIST, 'bundle');
/** Of the workspace, and small. */
const INSIDE = /^@cauldron\/(cli|client|codec|broker\/nearest-name)$/;

const startedAt = new Date();
rmSync(BUNDLE, { recursive: true, force: true });
const bundler = await import('rolldown').catch((error) => {
  console.error(`There is no bundler for this machine, so the tools start a little slower: ${error.message}`);
  return null;
});
if (bundler !== null) {
  const bundle = await bundler.rolldown({
    input: join(DIST, 'index.js'),
    platform: 'node',
    external: (id) => !/^[./]/.test(id) && !INSIDE.test(id),
    treeshake: { moduleSideEffects: false },
    logLevel: 'warn',
  });
  await bundle.write({ dir: BUNDLE, format: 'esm', chunkFileNames: '[name]-[hash].js' });
  await bundle.close();
  // What was compiled meanwhile is newer.
  utimesSync(join(BUNDLE, 'index.js'), startedAt, startedAt);
}
