import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PacketType, ReasonCode } from '@cauldron/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../../test/support/manual-clock.js';
import { TestBroker } from '../../../../../test/support/test-broker.js';
import type { AbuseConfig } from '../../config/abuse-options.js';
import { AccessFileError } from '../access-file-error.js';
import { BanList } from './ban-list.js';
import { DoorGuard } from './door-guard.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-bans-'));
  file = join(folder, 'bans.json');
});

afterEach(() => rmSync(folder, { recursive: true }));

const CONFIG: AbuseConfig = {
  addressFailures: 2,
  userFailures: 100,
  lockoutMs: 10_000,
  maxLockoutMs: 60_000,
  connectRate: Number.POSITIVE_INFINITY,
  exempt: [],
  bansFile: null,
};

const silent = { types: 0, write: () => {} };
const caller = (changes: object) => ({ address: '192.0.2.1', clientId: 'c', username: 'u', ...changes });

describe('bans', () => {
  it.each([
    ['client', 'c', 'client id'],
    ['user', 'u', 'user'],
    ['address', '192.0.2.1', 'address'],
    ['address', '192.0.0.0/16', 'network'],
  ] as const)('keep out by %s %s (%s), and nobody else', (kind, value, _what) => {
    const guard = new DoorGuard(CONFIG, new ManualClock(), silent);
    guard.bans.add(kind, value, 'a test', null);
    expect(guard.mayTry(caller({}))).toMatchObject({ reasonCode: ReasonCode.BANNED, reason: 'banned' });
    expect(guard.mayStay(caller({}))?.rule).toContain('is banned: a test');
    expect(guard.mayStay({ address: '198.51.100.1', clientId: 'd', username: undefined })).toBe(null);
    expect(guard.bans.remove(kind, value)).toMatchObject({ value });
    expect(guard.bans.remove(kind, value)).toBe(null);
    expect(guard.mayTry(caller({}))).toBe(null);
  });

  it('end when their time is over', () => {
    const clock = new ManualClock();
    const guard = new DoorGuard(CONFIG, clock, silent);
    guard.bans.add('client', 'c', '', clock.wallMs() + 1000);
    expect(guard.mayTry(caller({}))).not.toBe(null);
    clock.pass(1000);
    expect(guard.mayTry(caller({}))).toBe(null);
    expect(guard.bans.list()).toEqual([]);
  });

  it('survive in their file, which only its owner can read, and leave no other file', () => {
    const first = BanList.open(file, () => 5);
    first.add('address', '2001:DB8::/32', 'scanner', null);
    first.add('user', 'eve', '', 100);
    const again = BanList.open(file, () => 5);
    expect(again.list()).toEqual([
      { kind: 'address', value: '2001:db8::/32', reason: 'scanner', sinceMs: 5, untilMs: null },
      { kind: 'user', value: 'eve', reason: '', sinceMs: 5, untilMs: 100 },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['bans.json']);
  });

  it('are as before if they cannot be written', () => {
    const list = BanList.open(join(folder, 'missing', 'bans.json'), () => 0);
    expect(() => list.add('user', 'eve', '', null)).toThrow(AccessFileError);
    expect(list.list()).toEqual([]);
  });

  it.each([
    ['nonsense', /bans\.json:1: it is not JSON/],
    ['[]', /bans\.json:1: a list of bans is an object/],
    ['{"bans": [{"kind": "user"}]}', /bans\.json: ban 1 is not like/],
    ['{"bans": [{"kind": "address", "value": "here"}]}', /bans\.json: ban 1 is not like/],
  ])('in a file that says %s are refused, and the file stays', (text, expected) => {
    writeFileSync(file, text);
    expect(() => BanList.open(file, () => 0)).toThrow(expected);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it.each([
    ['address', 'here'],
    ['client', ''],
    ['user', ''],
  ] as const)('of %s %j are no bans', (kind, value) => {
    expect(() => BanList.open(null, () => 0).add(kind, value, '', null)).toThrow(AccessFileError);
  });

  it('that somebody wrote into the file hold after a reload', () => {
    const config = { ...CONFIG, bansFile: file };
    const guard = new DoorGuard(config, new ManualClock(), silent);
    writeFileSync(file, '{"bans": [{"kind": "user", "value": "u"}]}');
    const apply = guard.prepare(config);
    expect(guard.mayStay(caller({}))).toBe(null);
    apply();
    expect(guard.mayStay(caller({}))).not.toBe(null);
  });
});

describe('a broker with a guard', () => {
  function guarded(changes: Partial<AbuseConfig> = {}) {
    const clock = new ManualClock();
    const lines: string[] = [];
    const log = { types: 0xff, write: (_type: number, line: string) => void lines.push(line) };
    const guard = new DoorGuard({ ...CONFIG, ...changes }, clock, log);
    const broker = new TestBroker({
      clock,
      doorkeeper: guard,
      authenticator: {
        authenticate: ({ username, password }) =>
          new TextDecoder().decode(password) === 'right'
            ? { admitted: true, username, rule: 'the password' }
            : { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason: 'not authorised', rule: 'wrong' },
      },
    });
    const attempt = async (password: string, username = 'jjolie') => {
      const connect = { clientId: username, username, password: new TextEncoder().encode(password) };
      return (await broker.client(5).connect(connect)).reasonCode;
    };
    return { attempt, broker, clock, guard, lines };
  }

  it('locks out who fails too often, even with the right password, until the time is over', async () => {
    const { attempt, broker, clock, lines } = guarded();
    expect([await attempt('a'), await attempt('b')]).toEqual([ReasonCode.NOT_AUTHORIZED, ReasonCode.NOT_AUTHORIZED]);
    expect(lines).toEqual(['Locked out for 10 s after 2 failed logins: address 127.0.0.1.']);
    expect(await attempt('right')).toBe(ReasonCode.BANNED);
    expect(broker.log.lines.join('\n')).toContain(
      'locked out for 10 s more after 2 failed logins of address 127.0.0.1',
    );
    clock.advance(10_000);
    expect(await attempt('right')).toBe(ReasonCode.SUCCESS);
  });

  it('lets in at once who was locked out if that is lifted', async () => {
    const { attempt, guard } = guarded();
    for (const wrong of ['a', 'b']) await attempt(wrong);
    guard.lockouts.lift(null);
    expect(await attempt('right')).toBe(ReasonCode.SUCCESS);
  });

  it('locks nobody out at addresses that are exempt, but bans hold there', async () => {
    const { attempt, guard } = guarded({ exempt: ['127.0.0.0/8'], connectRate: 1 });
    for (let i = 0; i < 20; i++) await attempt('wrong');
    expect(await attempt('right')).toBe(ReasonCode.SUCCESS);
    guard.bans.add('user', 'jjolie', '', null);
    expect(await attempt('right')).toBe(ReasonCode.BANNED);
  });

  it('ends the connection of who is banned', async () => {
    const { broker, guard } = guarded();
    const password = new TextEncoder().encode('right');
    const eve = await broker.connected('eve', 5, { username: 'eve', password });
    guard.bans.add('user', 'eve', '', null);
    broker.broker.reviewClients();
    expect(await eve.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: ReasonCode.ADMINISTRATIVE_ACTION });
    await eve.expectClose();
  });

  it('ends connections that come faster than max_connect_rate, and takes others later', async () => {
    const { attempt, broker, clock } = guarded({ connectRate: 1 });
    for (let i = 0; i < 10; i++) expect(await attempt('right', `u${i}`)).toBe(ReasonCode.SUCCESS);
    const late = broker.client(5);
    await late.expectClose();
    expect(late.inbox).toEqual([]);
    expect(broker.log.lines.join('\n')).toContain('max_connect_rate 1');
    clock.advance(1000);
    expect(await attempt('right')).toBe(ReasonCode.SUCCESS);
  });
});
