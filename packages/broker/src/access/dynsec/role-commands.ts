import {
  aclIn,
  aclRightsIn,
  aclsIn,
  type Command,
  type CommandContext,
  CommandError,
  newNameIn,
  optionalTextIn,
  pageOf,
  pageWords,
  roleIn,
} from './command-context.js';
import { roleFields } from './dynsec-file.js';
import { addAcl, byName, Role } from './dynsec-state.js';
import { kickAll } from './group-commands.js';
import { flagIn, textIn, valueIn } from './json-fields.js';

const createRole: Command = (context, fields) => {
  const { state, effects } = context;
  const name = newNameIn(fields, 'rolename');
  const role = new Role(name);
  role.textName = optionalTextIn(fields, 'textname');
  role.textDescription = optionalTextIn(fields, 'textdescription');
  const allowsWildcards = flagIn(fields, 'allowwildcardsubs');
  if (allowsWildcards === undefined && valueIn(fields, 'allowwildcardsubs') !== undefined) {
    throw new CommandError('Invalid allowwildcardsubs');
  }
  role.allowsWildcards = allowsWildcards ?? true;
  if (state.roles.has(name)) throw new CommandError('Role already exists');
  role.acls = aclsIn(fields) ?? role.acls;
  state.roles.set(name, role);
  effects.changed = true;
  context.say(`rolename=${name}`);
  return 'done';
};

const deleteRole: Command = (context, fields) => {
  const role = roleIn(context, fields);
  changed(context, role, '');
  context.state.removeRole(role);
  return 'done';
};

const modifyRole: Command = (context, fields) => {
  const role = roleIn(context, fields, 'Role does not exist');
  const acls = aclsIn(fields);
  const allowsWildcards = flagIn(fields, 'allowwildcardsubs') ?? role.allowsWildcards;
  role.textName = textIn(fields, 'textname') ?? role.textName;
  role.textDescription = textIn(fields, 'textdescription') ?? role.textDescription;
  const isAboutRights = acls !== null || allowsWildcards !== role.allowsWildcards;
  role.acls = acls ?? role.acls;
  role.allowsWildcards = allowsWildcards;
  if (isAboutRights) return changed(context, role, '');
  context.effects.changed = true;
  context.say(`rolename=${role.name}`);
  return 'done';
};

const getRole: Command = (context, fields) => {
  const role = roleIn(context, fields);
  context.say(`rolename=${role.name}`);
  return { command: 'getRole', data: { role: roleFields(role) } };
};

const listRoles: Command = (context, fields) => {
  const roles = byName(context.state.roles.values());
  const { page, isVerbose } = pageOf(roles, fields);
  context.say(pageWords(fields));
  return {
    command: 'listRoles',
    data: { totalCount: roles.length, roles: page.map((role) => (isVerbose ? roleFields(role) : role.name)) },
  };
};

const addRoleACL: Command = (context, fields) => {
  const role = roleIn(context, fields);
  const { type, topic } = aclIn(fields);
  const rights = aclRightsIn(fields);
  if (!addAcl(role.acls, type, { topic, ...rights })) throw new CommandError('ACL with this topic already exists');
  const { priority, allow } = rights;
  return changed(context, role, ` | acltype=${type} | topic=${topic} | priority=${priority} | allow=${allow}`);
};

const removeRoleACL: Command = (context, fields) => {
  const role = roleIn(context, fields);
  const { type, topic } = aclIn(fields);
  const left = role.acls[type].filter((acl) => acl.topic !== topic);
  if (left.length === role.acls[type].length) throw new CommandError('ACL not found');
  role.acls[type] = left;
  return changed(context, role, ` | acltype=${type} | topic=${topic}`);
};

export const ROLE_COMMANDS: Readonly<Record<string, Command>> = {
  createRole,
  modifyRole,
  deleteRole,
  getRole,
  listRoles,
  addRoleACL,
  removeRoleACL,
};

/** What a role allows has changed: those who have it have to connect again. */
function changed(context: CommandContext, role: Role, details: string): 'done' {
  const { effects, state } = context;
  effects.changed = true;
  for (const client of state.clients.values()) if (client.roles.has(role)) effects.kicked.add(client.name);
  for (const group of state.groups.values()) if (group.roles.has(role)) kickAll(context, group);
  context.say(`rolename=${role.name}${details}`);
  return 'done';
}
