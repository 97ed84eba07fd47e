import {
  type Command,
  type CommandContext,
  CommandError,
  clientIn,
  groupIn,
  membersIn,
  nameIn,
  newNameIn,
  optionalTextIn,
  pageOf,
  pageWords,
  roleIn,
  rolesIn,
} from './command-context.js';
import { priorityIn, rolesOf, textsOf } from './dynsec-file.js';
import { byName, Group } from './dynsec-state.js';
import { textIn } from './json-fields.js';

const createGroup: Command = (context, fields) => {
  const { state, effects } = context;
  const name = newNameIn(fields, 'groupname');
  const group = new Group(name);
  group.textName = optionalTextIn(fields, 'textname');
  group.textDescription = optionalTextIn(fields, 'textdescription');
  if (state.groups.has(name)) throw new CommandError('Group already exists');
  for (const { item, priority } of rolesIn(context, fields) ?? []) group.roles.add(item, priority);
  state.groups.set(name, group);
  effects.changed = true;
  context.say(`groupname=${name}`);
  return 'done';
};

const deleteGroup: Command = (context, fields) => {
  const { state } = context;
  const group = groupIn(context, fields);
  if (group === state.anonymousGroup) throw new CommandError('Deleting the anonymous group is forbidden');
  changed(context, group, '');
  state.removeGroup(group);
  return 'done';
};

const modifyGroup: Command = (context, fields) => {
  const { state } = context;
  const group = groupIn(context, fields);
  // All that can be wrong comes before anything is changed.
  const roles = rolesIn(context, fields);
  const members = membersIn(context, fields);
  group.textName = textIn(fields, 'textname') ?? group.textName;
  group.textDescription = textIn(fields, 'textdescription') ?? group.textDescription;
  if (roles !== null) {
    group.roles.clear();
    for (const { item, priority } of roles) group.roles.add(item, priority);
  }
  if (members !== null) {
    kickAll(context, group);
    for (const client of [...group.members.keys()]) state.removeMember(group, client);
    for (const { item, priority } of members) state.addMember(group, item, priority);
  }
  return changed(context, group, '');
};

const getGroup: Command = (context, fields) => {
  const group = groupIn(context, fields);
  context.say(`groupname=${group.name}`);
  return { command: 'getGroup', data: { group: groupFields(group) } };
};

const listGroups: Command = (context, fields) => {
  const groups = byName(context.state.groups.values());
  const { page, isVerbose } = pageOf(groups, fields);
  context.say(pageWords(fields));
  return {
    command: 'listGroups',
    data: {
      totalCount: groups.length,
      groups: page.map((group) => (isVerbose ? groupFields(group) : group.name)),
    },
  };
};

const addGroupClient: Command = (context, fields) => {
  const { effects, state } = context;
  nameIn(fields, 'username');
  nameIn(fields, 'groupname');
  const client = clientIn(context, fields);
  const group = groupIn(context, fields);
  const priority = priorityIn(fields);
  if (!state.addMember(group, client, priority)) throw new CommandError('Client is already in this group');
  effects.changed = true;
  effects.kicked.add(client.name);
  context.say(`groupname=${group.name} | username=${client.name} | priority=${priority}`);
  return 'done';
};

const removeGroupClient: Command = (context, fields) => {
  const { effects, state } = context;
  nameIn(fields, 'username');
  nameIn(fields, 'groupname');
  const client = clientIn(context, fields);
  const group = groupIn(context, fields);
  state.removeMember(group, client);
  effects.changed = true;
  effects.kicked.add(client.name);
  context.say(`groupname=${group.name} | username=${client.name}`);
  return 'done';
};

const addGroupRole: Command = (context, fields) => {
  nameIn(fields, 'groupname');
  nameIn(fields, 'rolename');
  const group = groupIn(context, fields);
  const role = roleIn(context, fields);
  const priority = priorityIn(fields);
  if (!group.roles.add(role, priority)) throw new CommandError('Group is already in this role');
  return changed(context, group, ` | rolename=${role.name} | priority=${priority}`);
};

const removeGroupRole: Command = (context, fields) => {
  nameIn(fields, 'groupname');
  nameIn(fields, 'rolename');
  const group = groupIn(context, fields);
  const role = roleIn(context, fields);
  group.roles.remove(role);
  return changed(context, group, ` | rolename=${role.name}`);
};

const setAnonymousGroup: Command = (context, fields) => {
  const { effects, state } = context;
  const group = groupIn(context, fields);
  state.anonymousGroup = group;
  effects.changed = true;
  effects.kicked.add(undefined);
  context.say(`groupname=${group.name}`);
  return 'done';
};

const getAnonymousGroup: Command = ({ state, say }) => {
  say('');
  return { command: 'getAnonymousGroup', data: { group: { groupname: state.anonymousGroup?.name ?? '' } } };
};

export const GROUP_COMMANDS: Readonly<Record<string, Command>> = {
  createGroup,
  modifyGroup,
  deleteGroup,
  getGroup,
  listGroups,
  addGroupClient,
  removeGroupClient,
  addGroupRole,
  removeGroupRole,
  setAnonymousGroup,
  getAnonymousGroup,
};

/** Something about a group has changed: its members have to connect again. */
function changed(context: CommandContext, group: Group, details: string): 'done' {
  context.effects.changed = true;
  kickAll(context, group);
  context.say(`groupname=${group.name}${details}`);
  return 'done';
}

/** Those who have roles by this group. */
export function kickAll({ effects, state }: CommandContext, group: Group): void {
  if (group === state.anonymousGroup) effects.kicked.add(undefined);
  for (const { name } of group.members.keys()) effects.kicked.add(name);
}

function groupFields(group: Group): object {
  return {
    groupname: group.name,
    ...textsOf(group),
    clients: byName(group.members.keys()).map(({ name }) => ({ username: name })),
    roles: rolesOf(group.roles),
  };
}
