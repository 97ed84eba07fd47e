import { readFileSync } from 'node:fs';
import { PacketType } from '@cauldron/codec';
import { expect, it } from 'vitest';
import type { Gauges } from '../core/broker.js';
import { Counters } from '../core/counters.js';
import { SysTree } from './sys-tree.js';
import type { SysState } from './sys-values.js';

const NOTHING: Gauges = {
  connections: 0,
  clientsConnected: 0,
  sessions: 0,
  subscriptions: 0,
  sharedSubscriptions: 0,
  retained: 0,
  storedMessages: 0,
  storedBytes: 0,
  outputBytes: 0,
};

function stateAt(uptimeS: number, counters: Partial<Counters> = {}, gauges: Partial<Gauges> = {}): SysState {
  return {
    counters: Object.assign(new Counters(), counters),
    gauges: { ...NOTHING, ...gauges },
    uptimeS,
    memoryBytes: 1000,
    maximumMemoryBytes: 2000,
  };
}

const begun = (): { tree: SysTree; first: Map<string, string> } => {
  const tree = new SysTree('cauldron version 1.2.3', stateAt(0));
  return { tree, first: new Map(tree.update(stateAt(0))) };
};

it('all topics are there at first, with a value each', () => {
  const { tree, first } = begun();
  expect([...first.keys()]).toEqual([...tree.topics]);
  expect([...first.values()].every((text) => text !== '')).toBe(true);
  expect(first.get('$SYS/broker/version')).toBe('cauldron version 1.2.3');
  expect(first.get('$SYS/broker/uptime')).toBe('0 seconds');
  expect(first.get('$SYS/broker/retained messages/count')).toBe('0');
  expect(first.get('$SYS/broker/heap/current')).toBe('1000');
  expect(first.get('$SYS/broker/heap/maximum')).toBe('2000');
  expect(first.get('$SYS/broker/load/publish/dropped/15min')).toBe('0.00');
  const packets = Object.keys(PacketType).map((name) => name.toLowerCase());
  for (const packet of packets) {
    expect(first.get(`$SYS/broker/mqtt/${packet}/received`)).toBe('0');
    expect(first.get(`$SYS/broker/mqtt/${packet}/sent`)).toBe('0');
  }
});

it('only what changed is published again, and the uptime each time', () => {
  const { tree } = begun();
  expect(tree.update(stateAt(10.9))).toEqual([['$SYS/broker/uptime', '10 seconds']]);
  expect(tree.update(stateAt(20.9, { publishDropped: 3 }))).toEqual([
    ['$SYS/broker/uptime', '20 seconds'],
    ['$SYS/broker/load/publish/dropped/1min', '2.76'],
    ['$SYS/broker/load/publish/dropped/5min', '0.59'],
    ['$SYS/broker/load/publish/dropped/15min', '0.20'],
    ['$SYS/broker/publish/messages/dropped', '3'],
  ]);
});

it('a load is published again when it differs by 0.01 from what was said, however slowly it got there', () => {
  const { tree } = begun();
  tree.update(stateAt(10, { publishDropped: 1 }));
  const said: string[] = [];
  for (let second = 11; second < 120; second++) {
    for (const [topic, text] of tree.update(stateAt(second, { publishDropped: 1 }))) {
      if (topic.endsWith('dropped/15min')) said.push(text);
    }
  }
  // From 0.07 on, by less than 0.0001 in a second.
  expect(said).toEqual(['0.06']);
});

it('gauges stand under both of their names', () => {
  const { tree } = begun();
  const changed = new Map(tree.update(stateAt(0, {}, { sessions: 5, clientsConnected: 2, storedMessages: 7 })));
  expect(Object.fromEntries(changed)).toEqual({
    '$SYS/broker/clients/total': '5',
    '$SYS/broker/clients/connected': '2',
    '$SYS/broker/clients/active': '2',
    '$SYS/broker/clients/disconnected': '3',
    '$SYS/broker/clients/inactive': '3',
    '$SYS/broker/messages/stored': '7',
    '$SYS/broker/store/messages/count': '7',
  });
});

it('bytes that wait are told as packets of the usual size, too', () => {
  const { tree } = begun();
  const sent = new Float64Array(16);
  sent[PacketType.PUBLISH] = 10;
  const waiting = (outputBytes: number, bytesSent: number): string | undefined =>
    new Map(tree.update(stateAt(0, { sent, bytesSent }, { outputBytes }))).get('$SYS/broker/packet/out/count');
  expect(waiting(250, 1000)).toBe('3');
  expect(waiting(1, 1000)).toBe('1');
  expect(waiting(50, 0)).toBe('10');
  expect(waiting(0, 1000)).toBe('0');
});

it('every topic is in docs/sys-topics.md', () => {
  const page = readFileSync(new URL('../../../../docs/sys-topics.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => {
    const [topics, meaning] = row.split(' | ');
    const names = [...topics.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    // What stands for a word in capitals is listed behind the colon.
    const words = meaning.replace(/ \|$/, '').split(': ').at(-1)?.split(', ') ?? [];
    return names.flatMap((name) =>
      /TYPE|WHAT/.test(name) ? words.map((word) => name.replace(/TYPE|WHAT/, word)) : [name],
    );
  });
  expect([...begun().tree.topics].sort()).toEqual(named.map((name) => `$SYS/broker/${name}`).sort());
});
