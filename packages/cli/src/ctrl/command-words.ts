/** Fields of a command besides `command`. */
export type CommandFields = Record<string, unknown>;

/** What can be typed for an argument, for the completion. */
export type Choice = 'client' | 'group' | 'role' | readonly string[];

/** One command, as a person types it. */
export interface WordCommand {
  /** What follows the name. */
  readonly usage: string;
  readonly doc: string;
  /** What each argument can be, as far as that is known; null: anything. */
  readonly choices: readonly (Choice | null)[];
  /** The field that gets a password which has to be asked for if it is not among the arguments. */
  readonly asksFor?: 'password';
  /** An empty line then means that there is to be none. */
  readonly isFineWithout?: true;
  /** Null: the arguments make no sense. `isShell`: they were typed in the shell, where some stand in another order. */
  read(args: readonly string[], isShell: boolean): CommandFields | null;
}

const ACL_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribeLiteral',
  'subscribePattern',
  'unsubscribeLiteral',
  'unsubscribePattern',
];
const DEFAULT_TYPES = ['publishClientSend', 'publishClientReceive', 'subscribe', 'unsubscribe'];
const VERDICTS = ['allow', 'deny'];
const NUMBERS = ['priority', 'count', 'offset'];
const CHOICES: Readonly<Record<string, Choice>> = { username: 'client', groupname: 'group', rolename: 'role' };

/** Those of dynamic security, by name. */
export const DYNSEC_COMMANDS: Readonly<Record<string, WordCommand>> = {
  getDefaultACLAccess: plain('', 'Shows what holds where no ACL matches.'),
  setDefaultACLAccess: {
    usage: 'ACLTYPE allow|deny',
    doc: 'Sets what holds where no ACL matches.',
    choices: [DEFAULT_TYPES, VERDICTS],
    read([acltype, verdict, ...more]) {
      const allow = verdictOf(verdict);
      if (allow === null || more.length > 0 || !isOneOf(acltype, DEFAULT_TYPES)) return null;
      return { acls: [{ acltype, allow }] };
    },
  },
  getAnonymousGroup: plain('', 'Shows whose roles clients without a user name have.'),
  setAnonymousGroup: plain('groupname', 'Sets whose roles clients without a user name have.'),
  getDetails: plain('', 'Shows how many clients, groups and roles there are.'),

  createClient: {
    usage: 'USERNAME [-i CLIENTID] [-p PASSWORD]',
    doc: 'Makes a client. In the shell: USERNAME [PASSWORD [CLIENTID]].',
    choices: [null],
    asksFor: 'password',
    isFineWithout: true,
    read: (args, isShell) => (isShell ? readShellClient(args) : readClient(args)),
  },
  deleteClient: plain('username', 'Deletes a client.'),
  setClientPassword: { ...plain('username password?', 'Sets the password of a client.'), asksFor: 'password' },
  setClientId: plain('username clientid?', 'Sets the only client id that a client may have; without one, any.'),
  addClientRole: plain('username rolename priority?', 'Gives a role to a client; higher priorities are asked first.'),
  removeClientRole: plain('username rolename', 'Takes a role from a client.'),
  getClient: plain('username', 'Shows a client.'),
  listClients: plain('count? offset?', 'Lists the clients.'),
  enableClient: plain('username', 'Lets a client in again.'),
  disableClient: plain('username', 'Keeps a client out.'),
  modifyClient: textual('username', ['textName', 'textDescription'], 'Describes a client.'),

  createGroup: plain('groupname', 'Makes a group.'),
  deleteGroup: plain('groupname', 'Deletes a group.'),
  addGroupRole: plain('groupname rolename priority?', 'Gives a role to the members of a group.'),
  removeGroupRole: plain('groupname rolename', 'Takes a role from a group.'),
  addGroupClient: plain('groupname username priority?', 'Makes a client a member; the priority is that of the group.'),
  removeGroupClient: plain('groupname username', 'Takes a client out of a group.'),
  getGroup: plain('groupname', 'Shows a group.'),
  listGroups: plain('count? offset?', 'Lists the groups.'),
  modifyGroup: textual('groupname', ['textName', 'textDescription'], 'Describes a group.'),

  createRole: plain('rolename', 'Makes a role.'),
  deleteRole: plain('rolename', 'Deletes a role.'),
  addRoleACL: {
    usage: 'ROLENAME ACLTYPE TOPICFILTER allow|deny [PRIORITY]',
    doc: 'Adds an ACL to a role. In the shell: ROLENAME ACLTYPE allow|deny [PRIORITY] TOPICFILTER.',
    choices: ['role', ACL_TYPES, VERDICTS],
    read: readAcl,
  },
  removeRoleACL: {
    ...plain('rolename acltype topic', 'Takes an ACL from a role.'),
    choices: ['role', ACL_TYPES],
  },
  getRole: plain('rolename', 'Shows a role.'),
  listRoles: plain('count? offset?', 'Lists the roles.'),
  modifyRole: textual(
    'rolename',
    ['allowWildcardSubs', 'textName', 'textDescription'],
    'Describes a role, or says whether it allows subscriptions with wildcards (true or false).',
  ),
};

