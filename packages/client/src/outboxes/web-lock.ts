import { OutboxError } from './outbox-error.js';

interface LockManager {
  request(
    name: string,
    options: { ifAvailable: true },
    callback: (lock: object | null) => Promise<void> | undefined,
  ): Promise<void>;
}

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
    const request = locks.request(`cauldron-outbox-${name}`, { ifAvailable: true }, (lock) => {
      if (lock !== null) return new Promise<void>((free) => resolve(free));
      reject(new OutboxError(`The outbox ${name} is in use by another page`));
      return undefined;
    });
    request.catch(reject);
  });
}
