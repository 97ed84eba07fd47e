import { describe, expect, it } from 'vitest';
import { Deferred } from '../deferred.js';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';
import { preparedTransport } from './prepared-transport.js';

/** A transport that notes what it is told. */
function noting(calls: string[]): TransportFactory {
  return (events) => {
    calls.push('open');
    const note = (name: string) => () => {
      calls.push(name);
    };
    queueMicrotask(() => events.opened());
    return {
      write: (bytes) => calls.push(`write ${bytes}`) < 0,
      end: note('end'),
      destroy: note('destroy'),
      pause: note('pause'),
      resume: note('resume'),
    };
  };
}

function opened(factory: TransportFactory): { transport: Transport; told: string[]; first: Promise<void> } {
  const told: string[] = [];
  const first = new Deferred<void>();
  const tell = (what: string) => {
    told.push(what);
    first.resolve();
  };
  const events: TransportEvents = {
    opened: () => tell('opened'),
    data: () => tell('data'),
    drained: () => tell('drained'),
    closed: (error) => tell(`closed ${error?.message ?? ''}`),
  };
  return { transport: factory(events), told, first: first.promise };
}

describe('a transport that is prepared', () => {
  it('is what was prepared, for each stream anew', async () => {
    const calls: string[] = [];
    const factory = preparedTransport(async () => noting(calls));
    for (let times = 1; times <= 2; times++) {
      const { transport, told, first } = opened(factory);
      await first;
      expect(told).toEqual(['opened']);
      transport.write(Uint8Array.of(7));
      transport.pause();
      transport.resume();
      transport.end();
      transport.destroy();
      expect(calls.splice(0)).toEqual(['open', 'write 7', 'pause', 'resume', 'end', 'destroy']);
    }
  });

  it('is paused from the beginning when it was paused before', async () => {
    const calls: string[] = [];
    const { transport, first } = opened(preparedTransport(async () => noting(calls)));
    transport.pause();
    await first;
    expect(calls).toEqual(['open', 'pause']);
  });

  it.each(['end', 'destroy'] as const)('is not opened after %s, and what prepares it is told', async (leave) => {
    const calls: string[] = [];
    const ready = new Deferred<TransportFactory>();
    let heard: AbortSignal | undefined;
    const { transport, told, first } = opened(
      preparedTransport((signal) => {
        heard = signal;
        return ready.promise;
      }),
    );
    transport[leave]();
    expect(heard?.aborted).toBe(true);
    expect(told).toEqual([]); // not while it is being called
    await first;
    transport.destroy();
    ready.resolve(noting(calls));
    await ready.promise;
    await Promise.resolve();
    expect([told, calls]).toEqual([['closed '], []]);
  });

  it('is closed with the reason when it cannot be prepared, or not be opened', async () => {
    const unprepared = opened(preparedTransport(() => Promise.reject(new Error('no module'))));
    await unprepared.first;
    expect(unprepared.told).toEqual(['closed no module']);
    const unopened = opened(
      preparedTransport(async () => () => {
        throw new Error('no key');
      }),
    );
    await unopened.first;
    expect(unopened.told).toEqual(['closed no key']);
  });
});
