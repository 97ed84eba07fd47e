import type { Administration } from './administration.js';

/** Exit code of a process that did not stop as it should. */
const FAILED = 1;

/**
 * Does what signals ask for: SIGHUP reads the configuration again, SIGUSR1 saves, SIGUSR2 prints the trees to the standard
 * output. Resolves at the first SIGINT or SIGTERM; a second one ends the process at once.
 */
export function obeySignals(administration: Administration): Promise<void> {
  // All of them have been logged already.
  const ignoreFailure = (): void => {};
  process.on('SIGHUP', () => void administration.reload().catch(ignoreFailure));
  // Until somebody listens to it, Node takes this signal for a request to be debugged.
  process.on('SIGUSR1', () => void administration.save().catch(ignoreFailure));
  process.on('SIGUSR2', () => void administration.printTrees());
  return new Promise((resolve) => {
    let isStopping = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(FAILED);
        isStopping = true;
        resolve();
      });
    }
  });
}
