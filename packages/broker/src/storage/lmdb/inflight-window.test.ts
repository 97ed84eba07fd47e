import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleTarget } from '../../../../../test/contract/store-samples.js';
import type { Batch } from './environment.js';
import { InboundIds } from './inbound-ids.js';
import { InflightWindow } from './inflight-window.js';
import { partOf, sessionPrefix } from './keys.js';
import { RecordWriter } from './record-writer.js';
import { Share } from './share.js';

const PREFIX = sessionPrefix(3, 7);

/** A table in memory, changed by commits. */
class Table implements Batch {
  readonly records = new Map<string, Uint8Array>();
  #changes: [string, Uint8Array | null][] = [];

  put(_: string, key: Buffer, value: Uint8Array): void {
    this.#changes.push([key.toString('hex'), Uint8Array.from(value)]);
  }

  remove(_: string, key: Buffer): void {
    this.#changes.push([key.toString('hex'), null]);
  }

  /** How many changes there were. */
  commit(fails: boolean): number {
    const changes = this.#changes;
    this.#changes = [];
    for (const [key, value] of fails ? [] : changes) {
      if (value === null) this.records.delete(key);
      else this.records.set(key, value);
    }
    return changes.length;
  }

  *parts(): Generator<[number, Uint8Array]> {
    for (const [key, value] of this.records) yield [partOf(Buffer.from(key, 'hex')), value];
  }
}

/** Few of several parts, so that they meet again. */
const packetId = fc.constantFrom(1, 2, 63, 64, 65, 255, 256, 65_535);
const commit = fc.record({ do: fc.constantFrom<'begin' | 'settle'>('begin', 'settle'), fails: fc.boolean() });

/** Takes the steps with commits as they come, then one last commit that succeeds. */
function run<Step extends { do: string }>(
  steps: readonly (Step | { do: 'begin' | 'settle'; fails: boolean })[],
  apply: (step: Step) => void,
  write: () => void,
  settle: (fails: boolean) => void,
): void {
  let isCommitting = false;
  for (const step of [
    ...steps,
    { do: 'settle', fails: false },
    { do: 'begin', fails: false },
    { do: 'settle', fails: false },
  ]) {
    if (step.do === 'begin') {
      if (!isCommitting) write();
      isCommitting = true;
    } else if (step.do === 'settle') {
      if (isCommitting) settle('fails' in step && step.fails === true);
      isCommitting = false;
    } else apply(step as Step);
  }
}

describe('InflightWindow', () => {
  const step = fc.record({
    do: fc.constantFrom<'send' | 'receive' | 'complete'>('send', 'receive', 'complete'),
    packetId,
  });

  it('is on the disk as it is in memory, in its order, whatever is committed and fails', () => {
    const property = fc.property(fc.array(fc.oneof(step, step, commit), { size: '+1' }), (steps) => {
      const window = new InflightWindow();
      const table = new Table();
      const writer = new RecordWriter();
      let position = 0;
      run<typeof step extends fc.Arbitrary<infer T> ? T : never>(
        steps,
        (each) => {
          if (each.do === 'receive') window.receive(each.packetId);
          else window.complete(each.packetId);
          if (each.do !== 'send') return;
          const target = sampleTarget('client', { qos: position % 2 === 0 ? 1 : 2 });
          window.send(each.packetId, new Share(++position, target, position * 10, false));
        },
        () => window.write(table, writer, PREFIX),
        (fails) => {
          table.commit(fails);
          window.settle(!fails);
        },
      );
      const found = new InflightWindow();
      for (const [, value] of table.parts()) found.restore(value, 'client');
      found.sort();
      const plain = ({ byId }: InflightWindow) =>
        [...byId].map(([id, { state, share }]) => [id, state, share?.position, share?.bytes, share?.target]);
      expect(plain(found)).toEqual(plain(window));
      expect(window.isChanged).toBe(false);
      found.send(9, new Share(1, sampleTarget('client'), 1, true));
      expect([...found.byId.keys()].at(-1)).toBe(9);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('writes nothing for a message that came and went', () => {
    const window = new InflightWindow();
    const table = new Table();
    window.send(1, new Share(1, sampleTarget('client'), 1, false));
    window.complete(1);
    expect(window.isChanged).toBe(false);
    window.write(table, new RecordWriter(), PREFIX);
    expect(table.commit(false)).toBe(0);
  });
});

describe('InboundIds', () => {
  const step = fc.record({ do: fc.constantFrom<'hold' | 'release'>('hold', 'release'), packetId });

  it('are on the disk as they are in memory, whatever is committed and fails', () => {
    const property = fc.property(fc.array(fc.oneof(step, step, commit), { size: '+1' }), (steps) => {
      const inbound = new InboundIds();
      const table = new Table();
      const writer = new RecordWriter();
      run<typeof step extends fc.Arbitrary<infer T> ? T : never>(
        steps,
        (each) => inbound[each.do](each.packetId),
        () => inbound.write(table, writer, PREFIX),
        (fails) => {
          table.commit(fails);
          inbound.settle(!fails);
        },
      );
      const found = new InboundIds();
      for (const [part, value] of table.parts()) found.restore(part, value);
      expect([...found.ids].sort()).toEqual([...inbound.ids].sort());
      expect(inbound.isChanged).toBe(false);
    });
    fc.assert(property, { numRuns: 200 });
  });
});
