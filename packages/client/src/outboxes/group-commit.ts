import { Deferred } from '../deferred.js';

/** Writes one commit after the other; whoever comes while one is being written shares the next. */
export class GroupCommit {
  readonly #write: () => Promise<void>;
  readonly #afterwards: () => Promise<void>;
  /** The commit that is being written. */
  #current: Deferred<void> | null = null;
  /** The one that comes after it, for all that is pending by then. */
  #next: Deferred<void> | null = null;
  #rest: Promise<void> = Promise.resolve();

  /**
   * @param write makes durable all that is pending when it is called; what it throws, those who wait are told
   * @param afterwards is done before the next commit, and nobody waits for it. It must not reject
   */
  constructor(write: () => Promise<void>, afterwards: () => Promise<void> = async () => {}) {
    this.#write = write;
    this.#afterwards = afterwards;
  }

  /** Resolved when nothing is being written. Never rejected. */
  get rest(): Promise<void> {
    return this.#rest;
  }

  /**
   * @param isAnythingPending that is not being written already
   * @returns when all of it is durable, and all that is being written
   */
  commit(isAnythingPending: boolean): Promise<void> {
    if (this.#next !== null) return this.#next.promise;
    if (!isAnythingPending) return this.#current?.promise ?? Promise.resolve();
    const next = new Deferred<void>();
    this.#next = next;
    if (this.#current === null) this.#rest = this.#rest.then(() => this.#writeAll());
    return next.promise;
  }

  async #writeAll(): Promise<void> {
    for (let commit = this.#next; commit !== null; commit = this.#next) {
      this.#next = null;
      this.#current = commit;
      try {
        await this.#write();
        commit.resolve();
      } catch (error) {
        commit.reject(error as Error);
      }
      this.#current = null;
      await this.#afterwards();
    }
  }
}
