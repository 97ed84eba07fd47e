/** An object of an answer. */
type Fields = Readonly<Record<string, unknown>>;

const PRIORITY = ' (priority: ';
const LABELS_OF_CLIENT = 'Username:'.length;
const LABELS_OF_GROUP = 'Groupname:'.length;
const LABELS_OF_PLUGIN = 'Control endpoints:'.length;
const LABELS_OF_LISTENER = '  Bind address:'.length;

/** What a person is shown of the data of an answer, in the layout of Mosquitto's program, which scripts read. */
export function answerText(command: string, data: unknown): string {
  const fields = fieldsOf(data);
  switch (command) {
    case 'listClients':
      return names(fields.clients, 'username');
    case 'listGroups':
      return names(fields.groups, 'groupname');
    case 'listRoles':
      return names(fields.roles, 'rolename');
    case 'getClient':
      return clientText(fieldsOf(fields.client));
    case 'getGroup':
      return groupText(fieldsOf(fields.group));
    case 'getRole':
      return roleText(fieldsOf(fields.role));
    case 'getDefaultACLAccess':
      return lines(
        listOf(fields.acls).map(
          ({ acltype, allow }) => `${textOf(acltype).padEnd(20)} : ${allow === true ? 'allow' : 'deny'}`,
        ),
      );
    case 'getAnonymousGroup':
      return `${textOf(fieldsOf(fields.group).groupname)}\n`;
    case 'listPlugins':
      return listOf(fields.plugins).map(pluginText).join('\n');
    case 'listListeners':
      return listOf(fields.listeners).map(listenerText).join('\n');
    default:
      return lines(Object.entries(fields).map(([name, value]) => `${name}: ${textOf(value)}`));
  }
}

function clientText(client: Fields): string {
  const { username, clientid, disabled } = client;
  return [
    `${'Username:'.padEnd(LABELS_OF_CLIENT)} ${textOf(username)}\n`,
    clientid === undefined ? 'Clientid:\n' : `Clientid: ${textOf(clientid)}\n`,
    typeof disabled === 'boolean' ? `Disabled: ${disabled}\n` : '',
    rows('Roles:', LABELS_OF_CLIENT, client.roles, 'rolename', true),
    rows('Groups:', LABELS_OF_CLIENT, client.groups, 'groupname', true),
    rows('Connections:', LABELS_OF_CLIENT, client.connections, 'address', false),
  ].join('');
}

function groupText(group: Fields): string {
  const name = `Groupname: ${textOf(group.groupname)}\n`;
  const roles = rows('Roles:', LABELS_OF_GROUP, group.roles, 'rolename', true);
  return `${name}${roles}${rows('Clients:', LABELS_OF_GROUP, group.clients, 'username', false)}`;
}

function roleText({ rolename, acls }: Fields): string {
  const rowsOfAcls = listOf(acls).map(({ acltype, allow, topic, priority = -1 }, index) => {
    const label = index === 0 ? 'ACLs:     ' : '          ';
    const verdict = allow === true ? 'allow' : 'deny ';
    return `${label}${textOf(acltype).padEnd(20)} : ${verdict} : ${textOf(topic)}${PRIORITY}${textOf(priority)})`;
  });
  return lines([`Rolename: ${textOf(rolename)}`, ...rowsOfAcls]);
}

function pluginText(plugin: Fields): string {
  const endpoints = plugin['control-endpoints'];
  const list = Array.isArray(endpoints) ? endpoints : [];
  const label = (index: number): string => (index === 0 ? 'Control endpoints:' : '').padEnd(LABELS_OF_PLUGIN);
  return lines([
    `${'Plugin:'.padEnd(LABELS_OF_PLUGIN)} ${textOf(plugin.name)}`,
    ...list.map((endpoint, index) => `${label(index)} ${textOf(endpoint)}`),
  ]);
}

function listenerText(listener: Fields): string {
  const shown = [
    ['Port', listener.port],
    ['Bind address', listener['bind-address']],
    ['Socket path', listener['socket-path']],
    ['Protocol', listener.protocol],
    ['TLS', listener.tls],
  ] as const;
  const known = shown.filter(([, value]) => value !== undefined);
  return lines([
    'Listener:',
    ...known.map(([label, value]) => `${`  ${label}:`.padEnd(LABELS_OF_LISTENER)} ${textOf(value)}`),
  ]);
}

/** One line for each element, the label in front of the first. */
function rows(label: string, width: number, list: unknown, field: string, hasPriority: boolean): string {
  return lines(
    listOf(list).map((element, index) => {
      const priority = hasPriority ? `${PRIORITY}${textOf(element.priority ?? -1)})` : '';
      return `${(index === 0 ? label : '').padEnd(width)} ${textOf(element[field])}${priority}`;
    }),
  );
}

function names(list: unknown, field: string): string {
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  return lines(items.map((item) => (typeof item === 'string' ? printable(item) : textOf(fieldsOf(item)[field]))));
}

function lines(list: readonly string[]): string {
  return list.map((line) => `${line}\n`).join('');
}

function listOf(list: unknown): readonly Fields[] {
  return Array.isArray(list) ? list.map(fieldsOf) : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return printable(value);
  return value === undefined ? '' : JSON.stringify(value);
}

/** What a broker sends must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
