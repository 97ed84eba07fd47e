import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedGroup } from './shared-groups.js';

interface Member {
  readonly name: string;
  connected: boolean;
}

const member = (name: string, connected = true): Member => ({ name, connected });

const isNot = (excluded: Member) => (each: Member) => each !== excluded;

function groupOf(...members: Member[]): SharedGroup<Member> {
  const group = new SharedGroup<Member>();
  for (const each of members) group.add(each);
  return group;
}

const picks = (group: SharedGroup<Member>, count: number): string[] =>
  Array.from({ length: count }, () => group.pick()?.name ?? 'nobody');

describe('SharedGroup', () => {
  it('picks nobody when it has no members', () => {
    expect(new SharedGroup<Member>().pick()).toBeNull();
  });

  it('lets connected members take turns', () => {
    expect(picks(groupOf(member('a'), member('b'), member('c')), 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  });

  it('lets absent members take turns while nobody is connected', () => {
    const group = groupOf(member('a', false), member('b', false), member('c', false));
    expect(picks(group, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('passes over a member that went, and includes it again when it is back', () => {
    const b = member('b');
    const group = groupOf(member('a'), b, member('c'));
    b.connected = false;
    expect(picks(group, 4)).not.toContain('b');
    b.connected = true;
    const after = picks(group, 6).sort();
    expect(after).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('finds the only connected member among many absent ones', () => {
    const absent = Array.from({ length: 1000 }, (_, i) => member(`${i}`, false));
    const group = groupOf(...absent);
    absent[777].connected = true;
    expect(new Set(picks(group, 50))).toEqual(new Set(['777']));
  });

  it('looks at few absent members while one is connected', () => {
    let looks = 0;
    const absent = Array.from({ length: 1000 }, (_, i) => ({
      name: `${i}`,
      get connected() {
        looks++;
        return false;
      },
    }));
    const group = new SharedGroup<{ readonly name: string; readonly connected: boolean }>();
    for (const each of absent) group.add(each);
    group.add(member('here'));
    looks = 0;
    for (let i = 0; i < 100; i++) expect(group.pick()?.name).toBe('here');
    expect(looks).toBe(100);
  });

  it('passes over members that do not suit, takes an absent one if need be, and nobody if there is no other', () => {
    const a = member('a');
    const b = member('b');
    const c = member('c', false);
    const group = groupOf(a, b, c);
    expect(group.pick(isNot(a))).toBe(b);
    expect(group.pick(isNot(a))).toBe(b);
    b.connected = false;
    expect([b, c]).toContain(group.pick(isNot(a)));
    group.remove(b);
    group.remove(c);
    expect(group.pick(isNot(a))).toBeNull();
    expect(group.pick()).toBe(a);
  });

  it('nobody loses a turn because another one leaves', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => member(name));
    const group = groupOf(a, b, c, d);
    expect(picks(group, 2)).toEqual(['a', 'b']);
    expect(group.remove(a)).toBe(true);
    expect(group.remove(a)).toBe(false);
    expect(picks(group, 3)).toEqual(['c', 'd', 'b']);
    expect(group.size).toBe(3);
  });

  it('gives all connected members the same share, within one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(200), (count, messages) => {
        const members = Array.from({ length: count }, (_, i) => member(`${i}`));
        const group = groupOf(...members);
        const shares = new Map(members.map((each) => [each.name, 0]));
        for (const name of picks(group, messages)) shares.set(name, (shares.get(name) ?? 0) + 1);
        expect(Math.max(...shares.values()) - Math.min(...shares.values())).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('picks a connected member whenever there is one, and is fair again after a round', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('toggleMembership' as const), at: fc.nat(7) }),
      fc.record({ kind: fc.constant('toggleConnection' as const), at: fc.nat(7) }),
      fc.record({ kind: fc.constant('pick' as const), at: fc.nat(7) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const members = Array.from({ length: 8 }, (_, i) => member(`${i}`, i % 2 === 0));
        const group = new SharedGroup<Member>();
        const inGroup = new Set<Member>();
        for (const step of commands) {
          const at = members[step.at];
          if (step.kind === 'toggleConnection') {
            at.connected = !at.connected;
          } else if (step.kind === 'toggleMembership') {
            if (inGroup.delete(at)) expect(group.remove(at)).toBe(true);
            else {
              inGroup.add(at);
              group.add(at);
            }
          } else {
            const picked = group.pick(isNot(at));
            const others = [...inGroup].filter((each) => each !== at);
            const connected = others.filter((each) => each.connected);
            if (others.length === 0) expect(picked).toBeNull();
            else expect(connected.length > 0 ? connected : others).toContain(picked);
          }
          expect(group.size).toBe(inGroup.size);
        }
        const connected = [...inGroup].filter((each) => each.connected);
        if (connected.length === 0) return;
        picks(group, 8); // by now all that came back are known
        const names = connected.map((each) => each.name);
        expect(picks(group, names.length).sort()).toEqual(names.sort());
      }),
      { numRuns: 500 },
    );
  });
});
