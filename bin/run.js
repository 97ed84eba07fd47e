// What all commands in this folder begin with: finds the build of packages/cli that is to be run.

// Not by an import, which would load much more of it: see scripts/bundle.js.
const { existsSync, statSync } = process.getBuiltinModule('node:fs');

const dist = new URL('../packages/cli/dist/', import.meta.url);
const bundle = new URL('bundle/index.js', dist);
/** Each of them is written when its package is compiled. */
const COMPILED = ['packages/cli', 'packages/client', 'packages/codec', 'packages/broker', 'test/conformance'].map(
  (folder) => new URL(`../${folder}/dist/.tsbuildinfo`, import.meta.url),
);

/** The functions of packages/cli; null: it is not built. The bundle starts faster; one that is out of date is left alone. */
async function loadCommands() {
  const entry = isUpToDate() ? bundle : new URL('index.js', dist);
  return existsSync(entry) ? import(entry.href) : null;
}

/** Runs Mosquitto's program of that name with the arguments of this process. */
export async function runMosquittoProgram(program) {
  await run((commands) => commands.runMosquittoProgram(program, process.argv.slice(2)));
}

/** Runs `cauldron` with the arguments of this process. */
export async function runCauldron() {
  await run((commands) => commands.runCommand(process.argv.slice(2)));
}

async function run(start) {
  const commands = await loadCommands();
  if (commands === null) {
    console.error('cauldron is not built yet: run `npm ci && npm run build`, or `npm start`, which does both.');
    process.exitCode = 1;
  } else {
    process.exitCode = await start(commands);
  }
}

function isUpToDate() {
  const made = timeOf(bundle);
  return made > 0 && COMPILED.every((file) => timeOf(file) <= made);
}

/** When a file was written, ms; 0: there is none. */
function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
