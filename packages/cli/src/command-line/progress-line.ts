const LINE_INTERVAL_MS = 250;

/** One line on a terminal that says how far a long work is; elsewhere, nothing. */
export class ProgressLine {
  #nextMs = performance.now() + LINE_INTERVAL_MS;
  #isShown = false;

  /** `text` is asked for only when it is time to show something. */
  show(text: () => string): void {
    if (!process.stderr.isTTY) return;
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + LINE_INTERVAL_MS;
    this.#isShown = true;
    process.stderr.write(`\r${text()}\u001b[K`);
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}
