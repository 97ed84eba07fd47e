import { abuseOptions } from './abuse-options.js';
import { accessOptions } from './access-options.js';
import { aclOptions } from './acl-options.js';
import { authOrderOptions } from './auth-order-options.js';
import { blockOptions } from './block-options.js';
import { bridgeOptions } from './bridge-options.js';
import { bridgeTlsOptions } from './bridge-tls-options.js';
import { clientOptions } from './client-options.js';
import { httpOptions } from './http-options.js';
import { jwtOptions } from './jwt-options.js';
import { listenerOptions } from './listener-options.js';
import { logOptions } from './log-options.js';
import { messageOptions } from './message-options.js';
import type { Option } from './option.js';
import { persistenceOptions } from './persistence-options.js';
import { pluginOptions } from './plugin-options.js';
import { processOptions } from './process-options.js';
import { tlsOptions } from './tls-options.js';
import { transportOptions } from './transport-options.js';

/** Options by theme, in the order of the documentation. */
export const OPTION_GROUPS: readonly { readonly title: string; readonly options: readonly Option[] }[] = [
  { title: 'Files and blocks', options: blockOptions },
  { title: 'Listeners', options: listenerOptions },
  { title: 'Sockets, proxies and WebSocket', options: transportOptions },
  { title: 'TLS', options: tlsOptions },
  { title: 'Clients', options: clientOptions },
  { title: 'Users and rights', options: [...accessOptions, ...aclOptions] },
  { title: 'Tokens (JWT)', options: jwtOptions },
  { title: 'Users and rights by HTTP', options: [...httpOptions, ...authOrderOptions] },
  { title: 'Abuse', options: abuseOptions },
  { title: 'Messages', options: messageOptions },
  { title: 'Data on disk', options: persistenceOptions },
  { title: 'Log', options: logOptions },
  { title: 'Process', options: processOptions },
  { title: 'Bridges', options: [...bridgeOptions, ...bridgeTlsOptions] },
  { title: 'Plugins', options: pluginOptions },
];

/** All options. */
export const OPTIONS: readonly Option[] = OPTION_GROUPS.flatMap(({ options }) => options);

/** What is written for them, aliases too; a name that ends in `*` stands for all that begin so. */
export const OPTION_NAMES: readonly string[] = OPTIONS.flatMap(({ name, aliases }) => [name, ...aliases]);

const byName = new Map(OPTIONS.flatMap((option) => [option.name, ...option.aliases].map((name) => [name, option])));
const families = [...byName].filter(([name]) => name.endsWith('*'));

/** The option that a name or an alias stands for. */
export function findOption(name: string): Option | undefined {
  return byName.get(name) ?? families.find(([family]) => name.startsWith(family.slice(0, -1)))?.[1];
}
