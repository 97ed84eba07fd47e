import { describe, expect, it } from 'vitest';
import { Lockouts } from './lockouts.js';
import { canonicalNetwork, Networks, originOf } from './networks.js';

const LIMITS = { addressFailures: 3, userFailures: 5, lockoutMs: 10_000, maxLockoutMs: 60_000 };

function lockouts(changes: Partial<typeof LIMITS> = {}) {
  const clock = { nowMs: 0 };
  const table = new Lockouts({ ...LIMITS, ...changes }, () => clock.nowMs);
  return { clock, table };
}

const at = (address: string, username?: string) => ({ address, clientId: 'c', username });

describe('an address that fails again and again', () => {
  it('has to wait after so many failures, and twice as long after each further one, up to a bound', () => {
    const { clock, table } = lockouts();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      clock.nowMs += 1;
      waits.push(table.failed(at('192.0.2.1', `u${i}`))[0]?.leftMs ?? 0);
    }
    expect(waits).toEqual([0, 0, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
  });

  it('may try again when its time is over, and its failures are forgotten later', () => {
    const { clock, table } = lockouts();
    for (let i = 0; i < 3; i++) table.failed(at('192.0.2.1', 'a'));
    expect(table.lockOf(at('192.0.2.1', 'b'))).toMatchObject({ kind: 'address', leftMs: 10_000, failures: 3 });
    clock.nowMs = 10_000;
    expect(table.lockOf(at('192.0.2.1', 'b'))).toBe(null);
    expect(table.failed(at('192.0.2.1', 'a'))[0]).toMatchObject({ leftMs: 20_000 });
    clock.nowMs += 20_000 + 60_001;
    expect(table.failed(at('192.0.2.1', 'a'))).toEqual([]);
  });

  it('is no other address, and no program of this machine', () => {
    const { table } = lockouts();
    for (let i = 0; i < 3; i++) table.failed(at('192.0.2.1', 'a'));
    for (let i = 0; i < 9; i++) table.failed(at('/run/mqtt.sock', 'b'));
    expect(table.lockOf(at('192.0.2.2', 'b'))).toBe(null);
    expect(table.lockOf(at('/run/mqtt.sock', 'b'))).toBe(null);
  });

  it('of IPv6 is its whole network of 64 bits', () => {
    const { table } = lockouts();
    for (const last of ['1', '2', 'ffff:1']) table.failed(at(`2001:db8:0:7::${last}`, last));
    expect(table.lockOf(at('2001:db8:0:7:a:b:c:d', 'x'))).toMatchObject({ value: '2001:db8:0:7::/64' });
    expect(table.lockOf(at('2001:db8:0:8::1', 'x'))).toBe(null);
  });

  it('is excused by a success with the name that it failed with, and by no other', () => {
    const { table } = lockouts();
    const fail = (...names: string[]) => names.flatMap((name) => table.failed(at('192.0.2.1', name)));
    fail('jjolie', 'jjolie');
    table.succeeded(at('192.0.2.1', 'jjolie'));
    expect(fail('jjolie', 'jjolie')).toEqual([]);
    fail('root');
    table.succeeded(at('192.0.2.1', 'jjolie'));
    expect(fail('root')).toMatchObject([{ failures: 4 }]);
  });
});

describe('a user name that is tried again and again', () => {
  it('has to wait wherever it comes from, but where it was admitted before', () => {
    const { table } = lockouts();
    table.succeeded(at('198.51.100.1', 'jjolie'));
    for (let i = 0; i < 5; i++) table.failed(at(`192.0.2.${i}`, 'jjolie'));
    expect(table.lockOf(at('203.0.113.1', 'jjolie'))).toMatchObject({ kind: 'user', value: 'jjolie' });
    expect(table.lockOf(at('198.51.100.1', 'jjolie'))).toBe(null);
    expect(table.lockOf(at('203.0.113.1', 'fred'))).toBe(null);
  });
});

describe('the table', () => {
  it('is bounded: what failed long ago makes room', () => {
    const { table } = lockouts({ addressFailures: 1, userFailures: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 60_000; i++) table.failed(at(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`));
    expect(table.list()).toHaveLength(50_000);
    expect(table.lockOf(at('10.0.0.0'))).toBe(null);
    expect(table.lockOf(at('10.0.234.95'))).not.toBe(null);
  });

  it('holds no long names, whatever strangers claim', () => {
    const { table } = lockouts();
    const long = 'x'.repeat(60_000);
    for (let i = 0; i < 9; i++) table.failed(at('192.0.2.1', long));
    expect(table.list().map(({ value }) => value)).toEqual(['192.0.2.1']);
    table.succeeded(at('192.0.2.1', long));
    expect(table.lockOf(at('192.0.2.1', long))).not.toBe(null);
  });

  it('shows who has to wait, and lifts it: one address by any of its network, one user, or all', () => {
    const { table } = lockouts({ userFailures: 3 });
    for (let i = 0; i < 3; i++) table.failed(at('2001:db8::1', 'jjolie'));
    expect(table.list().map(({ kind, value }) => `${kind} ${value}`)).toEqual([
      'address 2001:db8:0:0::/64',
      'user jjolie',
    ]);
    expect(table.lift('nobody')).toBe(0);
    expect(table.lift('2001:db8::99')).toBe(1);
    expect(table.lift('jjolie')).toBe(1);
    for (let i = 0; i < 3; i++) table.failed(at('192.0.2.1', 'fred'));
    expect(table.lift(null)).toBe(2);
    expect(table.list()).toEqual([]);
  });

  it('counts nothing that has no limit', () => {
    const none = Number.POSITIVE_INFINITY;
    const { table } = lockouts({ addressFailures: none, userFailures: none });
    for (let i = 0; i < 100; i++) expect(table.failed(at('192.0.2.1', 'a'))).toEqual([]);
  });
});

describe('addresses and networks', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['', null],
  ])('%s comes from %s', (address, origin) => {
    expect(originOf(address)).toBe(origin);
  });

  it.each([
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['2001:DB8:0::/32', '2001:db8::/32'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.0/33', null],
    ['192.0.2', null],
    ['fe80::1/129', null],
    ['localhost', null],
  ])('%s is written %s', (text, written) => {
    expect(canonicalNetwork(text)).toBe(written);
  });

  it('contain addresses of their own family', () => {
    const networks = new Networks(['10.0.0.0/8', 'fd00::/8', '192.0.2.1']);
    const inside = ['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1', '192.0.2.1'];
    const outside = ['11.0.0.1', 'fe80::1', '192.0.2.2', '', '/run/mqtt.sock'];
    expect([...inside, ...outside].filter((address) => networks.has(address))).toEqual(inside);
  });
});
