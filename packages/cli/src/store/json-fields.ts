/** What a file for import says is not what it should be; the message says what. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/** The fields of an object that was read from JSON. Each has to be asked for: `end` complains about one that was not. */
export class JsonFields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #what: string;
  /** Few, so that looking through them is the fastest. */
  readonly #taken: string[] = [];

  /** `what`: for errors. @throws FormatError when the value is not an object */
  constructor(value: unknown, what: string) {
    if (!isObject(value)) throw new FormatError(`${what} is no object`);
    this.#object = value;
    this.#what = what;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name);
  }

  text(name: string, absent?: string): string {
    const value = this.#take(name, absent);
    return typeof value === 'string' ? value : this.#fail(name, 'a text');
  }

  flag(name: string): boolean {
    const value = this.#take(name, false);
    return typeof value === 'boolean' ? value : this.#fail(name, 'true or false');
  }

  integer(name: string, lowest: number, highest: number, absent?: number): number {
    const value = this.#take(name, absent);
    if (typeof value === 'number' && value === absent) return value;
    if (typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest) return value;
    return this.#fail(name, `a whole number from ${lowest} to ${highest}`);
  }

  /** A point in time: milliseconds since 1970. */
  timeMs(name: string, absent: number): number {
    const value = this.#take(name, absent);
    return typeof value === 'number' ? value : this.#fail(name, 'a number of milliseconds since 1970');
  }

  oneOf<const T extends number>(name: string, choices: readonly T[], absent?: T): T {
    const value = this.#take(name, absent);
    return choices.find((choice) => choice === value) ?? this.#fail(name, choices.join(' or '));
  }

  /** Bytes that stand there as a text, or, with `Base64` behind the name, in base64. */
  bytes(name: string): Uint8Array {
    if (this.has(name)) return Buffer.from(this.text(name));
    const inBase64 = `${name}Base64`;
    if (!this.has(inBase64)) throw new FormatError(`${this.#what} has no '${name}'`);
    const text = this.text(inBase64);
    const bytes = Buffer.from(text, 'base64');
    return bytes.toString('base64') === text ? bytes : this.#fail(inBase64, 'base64');
  }

  list(name: string): readonly unknown[] {
    const value = this.#take(name, []);
    return Array.isArray(value) ? value : this.#fail(name, 'a list');
  }

  object(name: string): JsonFields {
    return new JsonFields(this.#take(name), name);
  }

  /** As it stands there. */
  value(name: string): unknown {
    return this.#take(name, null);
  }

  /** @throws FormatError for a field that nobody asked for */
  end(): void {
    for (const name of Object.keys(this.#object)) {
      if (!this.#taken.includes(name)) throw new FormatError(`${this.#what} has a field '${name}', which is not known`);
    }
  }

  #take(name: string, absent?: unknown): unknown {
    this.#taken.push(name);
    if (this.has(name)) return this.#object[name];
    if (absent === undefined) throw new FormatError(`${this.#what} has no '${name}'`);
    return absent;
  }

  #fail(name: string, expected: string): never {
    throw new FormatError(`'${name}' of ${this.#what} must be ${expected}, not ${shown(this.#object[name])}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const LONGEST_SHOWN = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}...`;
}
