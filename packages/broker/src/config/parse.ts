/** Where a line stands: for messages, as `file:line`. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** One line of a configuration file that says something. */
export interface ConfigLine {
  readonly origin: Origin;
  readonly name: string;
  /** The rest of the line without spaces around it; empty if there is nothing. */
  readonly value: string;
}

/**
 * Reads the syntax of mosquitto.conf: one option to a line, its name and value separated by spaces. A `#` in the first
 * column makes the line a comment; anywhere else it belongs to the value.
 */
export function parseConfig(source: string, file: string): ConfigLine[] {
  const lines: ConfigLine[] = [];
  for (const [index, raw] of source
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (raw.startsWith('#')) continue;
    const said = raw.trim();
    if (said === '') continue;
    const [name] = said.split(/[ \t]/, 1);
    lines.push({ origin: { file, line: index + 1 }, name, value: said.slice(name.length).trim() });
  }
  return lines;
}

/** As messages begin: `file:line`. */
export function shownOrigin({ file, line }: Origin): string {
  return `${file}:${line}`;
}
