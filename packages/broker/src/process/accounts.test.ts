import { describe, expect, it } from 'vitest';
import {
  type Account,
  AccountError,
  type AccountSource,
  chooseAccount,
  systemAccounts,
  umaskFrom,
} from './accounts.js';

const CAULDRON: Account = { name: 'cauldron', uid: 900, gid: 901 };
const MOSQUITTO: Account = { name: 'mosquitto', uid: 102, gid: 105 };
const NOBODY: Account = { name: 'nobody', uid: 65534, gid: 65533 };

function machineWith(...accounts: readonly Account[]): AccountSource {
  return {
    find: (name) => accounts.find((account) => account.name === name),
    findUid: (uid) => accounts.find((account) => account.uid === uid),
  };
}

const ALL = machineWith(CAULDRON, MOSQUITTO, NOBODY);

describe('chooseAccount', () => {
  it('takes the first of cauldron, mosquitto and nobody when nothing is said', () => {
    expect(chooseAccount(null, {}, ALL)).toEqual({ account: CAULDRON, warning: null });
    expect(chooseAccount(null, {}, machineWith(NOBODY, MOSQUITTO))).toEqual({ account: MOSQUITTO, warning: null });
    const { account, warning } = chooseAccount(null, {}, machineWith(NOBODY));
    expect(account).toBe(NOBODY);
    expect(warning).toMatch(/useradd --system cauldron/);
  });

  it('takes the user that the configuration names', () => {
    expect(chooseAccount('nobody', {}, ALL)).toEqual({ account: NOBODY, warning: null });
  });

  it('takes another one for mosquitto where there is none, because old configurations name it', () => {
    expect(chooseAccount('mosquitto', {}, machineWith(CAULDRON, NOBODY)).account).toBe(CAULDRON);
  });

  it('refuses any other user that does not exist, and a machine without any', () => {
    expect(() => chooseAccount('mqtt', {}, ALL)).toThrow(AccountError);
    expect(() => chooseAccount('mqtt', {}, ALL)).toThrow(/'mqtt' does not exist .*'useradd --system mqtt'/);
    expect(() => chooseAccount(null, {}, machineWith())).toThrow(AccountError);
  });

  it('leaves root what it is if told so, with a warning only for the configuration', () => {
    const { account, warning } = chooseAccount('root', {}, ALL);
    expect(account).toBeNull();
    expect(warning).toMatch(/rights of root/);
    expect(chooseAccount('cauldron', { PUID: '0' }, ALL)).toEqual({ account: null, warning: null });
  });

  it('takes PUID and PGID before what the configuration says', () => {
    expect(chooseAccount('nobody', { PUID: '1883', PGID: '1884' }, ALL).account).toEqual({
      name: null,
      uid: 1883,
      gid: 1884,
    });
    expect(chooseAccount('root', { PUID: '102', PGID: '' }, ALL).account).toEqual(MOSQUITTO);
    expect(chooseAccount('nobody', { PGID: '7' }, ALL).account).toEqual({ ...NOBODY, gid: 7 });
  });

  it("never leaves root's group to an account that is known by its number alone", () => {
    expect(chooseAccount(null, { PUID: '1883' }, ALL).account).toEqual({ name: null, uid: 1883, gid: 1883 });
    expect(chooseAccount(null, { PUID: '1883', PGID: '0' }, ALL).account).toMatchObject({ gid: 1883 });
    expect(chooseAccount('nobody', { PGID: '0' }, ALL).account).toEqual(NOBODY);
  });

  it.each(['-1', 'mosquitto', '1e3', '99999999999'])('refuses %s as a number of a user', (text) => {
    expect(() => chooseAccount(null, { PUID: text }, ALL)).toThrow(`not '${text}'`);
    expect(() => chooseAccount(null, { PGID: text }, ALL)).toThrow(`not '${text}'`);
  });
});

describe('umaskFrom', () => {
  it('reads an octal number, or nothing', () => {
    expect([umaskFrom({ UMASK_SET: '027' }), umaskFrom({ UMASK_SET: '' }), umaskFrom({})]).toEqual([0o27, null, null]);
  });

  it.each(['8', '-1', '00277', 'x'])('refuses %s', (text) => {
    expect(() => umaskFrom({ UMASK_SET: text })).toThrow(AccountError);
  });
});

describe('systemAccounts', () => {
  it('knows the accounts of this machine, and no others', () => {
    expect(systemAccounts.find('root')).toEqual({ name: 'root', uid: 0, gid: 0 });
    expect(systemAccounts.findUid(0)?.name).toBe('root');
    expect(systemAccounts.find('no-such-user-here')).toBeUndefined();
    expect(systemAccounts.find('--help')).toBeUndefined();
  });
});
