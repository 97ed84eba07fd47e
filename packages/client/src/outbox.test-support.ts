import { Deferred } from './deferred.js';
import type { Outbox, OutboxRecord } from './outbox.js';

/** An outbox in memory whose commits end when the test says so, and whose process can die. */
export class CrashingOutbox implements Outbox {
  /** All that was appended, from the beginning of the first process. */
  readonly records: OutboxRecord[];
  /** How many of them are durable for sure. */
  committed: number;
  commits = 0;
  isClosed = false;
  /** While true, what is committed is durable at once. */
  isQuick: boolean;
  /** What the next commits fail with. */
  fault: Error | null = null;
  #waiting: { upTo: number; done: Deferred<void> }[] = [];

  constructor(records: readonly OutboxRecord[] = [], isQuick = true) {
    this.records = [...records];
    this.committed = records.length;
    this.isQuick = isQuick;
  }

  async open(): Promise<readonly OutboxRecord[]> {
    return structuredClone(this.records);
  }

  append(record: OutboxRecord): void {
    this.records.push(structuredClone(record));
  }

  async commit(): Promise<void> {
    this.commits++;
    if (this.fault !== null) throw this.fault;
    if (this.isQuick) {
      this.committed = this.records.length;
      return;
    }
    const done = new Deferred<void>();
    this.#waiting.push({ upTo: this.records.length, done });
    await done.promise;
  }

  async close(): Promise<void> {
    this.committed = this.records.length;
    this.isClosed = true;
  }

  /** The oldest commit under way ends well. */
  finishCommit(): void {
    const commit = this.#waiting.shift();
    if (commit === undefined) return;
    this.committed = Math.max(this.committed, commit.upTo);
    commit.done.resolve();
  }

  /** What the next process finds: all that was durable, and perhaps more. */
  crashed(more: number, isQuick: boolean): CrashingOutbox {
    return new CrashingOutbox(this.records.slice(0, this.committed + more), isQuick);
  }
}
