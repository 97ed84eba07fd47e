import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { isValidTopicFilter } from '@cauldron/codec';
import { AccessFileError } from '../access-file-error.js';
import {
  encodePasswordHash,
  type PasswordHash,
  PasswordHashError,
  parsePasswordHash,
} from '../passwords/password-hash.js';
import {
  ACL_TYPES,
  type AclType,
  addAcl,
  byName,
  Client,
  DEFAULT_TYPES,
  DynsecState,
  Group,
  Role,
  type Texts,
} from './dynsec-state.js';
import { type Fields, flagIn, integerIn, isFields, listIn, textIn, valueIn } from './json-fields.js';
import { limitedPriority, NO_PRIORITY, type Ranking } from './ranking.js';

/** A million clients, and more than anybody has. */
const MAX_BYTES = 256 * 1024 * 1024;
/** More would not be read. */
const MAX_WARNINGS = 20;

export interface DynsecFile {
  readonly path: string;
  readonly state: DynsecState;
  /** What stands in the file and does not count, which Mosquitto leaves out without a word. */
  readonly warnings: readonly string[];
}

/** Reads a dynamic-security.json, of Mosquitto 2.0 or 2.1, or of this program. Changes nothing. @throws AccessFileError */
export function readDynsecFile(path: string): DynsecFile {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_BYTES}`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint =
      code === 'EACCES'
        ? ' The user that the broker runs as needs the right to read it.'
        : code === 'ENOENT' && !isAbsolute(path)
          ? ` The path counts from ${process.cwd()}.`
          : '';
    throw new AccessFileError([`${path}: cannot be read: ${message}.${hint}`], { cause: error });
  }
  return parseDynsecFile(path, text);
}

/** The same for a text that is there already. @throws AccessFileError */
export function parseDynsecFile(path: string, text: string): DynsecFile {
  let tree: unknown;
  try {
    tree = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const why = (error as Error).message;
    throw new AccessFileError([
      `${path}: is not JSON: ${why}. Restore the file from a backup, or make one with 'cauldron ctrl dynsec init'.`,
    ]);
  }
  if (!isFields(tree)) throw new AccessFileError([`${path}: is JSON, but no object with clients, groups and roles.`]);
  const problems = ['clients', 'groups', 'roles']
    .filter((name) => valueIn(tree, name) !== undefined && listIn(tree, name) === undefined)
    .map((name) => `${path}: '${name}' is no list. Write "${name}": [...].`);
  if (problems.length > 0) throw new AccessFileError(problems);
  return new Loader(path).load(tree);
}

/** Takes over what stands in a file, roles first, because the others name them. */
class Loader {
  readonly #path: string;
  readonly #state = new DynsecState();
  readonly #warnings: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  load(tree: Fields): DynsecFile {
    const state = this.#state;
    const defaults = valueIn(tree, 'defaultACLAccess');
    if (isFields(defaults)) for (const type of DEFAULT_TYPES) state.defaults[type] = flagIn(defaults, type) ?? false;
    for (const fields of this.#named(tree, 'roles', 'rolename', state.roles)) this.#addRole(fields);
    for (const fields of this.#named(tree, 'clients', 'username', state.clients)) this.#addClient(fields);
    for (const fields of this.#named(tree, 'groups', 'groupname', state.groups)) this.#addGroup(fields);
    const anonymous = textIn(tree, 'anonymousGroup');
    state.anonymousGroup = state.groups.get(anonymous ?? '') ?? null;
    if (anonymous !== undefined && anonymous !== '' && state.anonymousGroup === null) {
      this.#warn(`anonymousGroup names '${anonymous}', and there is no such group`);
    }
    state.changeIndex = integerIn(tree, 'changeIndex', 0);
    const left = this.#warnings.length - MAX_WARNINGS;
    if (left > 0) this.#warnings.splice(MAX_WARNINGS, left, `${this.#path}: ${left} more things in it do not count.`);
    return { path: this.#path, state, warnings: this.#warnings };
  }

  #warn(what: string): void {
    this.#warnings.push(`${this.#path}: ${what}. That does not count.`);
  }

  /** The objects of a list that have a name, and one that is not taken. */
  *#named(tree: Fields, list: string, key: string, taken: ReadonlyMap<string, unknown>): Generator<Fields> {
    for (const [index, item] of (listIn(tree, list) ?? []).entries()) {
      const name = isFields(item) ? textIn(item, key) : undefined;
      if (name === undefined || name === '') this.#warn(`${list}[${index}] has no ${key}`);
      else if (taken.has(name)) this.#warn(`${list}[${index}]: '${name}' stands there a second time`);
      else if (isFields(item)) yield item;
    }
  }

  #addRole(fields: Fields): void {
    const role = new Role(textIn(fields, 'rolename') ?? '');
    takeTexts(role, fields);
    role.allowsWildcards = flagIn(fields, 'allowwildcardsubs') ?? true;
    for (const [index, item] of (listIn(fields, 'acls') ?? []).entries()) {
      const fault = isFields(item) ? this.#addAcl(role, item) : 'is no object';
      if (fault !== null) this.#warn(`role '${role.name}', acls[${index}] ${fault}`);
    }
    this.#state.roles.set(role.name, role);
  }

  /** What is wrong with it; null: nothing. */
  #addAcl(role: Role, fields: Fields): string | null {
    const type = aclTypeOf(textIn(fields, 'acltype') ?? '');
    const topic = textIn(fields, 'topic');
    if (type === undefined) return `has no acltype of ${ACL_TYPES.join(', ')}`;
    if (topic === undefined || !isValidTopicFilter(topic)) return 'has no topic filter';
    const priority = limitedPriority(integerIn(fields, 'priority', 0));
    const isNew = addAcl(role.acls, type, { topic, priority, allow: flagIn(fields, 'allow') ?? false });
    return isNew ? null : `is the second ${type} for '${topic}'`;
  }

  #addClient(fields: Fields): void {
    const client = new Client(textIn(fields, 'username') ?? '');
    takeTexts(client, fields);
    client.clientId = textIn(fields, 'clientid') ?? null;
    client.disabled = flagIn(fields, 'disabled') ?? false;
    client.password = this.#passwordOf(client, fields);
    this.#addRoles(client.roles, fields, `client '${client.name}'`);
    this.#state.clients.set(client.name, client);
  }

  #passwordOf(client: Client, fields: Fields): PasswordHash | null {
    const { name } = client;
    const encoded = textIn(fields, 'encoded_password');
    const password = textIn(fields, 'password');
    const salt = textIn(fields, 'salt');
    let text = encoded;
    if (encoded !== undefined) this.#state.hasEncodedPasswords = true;
    else if (password !== undefined && salt !== undefined) {
      text = `$7$${integerIn(fields, 'iterations', 0)}$${salt}$${password}`;
    }
    if (text === undefined) return null;
    try {
      return parsePasswordHash(text);
    } catch (error) {
      if (!(error instanceof PasswordHashError)) throw error;
      this.#warn(`the password of client '${name}' cannot be used: ${error.message}`);
      client.unusablePassword =
        encoded === undefined
          ? { password, salt, iterations: integerIn(fields, 'iterations', 0) }
          : { encoded_password: encoded };
      return null;
    }
  }

  #addGroup(fields: Fields): void {
    const group = new Group(textIn(fields, 'groupname') ?? '');
    takeTexts(group, fields);
    this.#addRoles(group.roles, fields, `group '${group.name}'`);
    this.#state.groups.set(group.name, group);
    for (const { name, priority } of referencesIn(fields, 'clients', 'username')) {
      const client = this.#state.clients.get(name);
      if (client === undefined) this.#warn(`group '${group.name}' names client '${name}', and there is none`);
      else this.#state.addMember(group, client, priority);
    }
  }

  #addRoles(roles: Ranking<Role>, fields: Fields, whose: string): void {
    for (const { name, priority } of referencesIn(fields, 'roles', 'rolename')) {
      const role = this.#state.roles.get(name);
      if (role === undefined) this.#warn(`${whose} names role '${name}', and there is none`);
      else roles.add(role, priority);
    }
  }
}

