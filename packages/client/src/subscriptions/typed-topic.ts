import { assertTopicFilter, assertTopicName, parseSharedFilter } from '@cauldron/codec';
import { bytes, codecOf, type PayloadCodec, type PayloadType } from './payload-codec.js';

type NameIn<Level extends string> = Level extends `{${infer Name}...}`
  ? Name
  : Level extends `{${infer Name}}`
    ? Name
    : never;
type NamesIn<Pattern extends string> = Pattern extends `${infer Level}/${infer Rest}`
  ? NameIn<Level> | NamesIn<Rest>
  : NameIn<Pattern>;

/** The parameters of a pattern: `{ room: string }` for `home/{room}/temperature`. */
export type TopicParams<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string>>
  : { readonly [Name in NamesIn<Pattern>]: string };

/** What `for` takes: numbers are written in decimal. Nothing is needed where there are no parameters. */
type ParamValues<P> = keyof P extends never ? [] : [values: { readonly [Name in keyof P]: string | number }];

/** One topic with the codec of its payloads, to publish to. */
export interface ConcreteTopic<In> {
  readonly topic: string;
  readonly codec: PayloadCodec<unknown, In>;
}

/** A parameter, and which level it stands for. */
interface Parameter {
  readonly name: string;
  readonly level: number;
  /** `{name...}`: for all levels that follow, too. */
  readonly isRest: boolean;
}

const PARAMETER = /^\{([^{}.]+)(\.\.\.)?\}$/;

/** Topics of one shape, and what their payloads are. Made by `topic`. */
export class TypedTopic<T, P, In = T> {
  /** What to subscribe to. */
  readonly filter: string;
  readonly codec: PayloadCodec<T, In>;
  readonly #levels: readonly string[];
  readonly #parameters: readonly Parameter[];

  /** @internal Use `topic`. */
  constructor(filter: string, levels: readonly string[], parameters: readonly Parameter[], codec: PayloadCodec<T, In>) {
    this.filter = filter;
    this.codec = codec;
    this.#levels = levels;
    this.#parameters = parameters;
  }

  /**
   * The topic with these values, to publish to.
   * @throws TypeError for a value that is empty or has a character that a level cannot have; ProtocolError for a topic
   * that is too long
   */
  for(...[values]: ParamValues<P>): ConcreteTopic<In> {
    const levels = [...this.#levels];
    for (const { name, level, isRest } of this.#parameters) {
      levels[level] = levelFor(name, (values as Readonly<Record<string, unknown>> | undefined)?.[name], isRest);
    }
    const topic = levels.join('/');
    assertTopicName(topic);
    return { topic, codec: this.codec };
  }

  /**
   * The same topics for members of a group, each message for one of them; to subscribe to only.
   * @throws ProtocolError for a name that is empty or has a wildcard or a slash
   */
  shared(group: string): TypedTopic<T, P, In> {
    const pattern = parseSharedFilter(this.filter)?.filter ?? this.filter;
    const filter = `$share/${group}/${pattern}`;
    assertTopicFilter(filter);
    if (parseSharedFilter(filter)?.group !== group) throw new TypeError(`A group name has no slash: ${group}`);
    return new TypedTopic(filter, this.#levels, this.#parameters, this.codec);
  }

  /** The parameters of a topic that matches. */
  paramsOf(topic: string): P {
    const levels = topic.split('/');
    const params: Record<string, string> = {};
    for (const { name, level, isRest } of this.#parameters) {
      // The parent of `#` matches, too, and has no level there.
      params[name] = isRest ? levels.slice(level).join('/') : levels[level];
    }
    return params as P;
  }
}

/**
 * Topics of one shape. A level that is `{name}` stands for any one level, `{name...}` at the end for all that follow.
 * @param type of the payloads: a codec or a schema. Default: bytes
 * @throws TypeError, ProtocolError for a pattern that makes no filter
 */
export function topic<const Pattern extends string>(pattern: Pattern): TypedTopic<Uint8Array, TopicParams<Pattern>>;
export function topic<const Pattern extends string, T, In = T>(
  pattern: Pattern,
  type: PayloadType<T, In>,
): TypedTopic<T, TopicParams<Pattern>, In>;
export function topic(pattern: string, type: PayloadType<unknown> = bytes as PayloadCodec<unknown>) {
  const levels = pattern.split('/');
  const parameters: Parameter[] = [];
  const filter = levels.map((level, at) => {
    const [, name, dots] = PARAMETER.exec(level) ?? [];
    if (name === undefined) {
      if (/[{}+#]/.test(level)) throw new TypeError(`A level is a text or one {parameter}, not ${level}`);
      return level;
    }
    if (parameters.some((one) => one.name === name)) throw new TypeError(`The parameter {${name}} stands there twice`);
    const isRest = dots !== undefined;
    if (isRest && at < levels.length - 1) throw new TypeError(`{${name}...} can only be the last level`);
    parameters.push({ name, level: at, isRest });
    return isRest ? '#' : '+';
  });
  const joined = filter.join('/');
  assertTopicFilter(joined);
  return new TypedTopic(joined, levels, parameters, codecOf(type));
}

function levelFor(name: string, value: unknown, isRest: boolean): string {
  const level = typeof value === 'number' ? String(value) : value;
  if (typeof level !== 'string' || level === '') throw new TypeError(`The parameter {${name}} has no value`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no topic has the null character
  if (/[+#\u0000]/.test(level) || (!isRest && level.includes('/'))) {
    throw new TypeError(`The parameter {${name}} cannot be ${JSON.stringify(level)}`);
  }
  return level;
}
