import { type Command, CommandError } from './command-context.js';
import { DEFAULT_TYPES } from './dynsec-state.js';
import { flagIn, isFields, listIn, textIn } from './json-fields.js';

const setDefaultACLAccess: Command = ({ effects, state, say }, fields) => {
  const list = listIn(fields, 'acls');
  if (list === undefined) throw new CommandError('Missing/invalid actions array');
  for (const item of list.filter(isFields)) {
    const written = textIn(item, 'acltype')?.toLowerCase();
    const type = DEFAULT_TYPES.find((candidate) => candidate.toLowerCase() === written);
    const allow = flagIn(item, 'allow');
    if (type === undefined || allow === undefined) continue;
    state.defaults[type] = allow;
    say(`acltype=${type} | allow=${allow}`);
  }
  effects.changed = true;
  return 'done';
};

const getDefaultACLAccess: Command = ({ state, say }) => {
  say('');
  const acls = DEFAULT_TYPES.map((acltype) => ({ acltype, allow: state.defaults[acltype] }));
  return { command: 'getDefaultACLAccess', data: { acls } };
};

const getDetails: Command = ({ state, say }) => {
  say('');
  const { changeIndex, clients, groups, roles } = state;
  return {
    command: 'getDetails',
    data: { clientCount: clients.size, groupCount: groups.size, roleCount: roles.size, changeIndex },
  };
};

export const GENERAL_COMMANDS: Readonly<Record<string, Command>> = {
  setDefaultACLAccess,
  getDefaultACLAccess,
  getDetails,
};
