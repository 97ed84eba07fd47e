import type { PasswordHash } from '../passwords/password-hash.js';
import { compareNames, type Named, Ranking } from './ranking.js';

/** What an ACL of a role is about, in the order of the file. */
export const ACL_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribeLiteral',
  'subscribePattern',
  'unsubscribeLiteral',
  'unsubscribePattern',
] as const;
export type AclType = (typeof ACL_TYPES)[number];

/** What there are defaults for, in the order of the file. */
export const DEFAULT_TYPES = ['publishClientSend', 'publishClientReceive', 'subscribe', 'unsubscribe'] as const;
export type DefaultType = (typeof DEFAULT_TYPES)[number];

export interface Acl {
  /** A topic filter. */
  readonly topic: string;
  readonly priority: number;
  readonly allow: boolean;
  readonly levels: readonly string[];
}

/** Free texts for people; null: there is none. */
export interface Texts {
  textName: string | null;
  textDescription: string | null;
}

export class Role implements Named, Texts {
  readonly name: string;
  textName: string | null = null;
  textDescription: string | null = null;
  /** Whether clients with this role may subscribe with wildcards, if its ACLs allow what they ask for. */
  allowsWildcards = true;
  /** Those of a type by priority, the highest first, then in the order in which they came. */
  acls = newAcls();

  constructor(name: string) {
    this.name = name;
  }
}

export type Acls = Record<AclType, Acl[]>;

export function newAcls(): Acls {
  return {
    publishClientSend: [],
    publishClientReceive: [],
    subscribeLiteral: [],
    subscribePattern: [],
    unsubscribeLiteral: [],
    unsubscribePattern: [],
  };
}

/** False: there is one for this topic already. */
export function addAcl(acls: Acls, type: AclType, { topic, priority, allow }: Omit<Acl, 'levels'>): boolean {
  const list = acls[type];
  if (list.some((acl) => acl.topic === topic)) return false;
  list.push({ topic, priority, allow, levels: topic.split('/') });
  list.sort((a, b) => b.priority - a.priority);
  return true;
}

export class Group implements Named, Texts {
  readonly name: string;
  textName: string | null = null;
  textDescription: string | null = null;
  readonly roles = new Ranking<Role>();
  /** With the priority that the group has for each. */
  readonly members = new Map<Client, number>();

  constructor(name: string) {
    this.name = name;
  }
}

export class Client implements Named, Texts {
  /** The user name. */
  readonly name: string;
  textName: string | null = null;
  textDescription: string | null = null;
  /** The only client id with which it gets in; null: any. */
  clientId: string | null = null;
  disabled = false;
  /** Null: it has none, and does not get in. */
  password: PasswordHash | null = null;
  /** What stands in the file instead of a password that can be used: it is written back as it is. */
  unusablePassword: Readonly<Record<string, unknown>> | null = null;
  readonly roles = new Ranking<Role>();
  readonly groups = new Ranking<Group>();

  constructor(name: string) {
    this.name = name;
  }
}

/** All that dynamic security knows. */
export class DynsecState {
  readonly clients = new Map<string, Client>();
  readonly groups = new Map<string, Group>();
  readonly roles = new Map<string, Role>();
  /** Whose roles clients without a user name have; null: they have none. */
  anonymousGroup: Group | null = null;
  /** What holds where no ACL matches. */
  readonly defaults: Record<DefaultType, boolean> = {
    publishClientSend: false,
    publishClientReceive: false,
    subscribe: false,
    unsubscribe: false,
  };
  /** Passwords are written as Mosquitto 2.1 does, because those in the file were. */
  hasEncodedPasswords = false;
  /** Raised with each change. */
  changeIndex = 0;

  /** False: it is a member already. */
  addMember(group: Group, client: Client, priority: number): boolean {
    if (!client.groups.add(group, priority)) return false;
    group.members.set(client, priority);
    return true;
  }

  removeMember(group: Group, client: Client): void {
    group.members.delete(client);
    client.groups.remove(group);
  }

  removeClient(client: Client): void {
    for (const { item: group } of client.groups.all) group.members.delete(client);
    this.clients.delete(client.name);
  }

  removeGroup(group: Group): void {
    for (const client of group.members.keys()) client.groups.remove(group);
    this.groups.delete(group.name);
  }

  removeRole(role: Role): void {
    for (const { roles } of [...this.clients.values(), ...this.groups.values()]) roles.remove(role);
    this.roles.delete(role.name);
  }
}

/** In the order in which they are written and listed. */
export function byName<Item extends Named>(items: Iterable<Item>): Item[] {
  return [...items].sort(compareNames);
}
