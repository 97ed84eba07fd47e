import { OutboxError } from './outbox-error.js';

interface LockManager {
  request(name: string, options: { signal: AbortSignal }, callback: () => Promise<void>): Promise<void>;
}

/** When a page is loaded again, the lock of the one before is free a moment later. */
const PATIENCE_MS = 2_000;

/**
 * Makes sure that one page or worker of a browser uses an outbox at a time; the browser frees the lock when the page is
 * gone. Pages without a secure context have no locks: there the outbox goes without.
 * @returns what frees the lock
 * @throws (rejects) OutboxError: another one has it
 */
export function takeWebLock(name: string): Promise<() => void> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks;
  if (locks === undefined) return Promise.resolve(() => {});
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const request = locks.request(`cauldron-outbox-${name}`, { signal }, () => {
      return new Promise<void>((free) => resolve(free));
    });
    request.catch((error) => {
      reject(signal.aborted ? new OutboxError(`The outbox ${name} is in use by another page`) : error);
    });
  });
}