/** Those of the broker itself, by name. */
export const BROKER_COMMANDS: Readonly<Record<string, WordCommand>> = {
  listPlugins: plain('', 'Lists what stands in for plugins.'),
  listListeners: plain('', 'Lists the listeners.'),
};

/** The entry of a table, in whatever case its name is typed; null: there is none. */
export function commandNamed(
  table: Readonly<Record<string, WordCommand>>,
  typed: string,
): { name: string; command: WordCommand } | null {
  const name = Object.keys(table).find((candidate) => candidate.toLowerCase() === typed.toLowerCase());
  return name === undefined ? null : { name, command: table[name] };
}

/** A command whose arguments are fields in their order: `username rolename priority?`. */
function plain(parameters: string, doc: string): WordCommand {
  const names = parameters.split(' ').filter((name) => name !== '');
  const fields = names.map((name) => name.replace('?', ''));
  const needed = names.filter((name) => !name.endsWith('?')).length;
  return {
    usage: names.map((name) => (name.endsWith('?') ? `[${fieldWord(name)}]` : fieldWord(name))).join(' '),
    doc,
    choices: fields.map((field) => CHOICES[field] ?? null),
    read(args) {
      if (args.length < needed || args.length > fields.length) return null;
      const read: CommandFields = {};
      for (const [index, text] of args.entries()) {
        const field = fields[index];
        const value = NUMBERS.includes(field) ? integerOf(text) : text;
        if (value === null || (field === 'acltype' && !isOneOf(text, ACL_TYPES))) return null;
        read[field] = value;
      }
      return read;
    },
  };
}

function fieldWord(name: string): string {
  return name.replace('?', '').toUpperCase();
}

/** A command that sets one property: `NAME PROPERTY VALUE...`. */
function textual(field: string, properties: readonly string[], doc: string): WordCommand {
  return {
    usage: `${field.toUpperCase()} ${properties.join('|')} VALUE`,
    doc,
    choices: [CHOICES[field], properties],
    read([name, typed = '', ...words]) {
      const property = properties.find((candidate) => candidate.toLowerCase() === typed.toLowerCase());
      if (property === undefined || words.length === 0) return null;
      const text = words.join(' ');
      if (property !== 'allowWildcardSubs') return { [field]: name, [property.toLowerCase()]: text };
      return text === 'true' || text === 'false' ? { [field]: name, allowwildcardsubs: text === 'true' } : null;
    },
  };
}

function readClient([username, ...options]: readonly string[]): CommandFields | null {
  const fields: CommandFields = { username };
  if (username === undefined || options.length % 2 !== 0) return null;
  for (let at = 0; at < options.length; at += 2) {
    const [flag, value] = options.slice(at, at + 2);
    // -c is what Mosquitto 2.0 called it.
    if (flag === '-i' || flag === '-c') fields.clientid = value;
    else if (flag === '-p') fields.password = value;
    else return null;
  }
  return fields;
}

function readShellClient([username, password, clientid, ...more]: readonly string[]): CommandFields | null {
  if (username === undefined || more.length > 0) return null;
  return { username, ...(password !== undefined && { password }), ...(clientid !== undefined && { clientid }) };
}

function readAcl(args: readonly string[], isShell: boolean): CommandFields | null {
  const [rolename, acltype, ...rest] = args;
  if (rest.length < 2 || rest.length > 3 || !isOneOf(acltype, ACL_TYPES)) return null;
  const [topic, verdict, number] = isShell
    ? [rest[rest.length - 1], rest[0], rest.length === 3 ? rest[1] : undefined]
    : rest;
  const allow = verdictOf(verdict);
  const priority = number === undefined ? undefined : integerOf(number);
  if (allow === null || priority === null) return null;
  return { rolename, acltype, topic, ...(priority !== undefined && { priority }), allow };
}

function verdictOf(text: string | undefined): boolean | null {
  if (!isOneOf(text, VERDICTS)) return null;
  return text?.toLowerCase() === 'allow';
}

function isOneOf(text: string | undefined, words: readonly string[]): boolean {
  return words.some((word) => word.toLowerCase() === text?.toLowerCase());
}

function integerOf(text: string): number | null {
  return /^-?\d{1,9}$/.test(text) ? Number(text) : null;
}
