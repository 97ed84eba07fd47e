import { resolve } from 'node:path';
import type { ListenerDraft, SecurityDraft } from './draft.js';
import { fateOfPlugin, type PluginDraft } from './plugin-config.js';

/** Something that decides about clients. */
export type AccessPart =
  | { readonly kind: 'password-file'; readonly path: string }
  | { readonly kind: 'acl-file'; readonly path: string };

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
function partOfPlugin({ path, options }: PluginDraft): AccessPart | null {
  const fate = fateOfPlugin(path);
  if (fate.kind !== 'file') return null;
  return { kind: fate.file, path: resolve(options.get(fate.option) ?? '') };
}

/** What a plugin that decides about clients lacks, as a clause behind its line; null: nothing. */
export function lackOfPlugin({ path, options }: PluginDraft): string | null {
  const fate = fateOfPlugin(path);
  if (fate.kind !== 'file' || options.has(fate.option)) return null;
  return `plugin ${path} needs its file: 'plugin_opt_${fate.option} /path/to/file' below it.`;
}
