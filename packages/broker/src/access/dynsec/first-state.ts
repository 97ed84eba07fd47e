import type { PasswordHash } from '../passwords/password-hash.js';
import { type AclType, addAcl, Client, DynsecState, Group, Role } from './dynsec-state.js';
import { NO_PRIORITY } from './ranking.js';

/** A password that is made up has characters that can be typed, and more than 120 bits. */
const PASSWORD_LENGTH = 20;
const PASSWORD_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-=_+[]{}@#~,./<>?';
/** Higher values would make some characters likelier than others. */
const FAIR_BYTES = 256 - (256 % PASSWORD_CHARACTERS.length);

const FULL: readonly AclType[] = [
  'publishClientSend',
  'publishClientReceive',
  'subscribePattern',
  'unsubscribePattern',
];

/** Names, texts and topics are those of Mosquitto 2.1: what is written about them holds here, too. */
const ROLES: readonly (readonly [name: string, description: string, topic: string, types: readonly AclType[]])[] = [
  ['client', 'Read/write access to the full application topic hierarchy.', '#', FULL],
  ['broker-admin', 'Grants access to administer general broker configuration.', '$CONTROL/broker/#', FULL],
  ['dynsec-admin', 'Grants access to administer clients/groups/roles.', '$CONTROL/dynamic-security/#', FULL],
  ['super-admin', 'Grants access to administer all kind of broker controls', '$CONTROL/#', FULL],
  [
    'sys-notify',
    'Allow bridges to publish connection state messages.',
    '$SYS/broker/connection/%c/state',
    ['publishClientSend'],
  ],
  ['sys-observe', 'Observe the $SYS topic hierarchy.', '$SYS/#', ['publishClientReceive', 'subscribePattern']],
  [
    'topic-observe',
    'Read only access to the full application topic hierarchy.',
    '#',
    ['publishClientReceive', 'subscribePattern', 'unsubscribePattern'],
  ],
];

export interface FirstPasswords {
  readonly admin: PasswordHash;
  /** Null: there is no such client. */
  readonly demo: PasswordHash | null;
}

/** What dynamic security knows when it begins: an administrator, perhaps a client to try it with, and roles to give away. */
export function firstState({ admin, demo }: FirstPasswords): DynsecState {
  const state = new DynsecState();
  takeUsualDefaults(state);
  for (const [name, textDescription, topic, types] of ROLES) {
    const role = new Role(name);
    role.textDescription = textDescription;
    for (const type of types) addAcl(role.acls, type, { topic, priority: 0, allow: true });
    state.roles.set(name, role);
  }
  addClient(state, 'admin', 'Admin user', admin, ['super-admin', 'sys-observe', 'topic-observe']);
  if (demo !== null) {
    const text = "Demonstration client with full read/write access to the '#' topic hierarchy.";
    addClient(state, 'democlient', text, demo, ['client']);
  }
  const group = new Group('unauthenticated');
  group.textName = 'Unauthenticated group';
  group.textDescription =
    'If unauthenticated access is allowed, this group can be used to define roles for clients that connect without a password.';
  state.groups.set(group.name, group);
  state.anonymousGroup = group;
  return state;
}

/** What `dynsec init` makes: one client that administers the others, and may watch everything. */
export function initialState(username: string, password: PasswordHash): DynsecState {
  const state = new DynsecState();
  takeUsualDefaults(state);
  const role = new Role('admin');
  const allow = (type: AclType, topic: string) => addAcl(role.acls, type, { topic, priority: 0, allow: true });
  for (const topic of ['$CONTROL/dynamic-security/#', '$SYS/#', '#']) {
    allow('publishClientReceive', topic);
    allow('subscribePattern', topic);
  }
  allow('publishClientSend', '$CONTROL/dynamic-security/#');
  allow('unsubscribePattern', '#');
  state.roles.set(role.name, role);
  addClient(state, username, 'Dynsec admin user', password, [role.name]);
  return state;
}

/** One that nobody can guess. */
export function madeUpPassword(random: (length: number) => Uint8Array): string {
  let password = '';
  while (password.length < PASSWORD_LENGTH) {
    for (const byte of random(PASSWORD_LENGTH)) {
      if (byte >= FAIR_BYTES || password.length === PASSWORD_LENGTH) continue;
      password += PASSWORD_CHARACTERS[byte % PASSWORD_CHARACTERS.length];
    }
  }
  return password;
}

/** Nobody sends or asks for what no role allows; what comes to a client, it may have subscribed to. */
function takeUsualDefaults({ defaults }: DynsecState): void {
  defaults.publishClientReceive = true;
  defaults.unsubscribe = true;
}

function addClient(
  state: DynsecState,
  username: string,
  textName: string,
  password: PasswordHash,
  roles: readonly string[],
): void {
  const client = new Client(username);
  client.textName = textName;
  client.password = password;
  for (const name of roles) {
    const role = state.roles.get(name);
    if (role !== undefined) client.roles.add(role, NO_PRIORITY);
  }
  state.clients.set(username, client);
}