/** In whatever case it is written. */
export function aclTypeOf(text: string): AclType | undefined {
  return ACL_TYPES.find((type) => type.toLowerCase() === text.toLowerCase());
}

interface Reference {
  readonly name: string;
  readonly priority: number;
}

function referencesIn(fields: Fields, list: string, key: string): Reference[] {
  const items = (listIn(fields, list) ?? []).filter(isFields);
  return items.map((item) => ({ name: textIn(item, key) ?? '', priority: priorityIn(item) }));
}

/** Of a role or a group. */
export function priorityIn(fields: Fields): number {
  return limitedPriority(integerIn(fields, 'priority', NO_PRIORITY));
}

function takeTexts(target: Texts, fields: Fields): void {
  target.textName = textIn(fields, 'textname') ?? null;
  target.textDescription = textIn(fields, 'textdescription') ?? null;
}

// ---- writing ---------------------------------------------------------------------------------------------------------

/** The text of the file, as Mosquitto lays it out; 2.0 reads it, too, unless passwords came in the form of 2.1. */
export function dynsecFileText(state: DynsecState): string {
  const tree = {
    defaultACLAccess: state.defaults,
    clients: byName(state.clients.values()).map((client) => ({
      username: client.name,
      ...(client.clientId !== null && { clientid: client.clientId }),
      ...textsOf(client),
      ...(client.disabled && { disabled: true }),
      roles: rolesOf(client.roles),
      ...passwordFields(client, state.hasEncodedPasswords),
    })),
    groups: byName(state.groups.values()).map((group) => ({
      groupname: group.name,
      ...textsOf(group),
      roles: rolesOf(group.roles),
      clients: byName(group.members.keys()).map((client) => ({
        username: client.name,
        ...priorityField(group.members.get(client) ?? NO_PRIORITY),
      })),
    })),
    roles: byName(state.roles.values()).map(roleFields),
    ...(state.anonymousGroup !== null && { anonymousGroup: state.anonymousGroup.name }),
    changeIndex: state.changeIndex,
  };
  return `${JSON.stringify(tree, null, '\t')}\n`;
}

