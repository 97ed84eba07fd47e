import type { AccessPart } from './access-config.js';
import type { ListenerDraft } from './draft.js';
import type { Origin } from './parse.js';

/** A plugin of Mosquitto that a configuration asks for. */
export interface PluginConfig {
  /** Where its line stands. */
  readonly origin: Origin;
  readonly path: string;
  /** Given by `plugin_load`; null: it has none. */
  readonly name: string | null;
  /** `plugin_opt_KEY VALUE`, in their order. */
  readonly options: ReadonlyMap<string, string>;
  /** Whether clients with + or # in their id or user name get no access. */
  readonly deniesSpecialChars: boolean;
  /** Where the listeners that use it stand in `BrokerConfig.listeners`; null: all of them. */
  readonly listeners: readonly number[] | null;
}

/** A plugin while its options are read. */
export interface PluginDraft {
  readonly origin: Origin;
  readonly path: string;
  readonly name: string | null;
  readonly options: Map<string, string>;
  deniesSpecialChars: boolean;
  /** Null: all of them. */
  listeners: ListenerDraft[] | null;
}

export function newPluginDraft(path: string, name: string | null, origin: Origin): PluginDraft {
  return { origin, path, name, options: new Map(), deniesSpecialChars: true, listeners: [] };
}

/** What becomes of a plugin that a configuration asks for: the broker cannot load the files of Mosquitto. */
export type PluginFate =
  /** The broker does the same itself, and keeps its data on disk. */
  | { readonly kind: 'persistence' }
  /** The broker decides about clients in the same way; `option` of the plugin names the file for it. */
  | { readonly kind: 'access'; readonly part: AccessPart['kind']; readonly option: string }
  /** It guards nothing, and is done without until the broker can do the same. */
  | { readonly kind: 'planned'; readonly what: string }
  /** `why` completes the sentence `plugin PATH ...`. */
  | { readonly kind: 'refused'; readonly why: string };

const REMOVE = 'Remove the line and its plugin_opt_ lines if the broker may run without it';

/** By the names of the files that come with Mosquitto, without their ending. */
const FATES: ReadonlyMap<string, PluginFate> = new Map<string, PluginFate>([
  ['mosquitto_acl_file', { kind: 'access', part: 'acl-file', option: 'acl_file' }],
  ['mosquitto_password_file', { kind: 'access', part: 'password-file', option: 'password_file' }],
  ['mosquitto_dynamic_security', { kind: 'access', part: 'dynamic-security', option: 'config_file' }],
  ['mosquitto_persist_sqlite', { kind: 'persistence' }],
  ['mosquitto_sparkplug_aware', { kind: 'planned', what: 'does not look into Sparkplug messages' }],
]);

export function fateOfPlugin(path: string): PluginFate {
  const [, base = ''] = /([^/\\]*?)(?:\.(?:so|dll|dylib)[\d.]*)?$/.exec(path) ?? [];
  const why = `cannot be loaded: it is compiled for Mosquitto. ${REMOVE}; a program that embeds the broker can do the same with its own Authenticator, Authorizer or hooks`;
  return FATES.get(base) ?? { kind: 'refused', why };
}
