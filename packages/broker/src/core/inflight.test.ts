import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inflight, InflightState, MAX_PACKET_IDS, type UsedState } from './inflight.js';

const { FREE, AWAITING_PUBACK, AWAITING_PUBREC, AWAITING_PUBCOMP } = InflightState;

interface Message {
  readonly text: string;
}

const idsOf = (inflight: Inflight<Message>): number[] => [...inflight.entries()].map((entry) => entry.id);

/** A window whose next id is `id`, with nothing in flight. */
function windowAt(id: number): Inflight<Message> {
  const inflight = new Inflight<Message>();
  for (let i = 1; i < id; i++) inflight.acknowledge(inflight.add(AWAITING_PUBACK, null));
  return inflight;
}

describe('Inflight', () => {
  it('hands out ids in order, wraps from 65,535 to 1 and never hands out 0', () => {
    const inflight = windowAt(65_534);
    expect([1, 2, 3, 4].map(() => inflight.add(AWAITING_PUBACK, null))).toEqual([65_534, 65_535, 1, 2]);
    expect(idsOf(inflight)).toEqual([65_534, 65_535, 1, 2]);
    for (const id of [65_535, 1, 65_534, 2]) expect(inflight.acknowledge(id)).toBe(true);
    expect(inflight.size).toBe(0);
    expect(inflight.add(AWAITING_PUBACK, null)).toBe(3);
  });

  it('knows the state of each id, and 0 for one that is free', () => {
    const inflight = new Inflight<Message>();
    expect(inflight.state(1)).toBe(FREE);
    inflight.add(AWAITING_PUBACK, null);
    inflight.add(AWAITING_PUBREC, null);
    expect([1, 2, 3, 65_535].map((id) => inflight.state(id))).toEqual([AWAITING_PUBACK, AWAITING_PUBREC, FREE, FREE]);
  });

  it('frees an id once', () => {
    const inflight = new Inflight<Message>();
    inflight.addMany(AWAITING_PUBACK, 3);
    expect([2, 2, 1, 1, 4].map((id) => inflight.acknowledge(id))).toEqual([true, false, true, false, false]);
    expect(inflight.size).toBe(1);
  });

  it('moves an id from PUBREC to PUBCOMP and drops its message', () => {
    const inflight = new Inflight<Message>();
    const message = { text: 'a' };
    const id = inflight.add(AWAITING_PUBREC, message);
    expect(inflight.message(id)).toBe(message);
    expect(inflight.advance(id)).toBe(true);
    expect(inflight.state(id)).toBe(AWAITING_PUBCOMP);
    expect(inflight.message(id)).toBeNull();
    expect(inflight.advance(id)).toBe(false);
    expect(inflight.advance(id + 1)).toBe(false);
  });

  it('[MQTT-2.2.1-4] is full when all 65,535 ids are in use, and hands out exactly the one that is freed', () => {
    const inflight = windowAt(40_000);
    const ids = new Set<number>();
    while (!inflight.full) ids.add(inflight.add(AWAITING_PUBACK, null));
    expect(ids.size).toBe(MAX_PACKET_IDS);
    expect(() => inflight.add(AWAITING_PUBACK, null)).toThrow(RangeError);
    expect(inflight.addMany(AWAITING_PUBACK, 1)).toBe(0);
    inflight.acknowledge(12_345);
    expect(inflight.add(AWAITING_PUBACK, null)).toBe(12_345);
    expect(inflight.full).toBe(true);
  });

  it('[MQTT-2.2.1-4] passes over an id that stays unacknowledged, as often as the others come round', () => {
    const inflight = new Inflight<Message>();
    const stuck = { text: 'stuck' };
    for (let i = 1; i < 10; i++) inflight.acknowledge(inflight.add(AWAITING_PUBACK, null));
    expect(inflight.add(AWAITING_PUBREC, stuck)).toBe(10);
    for (let round = 0; round < 3; round++) {
      let previous = 10;
      while (previous !== 9) {
        const id = inflight.add(AWAITING_PUBACK, { text: 'other' });
        if (id !== (previous % MAX_PACKET_IDS) + 1) throw new Error(`${id} after ${previous}`);
        previous = id;
        if (idsOf(inflight)[0] !== 10) throw new Error(`${id} was sent after 10`);
        inflight.acknowledge(id);
      }
    }
    expect(inflight.message(10)).toBe(stuck);
    expect(inflight.size).toBe(1);
    inflight.advance(10);
    expect(inflight.state(10)).toBe(AWAITING_PUBCOMP);
    expect(inflight.acknowledge(10)).toBe(true);
    expect(inflight.size).toBe(0);
  });

  it('reserves many ids at once, around the end too', () => {
    const inflight = windowAt(65_530);
    expect(inflight.addMany(AWAITING_PUBREC, 10)).toBe(65_530);
    expect(idsOf(inflight)).toEqual([65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 1, 2, 3, 4]);
    expect(inflight.add(AWAITING_PUBACK, null)).toBe(5);
  });

  it('reserves no ids when one of them is in use, and then add finds the free ones', () => {
    const inflight = new Inflight<Message>();
    inflight.restore(3, AWAITING_PUBACK, null);
    inflight.restore(65_533, AWAITING_PUBACK, null);
    expect(inflight.addMany(AWAITING_PUBACK, 4)).toBe(65_534);
    expect(inflight.addMany(AWAITING_PUBACK, 1)).toBe(0);
    expect(inflight.size).toBe(6);
    expect(inflight.add(AWAITING_PUBACK, null)).toBe(4);
    expect(inflight.addMany(AWAITING_PUBACK, 2)).toBe(5);
  });

  it('[MQTT-4.6.0-1] gives what was restored in the order of restoring, and what was added after it', () => {
    const inflight = new Inflight<Message>();
    const entries: [number, UsedState, Message | null][] = [
      [700, AWAITING_PUBACK, { text: '700' }],
      [3, AWAITING_PUBCOMP, null],
      [65_535, AWAITING_PUBREC, { text: '65535' }],
    ];
    for (const [id, state, message] of entries) inflight.restore(id, state, message);
    inflight.add(AWAITING_PUBACK, null);
    expect([...inflight.entries()]).toEqual([
      ...entries.map(([id, state, message]) => ({ id, state, message })),
      { id: 1, state: AWAITING_PUBACK, message: null },
    ]);
  });

  it('gives an id once that the window passed over', () => {
    const inflight = new Inflight<Message>();
    inflight.restore(3, AWAITING_PUBACK, null);
    inflight.restore(1, AWAITING_PUBACK, null);
    expect([inflight.add(AWAITING_PUBACK, null), inflight.add(AWAITING_PUBACK, null)]).toEqual([2, 4]);
    expect(idsOf(inflight)).toEqual([3, 1, 2, 4]);
  });

  it('refuses to restore an id twice, one out of range, or one after the first was added', () => {
    const inflight = new Inflight<Message>();
    inflight.restore(1, AWAITING_PUBACK, null);
    for (const id of [1, 0, 65_536, 1.5]) expect(() => inflight.restore(id, AWAITING_PUBACK, null)).toThrow(RangeError);
    inflight.add(AWAITING_PUBACK, null);
    expect(() => inflight.restore(9, AWAITING_PUBACK, null)).toThrow(Error);
  });

  it('passes over what is freed while its entries are read', () => {
    const inflight = new Inflight<Message>();
    inflight.restore(50, AWAITING_PUBACK, null);
    inflight.restore(60, AWAITING_PUBACK, null);
    inflight.addMany(AWAITING_PUBACK, 4);
    const read: number[] = [];
    for (const { id } of inflight.entries()) {
      read.push(id);
      if (id === 50) for (const freed of [60, 61, 62]) inflight.acknowledge(freed);
    }
    expect(read).toEqual([50, 63, 64]);
  });

  it('goes on counting after trim, and trim touches nothing that is in flight', () => {
    const inflight = windowAt(100);
    inflight.trim();
    const message = { text: 'a' };
    expect(inflight.add(AWAITING_PUBACK, message)).toBe(100);
    inflight.trim();
    expect(inflight.message(100)).toBe(message);
  });

  it('agrees with a plain list of ids and states after any use', () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), qos2: fc.boolean() }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('addMany' as const), count: fc.integer({ min: 1, max: 300 }) }),
      },
      // Most acknowledgements come in order; some come for any other id in flight.
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('acknowledgeOldest' as const), count: fc.nat(300), keep: fc.nat(3) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), at: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('advance' as const), at: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('goRound' as const), count: fc.constantFrom(1000, 65_000) }),
      },
    );
    const restored = fc.uniqueArray(fc.constantFrom(1, 2, 5, 700, 64_000, 65_535), { maxLength: 4 });
    fc.assert(
      fc.property(restored, fc.array(command, { maxLength: 40 }), (restoredIds, commands) => {
        const inflight = new Inflight<Message>();
        const expected = new Map<number, { state: UsedState; message: Message | null }>();
        let last = 0;
        for (const id of restoredIds) {
          const message = { text: `restored ${id}` };
          inflight.restore(id, AWAITING_PUBREC, message);
          expected.set(id, { state: AWAITING_PUBREC, message });
          last = id;
        }
        const following = (id: number): number => (id % MAX_PACKET_IDS) + 1;
        const nextFree = (): number => {
          let id = following(last);
          while (expected.has(id)) id = following(id);
          return id;
        };
        const acknowledge = (id: number): void => {
          expect(inflight.acknowledge(id)).toBe(expected.delete(id));
        };
        for (const step of commands) {
          const ids = [...expected.keys()];
          switch (step.kind) {
            case 'add': {
              const state = step.qos2 ? AWAITING_PUBREC : AWAITING_PUBACK;
              const message = step.qos2 ? { text: `${last}` } : null;
              const id = nextFree();
              expect(inflight.add(state, message)).toBe(id);
              expected.set(id, { state, message });
              last = id;
              break;
            }
            case 'addMany': {
              const reserved: number[] = [];
              for (let id = following(last); reserved.length < step.count; id = following(id)) reserved.push(id);
              const first = inflight.addMany(AWAITING_PUBREC, step.count);
              if (reserved.some((id) => expected.has(id))) {
                expect(first).toBe(0);
                break;
              }
              expect(first).toBe(reserved[0]);
              for (const id of reserved) expected.set(id, { state: AWAITING_PUBREC, message: null });
              last = reserved[reserved.length - 1];
              break;
            }
            case 'acknowledgeOldest':
              for (const id of ids.slice(step.keep, step.keep + step.count)) acknowledge(id);
              break;
            case 'acknowledge':
              acknowledge(ids.length === 0 ? (step.at % MAX_PACKET_IDS) + 1 : ids[step.at % ids.length]);
              break;
            case 'advance': {
              const id = ids.length === 0 ? (step.at % MAX_PACKET_IDS) + 1 : ids[step.at % ids.length];
              const entry = expected.get(id);
              expect(inflight.advance(id)).toBe(entry?.state === AWAITING_PUBREC);
              if (entry?.state === AWAITING_PUBREC) expected.set(id, { state: AWAITING_PUBCOMP, message: null });
              break;
            }
            case 'trim':
              inflight.trim();
              break;
            case 'goRound':
              for (let i = 0; i < step.count; i++) {
                const id = nextFree();
                if (inflight.add(AWAITING_PUBACK, null) !== id) throw new Error(`not ${id} after ${last}`);
                if (!inflight.acknowledge(id)) throw new Error(`${id} was free at once`);
                last = id;
              }
              break;
          }
          expect(inflight.size).toBe(expected.size);
        }
        expect([...inflight.entries()]).toEqual([...expected].map(([id, entry]) => ({ id, ...entry })));
        for (const [id, entry] of expected) {
          expect(inflight.state(id)).toBe(entry.state);
          expect(inflight.message(id)).toBe(entry.message);
        }
        expect(inflight.state(nextFree())).toBe(FREE);
      }),
      { numRuns: 200 },
    );
  });
});
