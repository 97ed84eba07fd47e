const encoder = new TextEncoder();
const FIRST_SIZE = 4_096;

/** Bytes that are written one after the other. They stay in one buffer, which grows and is used again. */
export class ByteSink {
  /** What was written is in front of `length`. It is another one after a write that did not fit. */
  buffer = new Uint8Array(FIRST_SIZE);
  length = 0;

  /** Makes room for so many bytes behind `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }

  byte(byte: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = byte;
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    const { buffer } = this;
    let at = this.length;
    // A loop beats the call into native copy for what is short.
    if (bytes.length <= 48) for (let i = 0; i < bytes.length; i++) buffer[at++] = bytes[i];
    else buffer.set(bytes, at);
    this.length += bytes.length;
  }

  /** The same byte several times; a negative count is none. */
  fill(byte: number, count: number): void {
    if (count <= 0) return;
    this.reserve(count);
    this.buffer.fill(byte, this.length, this.length + count);
    this.length += count;
  }

  text(text: string): void {
    // No code unit of UTF-16 becomes more than three bytes.
    this.reserve(text.length * 3);
    const { buffer } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.length = at + encoder.encodeInto(text.slice(i), buffer.subarray(at)).written;
        return;
      }
      buffer[at++] = code;
    }
    this.length = at;
  }

  /** What was written, until the next write. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}
