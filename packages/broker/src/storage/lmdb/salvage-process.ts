import { writeSync } from 'node:fs';
import { copyOf, Environment, TABLES } from './environment.js';
import { bringUpToDate, FORMAT_VERSION, formatOf } from './format.js';
import { examine, isProblem } from './integrity.js';

// A process of its own for files that may be damaged: LMDB trusts what it reads, and can take the process down with it.
// What it found is on its standard output, when it is done: `good` or `damaged`. Nothing there: it died of the file.
//   salvage-process.js check PATH         good: all of the file can be read, and fits together
//   salvage-process.js copy TABLE FROM TO copies what can be read of a table into another file, up to the first damage
//   salvage-process.js copy-back TABLE FROM TO  the same from the table's end, up to what was copied before

/** Records that are committed together, so that a sudden end loses no more. */
const COPIED_AT_ONCE = 100;

function check(path: string): boolean {
  try {
    const environment = new Environment({ path, readOnly: true, noSync: false });
    const version = formatOf(environment);
    if (version === null) return false;
    // Whoever opens it says what that means.
    if (version > FORMAT_VERSION) return true;
    for (const found of examine(environment)) if (isProblem(found)) return false;
    return true;
  } catch {
    return false;
  }
}

async function copy(name: string, from: string, to: string, isBackwards: boolean): Promise<void> {
  const table = TABLES.find((each) => each === name);
  if (table === undefined) throw new Error(`There is no table ${name}`);
  const source = new Environment({ path: from, readOnly: true, noSync: false });
  // What another process of this machine is to see needs no sync; whoever opens the copy does that.
  const target = new Environment({ path: to, readOnly: false, noSync: true });
  bringUpToDate(target);
  let copied = 0;
  try {
    for (const { key, value } of isBackwards ? source.allBackwards(table) : source.all(table)) {
      // Before the next read, that of `has`.
      const [ownKey, ownValue] = [Buffer.from(key), copyOf(value)];
      if (isBackwards && target.has(table, ownKey)) break;
      target.put(table, ownKey, ownValue);
      if (++copied % COPIED_AT_ONCE === 0) await target.commit();
    }
  } finally {
    await target.commit();
  }
}

const [mode, ...args] = process.argv.slice(2);
if (mode === 'copy' || mode === 'copy-back') await copy(args[0], args[1], args[2], mode === 'copy-back');
writeSync(1, mode === 'check' && !check(args[0]) ? 'damaged' : 'good');
// Not by an exit: Node may wait for its own threads for ever when a process this short comes to its end.
process.kill(process.pid, 'SIGKILL');
