import type { ConfigDraft, ListenerDraft } from './draft.js';
import type { OptionType } from './option-types.js';

/** One row of the table from which the parser, its messages and the documentation are made. */
export interface Option {
  readonly name: string;
  /** Older or other names of the same option. */
  readonly aliases: readonly string[];
  /** `listener`: belongs to the `listener` line above it, or to the default listener if there is none. */
  readonly scope: 'broker' | 'listener';
  /** Completes the sentence `must be ...`. */
  readonly expects: string;
  /** As it would be written. */
  readonly default: string;
  /** Whether SIGHUP makes a changed value take effect. */
  readonly reloadable: boolean;
  readonly doc: string;
  /** Puts the value in its place. False: the value is not what `expects` says. A text: what else is wrong with it. */
  apply(value: string, config: ConfigDraft, listener: ListenerDraft): boolean | string;
}

interface Row {
  readonly default: string;
  readonly doc: string;
  readonly aliases?: readonly string[];
  readonly reloadable?: boolean;
}
interface BrokerRow<T> extends Row {
  readonly set: (config: ConfigDraft, value: T) => string | undefined;
}
interface ListenerRow<T> extends Row {
  readonly set: (listener: ListenerDraft, value: T) => void;
}

/** A row for the broker as a whole. */
export function broker<T>(name: string, type: OptionType<T>, row: BrokerRow<T>): Option {
  return {
    name,
    aliases: row.aliases ?? [],
    scope: 'broker',
    expects: type.expects,
    default: row.default,
    reloadable: row.reloadable ?? true,
    doc: row.doc,
    apply(value, config) {
      const read = type.read(value);
      return read !== undefined && (row.set(config, read) ?? true);
    },
  };
}

/** A row for one listener. */
export function perListener<T>(name: string, type: OptionType<T>, row: ListenerRow<T>): Option {
  return {
    name,
    aliases: row.aliases ?? [],
    scope: 'listener',
    expects: type.expects,
    default: row.default,
    reloadable: false,
    doc: row.doc,
    apply(value, _config, listener) {
      const read = type.read(value);
      if (read === undefined) return false;
      row.set(listener, read);
      return true;
    },
  };
}
