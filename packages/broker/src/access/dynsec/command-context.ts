import { isValidTopicFilter } from '@cauldron/codec';
import type { ControlOutcome } from '../../core/ports/control.js';
import type { PasswordHash } from '../passwords/password-hash.js';
import { aclTypeOf, priorityIn } from './dynsec-file.js';
import { type Acls, addAcl, type Client, type DynsecState, type Group, newAcls, type Role } from './dynsec-state.js';
import { type Fields, flagIn, integerIn, isFields, listIn, textIn, valueIn } from './json-fields.js';
import { limitedPriority, type Ranked } from './ranking.js';

/** Why a command is not carried out, in the words of Mosquitto, which programs look for. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** What the commands of one message have brought about so far. */
export class Effects {
  changed = false;
  /** User names of clients that have to connect again; undefined: those without one. */
  readonly kicked = new Set<string | undefined>();
}

/** What a command needs besides its fields. */
export interface CommandContext {
  readonly state: DynsecState;
  readonly effects: Effects;
  /** @throws (rejects) CommandError */
  hash(password: string): Promise<PasswordHash>;
  /** Addresses of the connections of a user, of one client id alone if there is one. */
  addressesOf(username: string, clientId: string | null): readonly string[];
  /** What the log says of it, behind the name of the command: `username=bob | rolename=r`. */
  say(details: string): void;
}

export type Command = (context: CommandContext, fields: Fields) => ControlOutcome | Promise<ControlOutcome>;

/** What can be in no name: nobody could type it, and no client may send it. */
const NO_NAME = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

type NameField = 'username' | 'groupname' | 'rolename';

const SHOWN: Readonly<Record<NameField, string>> = {
  username: 'Username',
  groupname: 'Group name',
  rolename: 'Role name',
};

// ---- fields, each @throws CommandError ----------------------------------------------------------------------------------

export function nameIn(fields: Fields, field: NameField): string {
  const name = textIn(fields, field);
  if (name === undefined) throw new CommandError(`Invalid/missing ${field}`);
  if (NO_NAME.test(name)) throw new CommandError(`${SHOWN[field]} not valid UTF-8`);
  return name;
}

/** For something that is to be made. */
export function newNameIn(fields: Fields, field: NameField): string {
  const name = nameIn(fields, field);
  if (name === '') throw new CommandError(`Empty ${field}`);
  return name;
}

/** Null: it is not there. `called`: in the message that there is something else than a text. */
export function optionalTextIn(fields: Fields, field: string, called = field): string | null {
  const value = valueIn(fields, field);
  if (value === undefined) return null;
  if (typeof value !== 'string') throw new CommandError(`Invalid/missing ${called}`);
  return value;
}

/** Null: it is not there, or is empty, which means that there is none. */
export function clientIdIn(fields: Fields, called: string): string | null {
  const clientId = optionalTextIn(fields, 'clientid', called);
  if (clientId !== null && NO_NAME.test(clientId)) throw new CommandError('Client ID not valid UTF-8');
  return clientId === '' ? null : clientId;
}

export function clientIn({ state }: CommandContext, fields: Fields): Client {
  return found(state.clients.get(nameIn(fields, 'username')), 'Client not found');
}

export function groupIn({ state }: CommandContext, fields: Fields): Group {
  return found(state.groups.get(nameIn(fields, 'groupname')), 'Group not found');
}

export function roleIn({ state }: CommandContext, fields: Fields, missing = 'Role not found'): Role {
  return found(state.roles.get(nameIn(fields, 'rolename')), missing);
}

function found<Item>(item: Item | undefined, missing: string): Item {
  if (item === undefined) throw new CommandError(missing);
  return item;
}

/** Null: there is no such field. */
export function rolesIn({ state }: CommandContext, fields: Fields): Ranked<Role>[] | null {
  if (valueIn(fields, 'roles') === undefined) return null;
  const fault = "'roles' not an array or missing/invalid rolename";
  return found(listIn(fields, 'roles'), fault).map((item) => {
    const name = isFields(item) ? textIn(item, 'rolename') : undefined;
    const role = found(state.roles.get(found(name, fault)), 'Role not found');
    return { item: role, priority: isFields(item) ? priorityIn(item) : 0 };
  });
}

/** Null: there is no such field. The messages are those of `createClient`, if `missing` is given. */
export function groupsIn({ state }: CommandContext, fields: Fields, missing?: string): Ranked<Group>[] | null {
  const unknown = missing ?? "'groups' contains an object with a 'groupname' that does not exist";
  return referencesIn(fields, 'groups', 'groupname', state.groups, unknown);
}

/** Null: there is no such field. */
export function membersIn({ state }: CommandContext, fields: Fields): Ranked<Client>[] | null {
  const unknown = "'clients' contains an object with a 'username' that does not exist";
  return referencesIn(fields, 'clients', 'username', state.clients, unknown);
}

function referencesIn<Item>(
  fields: Fields,
  list: string,
  key: string,
  items: ReadonlyMap<string, Item>,
  unknown: string,
): { item: Item; priority: number }[] | null {
  const named = listIn(fields, list)?.filter(isFields);
  if (named === undefined) return null;
  return named.map((reference) => {
    const name = found(textIn(reference, key), `'${list}' contains an object with an invalid '${key}'`);
    return { item: found(items.get(name), unknown), priority: priorityIn(reference) };
  });
}

/** Null: there is no such field. */
export function aclsIn(fields: Fields): Acls | null {
  const list = listIn(fields, 'acls');
  if (list === undefined) return null;
  const acls = newAcls();
  for (const item of list) {
    if (!isFields(item)) throw new CommandError('Invalid/missing acltype');
    const { type, topic } = aclIn(item);
    addAcl(acls, type, { topic, ...aclRightsIn(item) });
  }
  return acls;
}

export function aclIn(fields: Fields): { type: keyof Acls; topic: string } {
  const written = found(textIn(fields, 'acltype'), 'Invalid/missing acltype');
  const type = found(aclTypeOf(written), 'Unknown acltype');
  const topic = found(textIn(fields, 'topic'), 'Invalid/missing topic');
  if (NO_NAME.test(topic)) throw new CommandError('Topic not valid UTF-8');
  if (!isValidTopicFilter(topic)) throw new CommandError('Invalid ACL topic');
  return { type, topic };
}

export function aclRightsIn(fields: Fields): { priority: number; allow: boolean } {
  return { priority: limitedPriority(integerIn(fields, 'priority', 0)), allow: flagIn(fields, 'allow') ?? false };
}

/** What the fields `verbose`, `count` and `offset` leave of a list. */
export function pageOf<Item>(items: readonly Item[], fields: Fields): { page: readonly Item[]; isVerbose: boolean } {
  const offset = Math.max(0, integerIn(fields, 'offset', 0));
  const count = integerIn(fields, 'count', -1);
  // As with Mosquitto, 0 means 1, and a negative number all.
  const end = count < 0 ? undefined : offset + Math.max(1, count);
  return { page: items.slice(offset, end), isVerbose: flagIn(fields, 'verbose') ?? false };
}

/** For the log: the fields that make a page. */
export function pageWords(fields: Fields): string {
  const count = integerIn(fields, 'count', -1);
  return `verbose=${flagIn(fields, 'verbose') ?? false} | count=${count} | offset=${integerIn(fields, 'offset', 0)}`;
}
