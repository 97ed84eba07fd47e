import { type Clock, systemClock } from '../clock.js';

/** A worker of a page, as far as it is used here. */
export interface PageWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { preventDefault?(): void }) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

/** What the worker does: `[id, delayMs]` begins to wait, `[id]` ends the waiting, and `id` comes back when it is over. */
const WORKER = `const timers = new Map();
onmessage = ({ data: [id, delayMs] }) => {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (delayMs !== undefined) timers.set(id, setTimeout(() => { timers.delete(id); postMessage(id); }, delayMs));
};`;

/**
 * The clock of pages. Browsers let the timers of a page that is not seen ring once a minute only, which is too late for
 * keep-alive; those of a worker they leave alone. So each time is waited for in both places, and the first one counts:
 * where there is no worker, be it forbidden by the page's Content-Security-Policy, the page's own timer remains.
 * There is one worker, and only while something is waited for.
 * @param start a worker; null where there is none
 */
export function workerClock(start: () => PageWorker | null = startWorker): Clock {
  const waiting = new Map<number, () => void>();
  let worker: PageWorker | null = null;
  let isUseless = false;
  let lastId = 0;

  const giveUp = () => {
    isUseless = true;
    worker?.terminate();
    worker = null;
  };
  const ensureWorker = () => {
    if (worker !== null || isUseless) return;
    try {
      worker = start();
    } catch {
      worker = null;
    }
    if (worker === null) {
      isUseless = true;
      return;
    }
    worker.onmessage = ({ data }) => waiting.get(Number(data))?.();
    worker.onerror = (event) => {
      event.preventDefault?.();
      giveUp();
    };
  };
  const dismissIdleWorker = () => {
    if (waiting.size > 0) return;
    worker?.terminate();
    worker = null;
  };

  return {
    nowMs: systemClock.nowMs,
    epochMs: systemClock.epochMs,
    after(delayMs, callback) {
      const id = ++lastId;
      const end = () => {
        cancelHere();
        if (!waiting.delete(id)) return;
        worker?.postMessage([id]);
        // What follows at once may wait for something, too.
        if (waiting.size === 0) queueMicrotask(dismissIdleWorker);
      };
      const ring = () => {
        end();
        callback();
      };
      const cancelHere = systemClock.after(delayMs, ring);
      waiting.set(id, ring);
      ensureWorker();
      worker?.postMessage([id, delayMs]);
      return end;
    },
  };
}

/** What a page has. */
interface PageGlobals {
  readonly document?: unknown;
  readonly Worker?: new (url: string) => PageWorker;
}

/** Made once, and kept: not every browser has read it when the worker has been made. */
let scriptUrl: string | null = null;

/** Null outside of pages: the timers of workers, and of what is no browser, are not slowed down. */
function startWorker(): PageWorker | null {
  const { document, Worker } = globalThis as unknown as PageGlobals;
  if (document === undefined || Worker === undefined) return null;
  scriptUrl ??= URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' }));
  return new Worker(scriptUrl);
}
