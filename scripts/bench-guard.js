// Fails if a part of the hot path costs more than 15 % more than bench/guard.json says; `--record` writes that file anew.
// It needs the build.
import { checkGuard, recordGuard } from '../bench/micro/guard.js';

if (process.argv[2] === '--record') {
  recordGuard();
} else {
  const startMs = performance.now();
  const complaints = checkGuard();
  for (const complaint of complaints) console.error(`bench guard: ${complaint}`);
  if (complaints.length > 0) {
    console.error('If this is meant: node scripts/bench-guard.js --record');
    process.exitCode = 1;
  } else {
    console.log(`The hot path costs what it did (${((performance.now() - startMs) / 1000).toFixed(0)} s).`);
  }
}
