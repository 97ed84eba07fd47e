/** Decides whether a connection reads: the program may pause it, and so may too many messages that wait for the program. */
export class Reading {
  readonly #changed: (isReading: boolean) => void;
  readonly #mustRead: () => boolean;
  #isPaused = false;
  #isBacklogged = false;
  #isReading = true;

  /**
   * @param mustRead whether the client waits for something that it has to read: then a backlog is no reason not to
   * @param changed is told to begin, or to stop
   */
  constructor(mustRead: () => boolean, changed: (isReading: boolean) => void) {
    this.#mustRead = mustRead;
    this.#changed = changed;
  }

  /** The program wants no more messages. */
  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    this.#update();
  }

  /** Too many messages wait for the program. */
  set isBacklogged(isBacklogged: boolean) {
    this.#isBacklogged = isBacklogged;
    this.#update();
  }

  /** What `mustRead` says may have changed. */
  reconsider(): void {
    if (this.#isBacklogged) this.#update();
  }

  /** The client leaves, for which it has to read the answers. */
  readToTheEnd(): void {
    this.#isPaused = this.#isBacklogged = false;
    this.#update();
  }

  #update(): void {
    const isReading = !(this.#isPaused || (this.#isBacklogged && !this.#mustRead()));
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#changed(isReading);
  }
}
