import type { ConfigDraft, ListenerDraft, SecurityDraft } from './draft.js';
import type { OptionType } from './option-types.js';

/**
 * What an option belongs to: the broker; the `listener` line above it, or the default listener if there is none; or
 * either of the two, for `security`: the broker, and with `per_listener_settings true` the listener.
 */
export type Scope = 'broker' | 'security' | 'listener';

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
  readonly config: ConfigDraft;
  readonly security: SecurityDraft;
  readonly listener: ListenerDraft;
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

/** A row for one listener. */
export function perListener<T>(
  name: string,
  type: OptionType<T>,
  row: Row & { set: Setter<ListenerDraft, T> },
): Option {
  return option(name, 'listener', type, row, ({ listener }, value) => row.set(listener, value));
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
    doc: row.doc,
    apply(value, place) {
      const read = type.read(value);
      if (read === undefined) return false;
      const problem: unknown = set(place, read);
      return typeof problem !== 'string' || problem;
    },
  };
}