/** Only this kind of hash has the older form. */
function passwordFields({ password: hash, unusablePassword }: Client, isEncoded: boolean): object {
  if (hash === null) return unusablePassword ?? {};
  if (isEncoded || hash.kind !== 'sha512-pbkdf2') return { encoded_password: encodePasswordHash(hash) };
  const { iterations, salt, hash: bytes } = hash;
  return {
    password: Buffer.from(bytes).toString('base64'),
    salt: Buffer.from(salt).toString('base64'),
    iterations,
  };
}

/** A role as the file has it, and answers. */
export function roleFields(role: Role): Record<string, unknown> {
  return {
    rolename: role.name,
    ...textsOf(role),
    allowwildcardsubs: role.allowsWildcards,
    acls: ACL_TYPES.flatMap((acltype) =>
      role.acls[acltype].map(({ topic, priority, allow }) => ({ acltype, topic, priority, allow })),
    ),
  };
}

export function textsOf({ textName, textDescription }: Texts): object {
  return {
    ...(textName !== null && { textname: textName }),
    ...(textDescription !== null && { textdescription: textDescription }),
  };
}

export function rolesOf(roles: Ranking<Role>): object[] {
  return roles.all.map(({ item, priority }) => ({ rolename: item.name, ...priorityField(priority) }));
}

export function priorityField(priority: number): object {
  return priority === NO_PRIORITY ? {} : { priority };
}
