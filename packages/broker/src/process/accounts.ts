import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Somebody's rights on this machine. */
export interface Account {
  /** For messages and for the list of groups; null: the ids are all that is known. */
  readonly name: string | null;
  readonly uid: number;
  /** Of the first group. */
  readonly gid: number;
}

const PASSWD = '/etc/passwd';

/** Tried in this order when the configuration names nobody. */
const DEFAULT_NAMES = ['cauldron', 'mosquitto', 'nobody'];
const LAST_RESORT = 'nobody';

/** The account that was asked for cannot be had: words for the person who starts the broker. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
}

/** What is asked, so that tests may answer. */
export interface AccountSource {
  find(name: string): Account | undefined;
  /** The account with this number. */
  findUid(uid: number): Account | undefined;
}

/** Who a broker is to be, and what has to be said about it. */
export interface ChosenAccount {
  /** Null: who started it. */
  readonly account: Account | null;
  readonly warning: string | null;
}

const STAYS_ROOT =
  "The broker keeps the rights of root, which it does not need. Name another user with 'user', or leave that line out.";

/**
 * Whose rights a broker that root started goes on with: PUID and PGID of the environment, else `user` of the
 * configuration, else the first of cauldron, mosquitto and nobody that this machine has. Not to be called by others than
 * root: they have no choice.
 * @param user what the configuration says; null: nothing
 * @throws AccountError: it does not exist, or PUID or PGID is no number
 */
export function chooseAccount(
  user: string | null,
  environment: NodeJS.ProcessEnv,
  source: AccountSource = systemAccounts,
): ChosenAccount {
  const uid = idFrom(environment, 'PUID');
  const gid = idFrom(environment, 'PGID');
  // Who says so by a number means it.
  if (uid === 0) return { account: null, warning: null };
  if (uid !== null) {
    const known = source.findUid(uid);
    // Without a group of its own the account must not keep root's.
    return { account: { name: known?.name ?? null, uid, gid: gid || (known?.gid ?? uid) }, warning: null };
  }
  if (user === 'root') return { account: null, warning: STAYS_ROOT };
  const chosen = user === null ? firstOf(source) : named(user, source);
  return gid ? { ...chosen, account: { ...chosen.account, gid } } : chosen;
}

function named(user: string, source: AccountSource): ChosenAccount & { readonly account: Account } {
  const account = source.find(user);
  if (account !== undefined) return { account, warning: null };
  // As old configurations of Mosquitto say it, which may be on a machine that never had it.
  if (user === 'mosquitto') return firstOf(source);
  throw new AccountError(
    `The user '${user}' does not exist on this machine. Make it ('useradd --system ${user}'), or name another one with 'user'.`,
  );
}

function firstOf(source: AccountSource): ChosenAccount & { readonly account: Account } {
  for (const name of DEFAULT_NAMES) {
    const account = source.find(name);
    if (account === undefined) continue;
    const warning =
      name === LAST_RESORT
        ? "The broker goes on as 'nobody', as other programs may do that have no user of their own. Give it one: 'useradd --system cauldron'."
        : null;
    return { account, warning };
  }
  throw new AccountError(
    `This machine has none of the users ${DEFAULT_NAMES.join(', ')}. Make one ('useradd --system cauldron'), or name one with 'user'.`,
  );
}

/**
 * What UMASK_SET of the environment takes from the rights of files that the process makes, as in Mosquitto's images; null:
 * nothing is said. @throws AccountError: it is no number in octal
 */
export function umaskFrom({ UMASK_SET: text }: NodeJS.ProcessEnv): number | null {
  if (text === undefined || text === '') return null;
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8) & 0o777;
  throw new AccountError(`UMASK_SET in the environment must be an octal number such as 027, not '${text}'.`);
}

/** Null: it is not there. @throws AccountError */
function idFrom(environment: NodeJS.ProcessEnv, name: string): number | null {
  const text = environment[name];
  if (text === undefined || text === '') return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AccountError(`${name} in the environment must be the number of a user or group, not '${text}'.`);
}

/** The accounts of this machine: its own file, else whatever the system asks for its accounts. */
export const systemAccounts: AccountSource = {
  find: (name) => passwdEntries().find((entry) => entry.name === name) ?? askSystem(name),
  findUid: (uid) => passwdEntries().find((entry) => entry.uid === uid),
};

function passwdEntries(): Account[] {
  let text: string;
  try {
    text = readFileSync(PASSWD, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

/** For accounts that a directory of the network has. */
function askSystem(name: string): Account | undefined {
  if (name.startsWith('-')) return undefined;
  const ask = (what: string): number =>
    Number(execFileSync('id', [what, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { name, uid: ask('-u'), gid: ask('-g') };
  } catch {
    return undefined;
  }
}
