import type { BridgeDraft } from './bridge-draft.js';
import type { ConfigDraft, ListenerDraft, SecurityDraft } from './draft.js';
import type { OptionType } from './option-types.js';
import type { Origin } from './parse.js';
import type { PluginDraft } from './plugin-config.js';

/**
 * What an option belongs to: the broker; the `listener` line above it, or the default listener if there is none; either
 * of the two, for `security`: the broker, and with `per_listener_settings true` the listener; the `connection` line or
 * the plugin above it; or, for `file`, the order of lines itself.
 */
export type Scope = 'file' | 'broker' | 'security' | 'listener' | 'bridge' | 'plugin';

/** What a line begins that later lines belong to. The three go on beside each other: one does not end another. */
export type BlockKind = 'listener' | 'bridge' | 'plugin';

/** What becomes of an option that was given. */
export type Status =
  | { readonly kind: 'works' }
  /** It is taken and has no effect. `why` completes the sentence `It has no effect: ...`. */
  | { readonly kind: 'ignored'; readonly why: string }
  /** It is checked and has no effect yet, which is said at the start. `part`: what it needs, such as `bridges`. */
  | { readonly kind: 'planned'; readonly part: string }
  /** The broker does not start with it. `instead` says, after the option's name, why and what to do. */
  | { readonly kind: 'refused'; readonly instead: string };

/** The places where values go: those that the present line belongs to. */
export interface Place {
  readonly origin: Origin;
  /** The option's name as it stands there: an alias, or one of a family such as `plugin_opt_*`. */
  readonly written: string;
  readonly config: ConfigDraft;
  readonly security: SecurityDraft;
  readonly listener: ListenerDraft;
  readonly bridge: BridgeDraft;
  readonly plugin: PluginDraft;
  readonly blocks: Blocks;
}

/** What lines of the scope `file` do. A text says what is wrong. */
export interface Blocks {
  beginListener(listener: ListenerDraft): void;
  beginBridge(bridge: BridgeDraft): string | undefined;
  /** `isForAll`: whatever `per_listener_settings` says. */
  beginPlugin(plugin: PluginDraft, isForAll: boolean): void;
  /** Only gives a plugin its name; `usePlugin` is what makes a listener use it. */
  loadPlugin(plugin: PluginDraft): string | undefined;
  usePlugin(name: string): string | undefined;
  /** Reads the files of a folder, named as from the file that the line stands in. */
  include(folder: string): void;
}

/** One row of the table from which the parser, its messages, `cauldron config` and the documentation are made. */
export interface Option {
  readonly name: string;
  /** Older or other names of the same option. */
  readonly aliases: readonly string[];
  readonly scope: Scope;
  /** See `OptionType`; so are the next three. */
  readonly kind: string;
  readonly unit: string;
  readonly range: string;
  /** Completes the sentence `must be ...`. */
  readonly expects: string;
  /** As it would be written, where it can be; otherwise in words. */
  readonly default: string;
  /** Whether a changed value takes effect while the broker runs. */
  readonly reloadable: boolean;
  /** Whether several lines of it add up; otherwise the last one counts. */
  readonly isRepeatable: boolean;
  readonly status: Status;
  /** What the line begins; null: nothing. */
  readonly begins: BlockKind | null;
  /** Never shown to anybody. */
  readonly isSecret: boolean;
  /** A value, as it could be written. */
  readonly example: string;
  /** What to write instead, as a sentence; null: nothing speaks against it. */
  readonly deprecated: string | null;
  /** In what it differs from Mosquitto 2.1, as a sentence; null: in nothing. */
  readonly deviation: string | null;
  /** Mosquitto does not have it. */
  readonly isOwn: boolean;
  readonly doc: string;
  /** Puts the value in its place. False: the value is not what `expects` says. A text: what else is wrong with it. */
  apply(value: string, place: Place): boolean | string;
}

