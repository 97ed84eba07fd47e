/**
 * Does long work that can be ended early: the first SIGINT or SIGTERM aborts the signal that `work` gets, so that it ends
 * with what it has; the second ends the program at once, with `exitCode`.
 */
export async function interruptible<Result>(
  exitCode: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interruption = new AbortController();
  const interrupt = (): void => {
    if (interruption.signal.aborted) process.exit(exitCode);
    interruption.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work(interruption.signal);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
