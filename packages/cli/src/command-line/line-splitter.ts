const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines, wherever its chunks were cut. The line ends are left away. */
export class LineSplitter {
  #parts: Uint8Array[] = [];

  /** @returns the lines that end in this chunk */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      lines.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
    return lines;
  }

  /** @returns the last line, if it had no end; null when there is none */
  end(): Uint8Array | null {
    return this.#parts.length === 0 ? null : this.#complete(new Uint8Array(0));
  }

  #complete(last: Uint8Array): Uint8Array {
    if (this.#parts.length === 0) return last;
    const line = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    return line;
  }
}
