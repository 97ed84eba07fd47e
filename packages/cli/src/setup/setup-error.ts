/** A setup cannot go on; the message says why, and what to do, in words for the person at the terminal. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** `act`, with the system's errors about files and programs in words. @throws SetupError */
export function explaining<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SetupError(`${what}: ${error.message}.`, { cause: error });
  }
}
