// @ts-check
// Makes packages/cli/dist/bundle of the compiled command: all modules of the workspace in few files, because finding and
// reading modules is most of what a tool does that publishes one message, and takes a tenth of the memory of a broker at
// rest. The packages of others stay outside. Where there is no bundler for the machine the command does without.
import { rmSync, utimesSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ROOT } from './setup.js';

const DIST = join(ROOT, 'packages', 'cli', 'dist');
const BUNDLE = join(DIST, 'bundle');
const OF_WORKSPACE = /^([./]|@cauldron\/)/;

/** What a module names by its own place stands where the module was. */
const keepPlaces = {
  name: 'keep-places',
  /**
   * @param {string} code
   * @param {string} id
   */
  transform(code, id) {
    if (!code.includes('import.meta.url')) return null;
    const place = relative(BUNDLE, id).split(sep).join('/');
    return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`);
  },
};

/**
 * Takes Node's own modules by a call instead of importing them: an import makes a namespace of all that a module has, which
 * loads what it loads lazily, such as the streams of `node:fs`. The command starts 4 ms earlier.
 */
const NAMED_IMPORT = /^import \{([^}]*)\} from "(node:[\w/]+)";$/gm;

/** @type {import('rolldown').Plugin} */
const takeBuiltins = {
  name: 'take-builtins',
  renderChunk(code) {
    return code.replace(NAMED_IMPORT, (_statement, names, module) => {
      const taken = names.replaceAll(' as ', ': ');
      return `const {${taken}} = process.getBuiltinModule("${module}");`;
    });
  },
};

/**
 * What every tool needs that talks to a broker is one file, and the codec, which the broker needs too, another: reading many
 * small ones would take a third of the time that a tool needs to publish a message. TLS, WebSocket, proxies and outboxes
 * stay apart.
 */
const TOGETHER = [
  { name: 'codec', test: /packages[\\/]codec[\\/]dist/, priority: 2 },
  {
    name: 'tools',
    test: /client[\\/]dist[\\/]([^\\/]+|transports[\\/](tcp|socket-transport|prepared-transport|route)\.js)$|cli[\\/]dist[\\/](index\.js|commands\.js|pub|connection|command-line[\\/](arguments|tool|batched-output|byte-sink|line-splitter|version)\.js)|nearest-name/,
    priority: 1,
  },
];

const startedAt = new Date();
rmSync(BUNDLE, { recursive: true, force: true });
const bundler = await import('rolldown').catch((error) => {
  console.error(`There is no bundler for this machine, so programs start a little slower: ${error.message}`);
  return null;
});
if (bundler !== null) {
  const bundle = await bundler.rolldown({
    input: join(DIST, 'index.js'),
    platform: 'node',
    external: (id) => !OF_WORKSPACE.test(id),
    plugins: [keepPlaces, takeBuiltins],
    treeshake: { moduleSideEffects: (_id, isExternal) => isExternal },
    logLevel: 'warn',
    // What programs in browsers load when they need it is together here.
    checks: { ineffectiveDynamicImport: false },
  });
  await bundle.write({
    dir: BUNDLE,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
    codeSplitting: { groups: TOGETHER },
  });
  await bundle.close();
  // What was compiled meanwhile is newer.
  utimesSync(join(BUNDLE, 'index.js'), startedAt, startedAt);
}
