import type { ControlOutcome } from '../../core/ports/control.js';
import {
  type Command,
  type CommandContext,
  CommandError,
  clientIdIn,
  clientIn,
  groupsIn,
  nameIn,
  newNameIn,
  optionalTextIn,
  pageOf,
  pageWords,
  roleIn,
  rolesIn,
} from './command-context.js';
import { priorityField, priorityIn, rolesOf, textsOf } from './dynsec-file.js';
import { byName, Client } from './dynsec-state.js';
import { textIn } from './json-fields.js';

const createClient: Command = async (context, fields): Promise<ControlOutcome> => {
  const { state, effects } = context;
  const username = newNameIn(fields, 'username');
  const password = optionalTextIn(fields, 'password');
  const client = new Client(username);
  client.clientId = clientIdIn(fields, 'client id');
  client.textName = optionalTextIn(fields, 'textname');
  client.textDescription = optionalTextIn(fields, 'textdescription');
  if (state.clients.has(username)) throw new CommandError('Client already exists');
  const roles = rolesIn(context, fields) ?? [];
  const groups = groupsIn(context, fields, 'Group not found') ?? [];
  // Without a password nobody gets in by that name.
  if (password !== null && password !== '') client.password = await context.hash(password);
  for (const { item, priority } of roles) client.roles.add(item, priority);
  for (const { item, priority } of groups) state.addMember(item, client, priority);
  state.clients.set(username, client);
  effects.changed = true;
  context.say(`username=${username} | password=${password === null ? 'no password' : '*****'}`);
  return 'done';
};

const deleteClient: Command = (context, fields) => {
  const client = clientIn(context, fields);
  context.state.removeClient(client);
  return changed(context, client, '');
};

const enableClient: Command = (context, fields) => {
  const client = clientIn(context, fields);
  client.disabled = false;
  context.effects.changed = true;
  context.say(`username=${client.name}`);
  return 'done';
};

const disableClient: Command = (context, fields) => {
  const client = clientIn(context, fields);
  client.disabled = true;
  return changed(context, client, '');
};

const setClientId: Command = (context, fields) => {
  nameIn(fields, 'username');
  const clientId = clientIdIn(fields, 'client ID');
  const client = clientIn(context, fields);
  client.clientId = clientId;
  return changed(context, client, ` | clientid=${clientId ?? ''}`);
};

const setClientPassword: Command = async (context, fields) => {
  nameIn(fields, 'username');
  const password = textIn(fields, 'password');
  if (password === undefined) throw new CommandError('Invalid/missing password');
  if (password === '') throw new CommandError('Empty password is not allowed');
  const client = clientIn(context, fields);
  client.password = await context.hash(password);
  client.unusablePassword = null;
  return changed(context, client, ' | password=******');
};

const modifyClient: Command = async (context, fields) => {
  const { state } = context;
  const client = clientIn(context, fields);
  // All that can be wrong comes before anything is changed.
  const hasClientId = textIn(fields, 'clientid') !== undefined;
  const clientId = clientIdIn(fields, 'client id');
  const password = textIn(fields, 'password') ?? '';
  const roles = rolesIn(context, fields);
  const groups = groupsIn(context, fields);
  const hash = password === '' ? null : await context.hash(password);
  if (hasClientId) client.clientId = clientId;
  client.textName = textIn(fields, 'textname') ?? client.textName;
  client.textDescription = textIn(fields, 'textdescription') ?? client.textDescription;
  if (hash !== null) {
    client.password = hash;
    client.unusablePassword = null;
  }
  if (roles !== null) {
    client.roles.clear();
    for (const { item, priority } of roles) client.roles.add(item, priority);
  }
  if (groups !== null) {
    for (const { item } of [...client.groups.all]) state.removeMember(item, client);
    for (const { item, priority } of groups) state.addMember(item, client, priority);
  }
  return changed(context, client, '');
};

const getClient: Command = (context, fields) => {
  const client = clientIn(context, fields);
  context.say(`username=${client.name}`);
  return { command: 'getClient', data: { client: clientFields(context, client) } };
};

const listClients: Command = (context, fields) => {
  const clients = byName(context.state.clients.values());
  const { page, isVerbose } = pageOf(clients, fields);
  context.say(pageWords(fields));
  return {
    command: 'listClients',
    data: {
      totalCount: clients.length,
      clients: page.map((client) => (isVerbose ? clientFields(context, client) : client.name)),
    },
  };
};

const addClientRole: Command = (context, fields) => {
  nameIn(fields, 'username');
  nameIn(fields, 'rolename');
  const client = clientIn(context, fields);
  const role = roleIn(context, fields);
  const priority = priorityIn(fields);
  // Mosquitto has no better words for it.
  if (!client.roles.add(role, priority)) throw new CommandError('Internal error');
  return changed(context, client, ` | rolename=${role.name} | priority=${priority}`);
};

const removeClientRole: Command = (context, fields) => {
  nameIn(fields, 'username');
  nameIn(fields, 'rolename');
  const client = clientIn(context, fields);
  const role = roleIn(context, fields);
  client.roles.remove(role);
  return changed(context, client, ` | rolename=${role.name}`);
};

export const CLIENT_COMMANDS: Readonly<Record<string, Command>> = {
  createClient,
  modifyClient,
  deleteClient,
  enableClient,
  disableClient,
  getClient,
  listClients,
  setClientId,
  setClientPassword,
  addClientRole,
  removeClientRole,
};

/** Something about a client has changed: it has to connect again, so that what holds now holds for it. */
function changed({ effects, say }: CommandContext, { name }: Client, details: string): 'done' {
  effects.changed = true;
  effects.kicked.add(name);
  say(`username=${name}${details}`);
  return 'done';
}

function clientFields({ addressesOf }: CommandContext, client: Client): object {
  return {
    username: client.name,
    ...(client.clientId !== null && { clientid: client.clientId }),
    ...textsOf(client),
    ...(client.disabled && { disabled: true }),
    roles: rolesOf(client.roles),
    groups: client.groups.all.map(({ item, priority }) => ({ groupname: item.name, ...priorityField(priority) })),
    connections: addressesOf(client.name, client.clientId).map((address) => ({ address })),
  };
}