/** What all rows have. */
interface Row {
  readonly default: string;
  readonly doc: string;
  readonly aliases?: readonly string[];
  readonly reloadable?: boolean;
  readonly isRepeatable?: boolean;
  readonly status?: Status;
  readonly begins?: BlockKind;
  readonly isSecret?: boolean;
  /** Needed where neither the type nor the default is one. */
  readonly example?: string;
  readonly deprecated?: string;
  readonly deviation?: string;
  readonly isOwn?: boolean;
}

/** What is done with a value. A text that it returns says what is wrong with the value beyond its type. */
type Setter<Target, T> = (target: Target, value: T) => void;

/** A row for the broker as a whole. */
export function broker<T>(name: string, type: OptionType<T>, row: Row & { set: Setter<ConfigDraft, T> }): Option {
  return option(name, 'broker', type, row, ({ config }, value) => row.set(config, value));
}

/** A row for the broker, or with `per_listener_settings true` for one listener. */
export function security<T>(name: string, type: OptionType<T>, row: Row & { set: Setter<SecurityDraft, T> }): Option {
  return option(name, 'security', type, row, (place, value) => row.set(place.security, value));
}

/** A row about the order of lines: what begins a block, or brings in other files. */
export function line<T>(name: string, type: OptionType<T>, row: Row & { set: Setter<Place, T> }): Option {
  return option(name, 'file', type, row, row.set);
}

/** A row for one bridge. */
export function bridge<T>(name: string, type: OptionType<T>, row: Row & { set: Setter<BridgeDraft, T> }): Option {
  const status: Status = { kind: 'planned', part: 'bridges' };
  return option(name, 'bridge', type, { status, ...row }, (place, value) => row.set(place.bridge, value));
}

/** A row for one plugin. */
export function plugin<T>(name: string, type: OptionType<T>, row: Row & { set: Setter<Place, T> }): Option {
  return option(name, 'plugin', type, row, row.set);
}

/** A row for one listener. */
export function perListener<T>(
  name: string,
  type: OptionType<T>,
  row: Row & { set: Setter<ListenerDraft, T> },
): Option {
  return option(name, 'listener', type, row, ({ listener }, value) => row.set(listener, value));
}

/** Kinds whose values are made of words without a #. */
const KINDS_OF_WORDS: ReadonlySet<string> = new Set(['choice', 'duration', 'flag', 'list', 'number', 'size']);

/** What is said by the text behind an option's name: a # behind a word begins a comment, as it does for Mosquitto. */
export function saidValue({ kind }: Option, text: string): string {
  return KINDS_OF_WORDS.has(kind) ? text.replace(/\s+#.*$/, '') : text;
}

function option<T>(name: string, scope: Scope, type: OptionType<T>, row: Row, set: Setter<Place, T>): Option {
  return {
    name,
    aliases: row.aliases ?? [],
    scope,
    kind: type.kind,
    unit: type.unit,
    range: type.range,
    expects: type.expects,
    default: row.default,
    reloadable: row.reloadable ?? true,
    isRepeatable: row.isRepeatable ?? false,
    status: row.status ?? { kind: 'works' },
    begins: row.begins ?? null,
    isSecret: row.isSecret ?? false,
    example: row.example ?? exampleOf(type, row.default),
    deprecated: row.deprecated ?? null,
    deviation: row.deviation ?? null,
    isOwn: row.isOwn ?? false,
    doc: row.doc,
    apply(value, place) {
      const read = type.read(value);
      if (read === undefined) return false;
      const problem: unknown = set(place, read);
      return typeof problem !== 'string' || problem;
    },
  };
}

/** The default if it can be written so, else what the type knows. */
function exampleOf<T>(type: OptionType<T>, defaultValue: string): string {
  if (type.example !== undefined) return type.example;
  return KINDS_OF_WORDS.has(type.kind) && type.read(defaultValue) !== undefined ? defaultValue : 'TEXT';
}
