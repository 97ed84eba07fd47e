/**
 * What goes over the control socket: a line of JSON for a request; for each, any number of lines of text, and then its
 * outcome. The next request follows when the outcome is there.
 */

/** Bytes of one line in either direction. */
export const MAX_LINE_BYTES = 64 * 1024;

export interface ControlRequest {
  readonly command: string;
  readonly [parameter: string]: unknown;
}

/** What a command has found out, by name. */
export type ControlResult = Readonly<Record<string, unknown>>;

export type ControlAnswer =
  | { readonly line: string }
  | { readonly done: ControlResult }
  /** Nothing was done. Lines for a person. */
  | { readonly problems: readonly string[] };

/** Takes bytes and gives lines. */
export class LineReader {
  #text = '';
  readonly #decoder = new TextDecoder();

  /** The lines that are complete now. @throws Error when one is longer than `MAX_LINE_BYTES` */
  push(bytes: Uint8Array): string[] {
    this.#text += this.#decoder.decode(bytes, { stream: true });
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    if (this.#text.length > MAX_LINE_BYTES || lines.some(({ length }) => length > MAX_LINE_BYTES)) {
      throw new Error(`a line is longer than ${MAX_LINE_BYTES} bytes`);
    }
    return lines;
  }
}
