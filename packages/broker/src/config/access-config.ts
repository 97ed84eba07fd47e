import { resolve } from 'node:path';
import type { ListenerDraft, SecurityDraft } from './draft.js';
import { fateOfPlugin, type PluginDraft } from './plugin-config.js';

/** Something that decides about clients. */
export type AccessPart =
  | { readonly kind: 'password-file'; readonly path: string }
  | { readonly kind: 'acl-file'; readonly path: string }
  | DynsecPart;

/** Clients, groups and roles that are administered while the broker runs. */
export interface DynsecPart {
  readonly kind: 'dynamic-security';
  /** Where they are kept. */
  readonly path: string;
  /** Has the administrator's password for a file that is made; null: nothing was said. */
  readonly passwordInitFile: string | null;
  /** Whether clients with + or # in their id or user name get no access. */
  readonly deniesSpecialChars: boolean;
}

/** The parts that decide about the clients of some listeners, in the order in which they are asked. */
export type AccessParts = readonly AccessPart[];

/**
 * What decides about the clients of one listener, or of all: first the plugins in the order of their lines, then
 * `password_file` and `acl_file`.
 * @param listener null: nothing is said about one listener alone
 */
export function accessPartsOf(
  listener: ListenerDraft | null,
  security: SecurityDraft,
  plugins: readonly PluginDraft[],
): AccessParts {
  const parts: AccessPart[] = [];
  for (const plugin of plugins) {
    if (plugin.listeners !== null && listener !== null && !plugin.listeners.includes(listener)) continue;
    const part = partOfPlugin(plugin);
    if (part !== null) parts.push(part);
  }
  const { passwordFile, aclFile } = security;
  if (passwordFile !== null) parts.push({ kind: 'password-file', path: resolve(passwordFile) });
  if (aclFile !== null) parts.push({ kind: 'acl-file', path: resolve(aclFile) });
  return parts;
}

/** Null: it does not decide about clients. */
function partOfPlugin({ path, options, deniesSpecialChars }: PluginDraft): AccessPart | null {
  const fate = fateOfPlugin(path);
  if (fate.kind !== 'access') return null;
  const file = resolve(options.get(fate.option) ?? '');
  if (fate.part !== 'dynamic-security') return { kind: fate.part, path: file };
  const init = options.get('password_init_file');
  const passwordInitFile = init === undefined ? null : resolve(init);
  return { kind: fate.part, path: file, passwordInitFile, deniesSpecialChars };
}

/** What a plugin that decides about clients lacks, as a clause behind its line; null: nothing. */
export function lackOfPlugin({ path, options }: PluginDraft): string | null {
  const fate = fateOfPlugin(path);
  if (fate.kind !== 'access' || options.has(fate.option)) return null;
  return `plugin ${path} needs its file: 'plugin_opt_${fate.option} /path/to/file' below it.`;
}

/** Whether a plugin is Mosquitto's for clients, groups and roles. */
export function isDynamicSecurity(path: string): boolean {
  const fate = fateOfPlugin(path);
  return fate.kind === 'access' && fate.part === 'dynamic-security';
}
