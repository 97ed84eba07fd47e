import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pageWakeUps } from './page-wake-ups.js';
import { type PageWorker, workerClock } from './worker-clock.js';

class FakeWorker implements PageWorker {
  onmessage: PageWorker['onmessage'] = null;
  onerror: PageWorker['onerror'] = null;
  readonly messages: unknown[] = [];
  isTerminated = false;

  postMessage(message: unknown): void {
    this.messages.push(message);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  ring(id: number): void {
    this.onmessage?.({ data: id });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the clock of pages', () => {
  /** A clock, the workers that it has started, and what rang. */
  function clockOf(start?: () => PageWorker | null) {
    const workers: FakeWorker[] = [];
    const clock = workerClock(
      start ??
        (() => {
          const worker = new FakeWorker();
          workers.push(worker);
          return worker;
        }),
    );
    const rung: string[] = [];
    return { workers, rung, after: (delayMs: number, name: string) => clock.after(delayMs, () => rung.push(name)) };
  }

  it('rings when the worker does, once', () => {
    const { after, rung, workers } = clockOf();
    after(1_000, 'a');
    expect(workers[0].messages).toEqual([[1, 1_000]]);
    workers[0].ring(1);
    expect(rung).toEqual(['a']);
    workers[0].ring(1);
    vi.advanceTimersByTime(60_000);
    expect(rung).toEqual(['a']);
  });

  it('rings when the page does, once, and the worker waits no longer', () => {
    const { after, rung, workers } = clockOf();
    after(1_000, 'a');
    after(5_000, 'b');
    vi.advanceTimersByTime(1_000);
    expect(workers[0].messages.at(-1)).toEqual([1]);
    workers[0].ring(1);
    expect(rung).toEqual(['a']);
  });

  it('does not ring for what was cancelled', () => {
    const { after, rung, workers } = clockOf();
    const cancel = after(1_000, 'a');
    cancel();
    expect(workers[0].messages.at(-1)).toEqual([1]);
    workers[0].ring(1);
    vi.advanceTimersByTime(1_000);
    expect(rung).toEqual([]);
  });

  it('has one worker, only while something is waited for', async () => {
    const { after, workers } = clockOf();
    after(1_000, 'a')();
    const cancel = after(1_000, 'b'); // at once: the worker stays
    await Promise.resolve();
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([false]);
    cancel();
    await Promise.resolve();
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([true]);
    after(1_000, 'c');
    expect(workers).toHaveLength(2);
  });

  it.each([
    [
      'is forbidden',
      () => {
        throw new Error('Content-Security-Policy');
      },
    ],
    ['is none', () => null],
  ])('rings by the page where a worker %s', (_, start) => {
    const tried = vi.fn<() => PageWorker | null>(start);
    const { after, rung } = clockOf(tried);
    after(1_000, 'a');
    after(2_000, 'b');
    vi.advanceTimersByTime(2_000);
    expect(rung).toEqual(['a', 'b']);
    expect(tried).toHaveBeenCalledTimes(1);
  });

  it('rings by the page when it turns out later that the worker does not run', () => {
    const { after, rung, workers } = clockOf();
    after(1_000, 'a');
    const preventDefault = vi.fn();
    workers[0].onerror?.({ preventDefault });
    expect(preventDefault).toHaveBeenCalled();
    after(1_000, 'b');
    vi.advanceTimersByTime(1_000);
    expect(rung).toEqual(['a', 'b']);
    expect(workers).toHaveLength(1);
  });

  it('makes its worker of a script that waits, and tells when it is over', async () => {
    const scripts: Promise<string>[] = [];
    vi.stubGlobal('document', {});
    vi.stubGlobal(
      'Worker',
      class extends FakeWorker {
        constructor(url: string) {
          super();
          scripts.push(import('node:buffer').then(({ resolveObjectURL }) => resolveObjectURL(url)?.text() ?? ''));
        }
      },
    );
    workerClock().after(1_000, () => {})();
    const told: unknown[] = [];
    const script = new Function('postMessage', `let onmessage; ${await scripts[0]}; return onmessage;`);
    const tell = script((id: unknown) => told.push(id));
    tell({ data: [1, 1_000] });
    tell({ data: [2, 1_000] });
    tell({ data: [3, 2_000] });
    tell({ data: [2] });
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual([1]);
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual([1, 3]);
  });

  it('is that of the system where there is no page', () => {
    const rung: string[] = [];
    const cancel = workerClock().after(1_000, () => rung.push('a'));
    vi.advanceTimersByTime(1_000);
    expect(rung).toEqual(['a']);
    cancel();
  });
});

describe('a page', () => {
  function page(visibilityState: string) {
    const document = Object.assign(new EventTarget(), { visibilityState });
    const target = Object.assign(new EventTarget(), { document });
    const wake = vi.fn();
    const stop = pageWakeUps(wake, target);
    return { target, document, wake, stop };
  }

  it.each(['online', 'pageshow'])('wakes its clients at the event %s', (name) => {
    const { target, wake, stop } = page('hidden');
    target.dispatchEvent(new Event(name));
    expect(wake).toHaveBeenCalledTimes(1);
    stop();
    target.dispatchEvent(new Event(name));
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('wakes its clients when it is seen again, and not when it is hidden', () => {
    const { document, wake, stop } = page('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(wake).not.toHaveBeenCalled();
    document.visibilityState = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    expect(wake).toHaveBeenCalledTimes(1);
    stop();
    document.dispatchEvent(new Event('visibilitychange'));
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('is not waited for where there is none', () => {
    const wake = vi.fn();
    pageWakeUps(wake)();
    expect(wake).not.toHaveBeenCalled();
  });
});
