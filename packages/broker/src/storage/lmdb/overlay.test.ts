import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Overlay } from './overlay.js';

const step: fc.Arbitrary<readonly [string, number | null] | 'begin' | 'done' | 'failed'> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.option<number>(fc.nat())) },
  { weight: 2, arbitrary: fc.constant<'begin'>('begin') },
  { weight: 2, arbitrary: fc.constantFrom<'done' | 'failed'>('done', 'failed') },
);

describe('Overlay', () => {
  it('over what the disk has is what was set, whatever is committed and fails', () => {
    const property = fc.property(fc.array(step), (steps) => {
      const overlay = new Overlay<number>();
      const disk = new Map<string, number>();
      const wanted = new Map<string, number>();
      let committing: ReadonlyMap<string, number | null> | null = null;
      for (const each of steps) {
        if (each === 'begin') committing ??= overlay.begin();
        else if (each === 'done' || each === 'failed') {
          if (committing === null) continue;
          for (const [name, value] of committing) {
            if (each === 'failed') break;
            if (value === null) disk.delete(name);
            else disk.set(name, value);
          }
          overlay.settle(each === 'done');
          committing = null;
        } else {
          const [name, value] = each;
          overlay.set(name, value);
          if (value === null) wanted.delete(name);
          else wanted.set(name, value);
        }
        const seen = new Map([...disk].filter(([name]) => overlay.get(name) === undefined));
        const fresh = [...overlay.values()];
        for (const name of ['a', 'b', 'c', 'd']) {
          const value = overlay.get(name);
          if (value !== undefined && value !== null) seen.set(name, value);
        }
        expect([...seen].sort()).toEqual([...wanted].sort());
        expect(fresh).toHaveLength([...seen.keys()].filter((name) => overlay.get(name) !== undefined).length);
      }
      if (committing === null) expect(overlay.isChanged).toBe(overlay.begin().size > 0);
    });
    fc.assert(property);
  });
});
