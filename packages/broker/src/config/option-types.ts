/** How the text behind an option's name is read. */
export interface OptionType<T> {
  /** For the documentation: `flag`, `number`, `text` ... */
  readonly kind: string;
  /** Of the number, such as `bytes`; empty: it counts, or it is none. */
  readonly unit: string;
  /** Which values there are, as the documentation shows them; empty: any. */
  readonly range: string;
  /** Completes the sentence `must be ...`. */
  readonly expects: string;
  /** A value that can be read. */
  readonly example?: string;
  /** Undefined: the text is not what is expected. */
  read(text: string): T | undefined;
}

export const flag: OptionType<boolean> = {
  kind: 'flag',
  unit: '',
  range: 'true, false',
  expects: 'true or false',
  example: 'true',
  // 1 and 0 are not in the documentation of Mosquitto, but in people's files.
  read: (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined),
};

export const text: OptionType<string> = {
  kind: 'text',
  unit: '',
  range: '',
  expects: 'a text',
  read: (value) => (value === '' ? undefined : value),
};

export function integer(lowest: number, highest: number, unit = ''): OptionType<number> {
  return {
    kind: 'number',
    unit,
    range: `${lowest} to ${highest}`,
    expects: `a whole number${unit && ` of ${unit}`} from ${lowest} to ${highest}`,
    read(value) {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      return number >= lowest && number <= highest ? number : undefined;
    },
  };
}

/** The path of a file or a folder. */
export function path(example: string): OptionType<string> {
  return { ...text, kind: 'path', expects: 'a path', example };
}

/**
 * A limit; `none` is the number that means that there is no limit, read as `Infinity`, as are 0 and the numbers below it,
 * which Mosquitto takes for the same.
 */
export function limit(none: number, lowest: number, highest: number, unit = ''): OptionType<number> {
  const { read } = integer(lowest, highest);
  return {
    kind: 'number',
    unit,
    range: `${lowest} to ${highest}, or ${none} for no limit`,
    expects: `a whole number${unit && ` of ${unit}`} from ${lowest} to ${highest}, or ${none} for no limit`,
    read: (value) => (/^(-\d+|0)$/.test(value) ? Number.POSITIVE_INFINITY : read(value)),
  };
}

const BYTES_PER: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes, as a number or with the letter of a unit; 0 is read as `Infinity`. */
export const sizeLimit: OptionType<number> = {
  kind: 'size',
  unit: 'bytes',
  example: '500M',
  range: 'such as 500M or 2G, or 0 for no limit',
  expects: 'a number of bytes such as 500M or 2G (K, M, G or T, of 1024), or 0 for no limit',
  read(value) {
    const [, digits, unit] = /^(\d+)([KMGT]?)$/i.exec(value) ?? [];
    if (digits === undefined) return undefined;
    const bytes = Number(digits) * BYTES_PER[unit.toUpperCase()];
    if (bytes > Number.MAX_SAFE_INTEGER) return undefined;
    return bytes === 0 ? Number.POSITIVE_INFINITY : bytes;
  },
};

export function oneOf<const T extends string>(...names: T[]): OptionType<T> {
  return {
    kind: 'choice',
    unit: '',
    range: names.join(', '),
    expects: names.join(' or '),
    example: names[0],
    read: (value) => names.find((name) => name === value),
  };
}

const SECONDS_PER: Record<string, number> = {
  s: 1,
  h: 3600,
  d: 86_400,
  w: 7 * 86_400,
  m: 30 * 86_400,
  y: 365 * 86_400,
};

/** Seconds, written as a number and the letter of a unit. */
export const duration: OptionType<number> = {
  kind: 'duration',
  unit: 's, h, d, w, m or y',
  example: '14d',
  range: 'such as 14d',
  expects: 'a whole number followed by s, h, d, w, m (30 days) or y (365 days), such as 14d',
  read(value) {
    const [, digits, unit] = /^(\d+)([shdwmy])$/.exec(value) ?? [];
    return digits === undefined || Number(digits) === 0 ? undefined : Number(digits) * SECONDS_PER[unit];
  },
};
