import { type Entry, MemoryStore, type Message, type QueuedMessage, type Store, type Ticket } from '@cauldron/broker';

/**
 * A store whose entries become durable when the test says so. Reads see all of them at once, as the port demands; what a
 * crash leaves is what was committed.
 */
export class LateStore implements Store {
  onCommit: (committed: Ticket) => void = () => {};
  onFault: (fault: string | null) => void = () => {};
  fault: string | null = null;
  readonly entries: Entry[] = [];
  committed: Ticket = 0;
  /** The last ticket of each turn, a call from outside with all that follows from it: what a crash takes or leaves whole. */
  readonly turns: Ticket[] = [];
  #isTurnOpen = false;
  #turnsToCommit = 0;
  readonly #memory: MemoryStore;

  constructor(memory = new MemoryStore()) {
    this.#memory = memory;
  }

  get appended(): Ticket {
    return this.entries.length;
  }

  get storedMessages(): number {
    return this.#memory.storedMessages;
  }

  /** Makes all entries durable, or those up to a ticket. */
  commit(ticket: Ticket = this.appended): void {
    this.committed = ticket;
    this.onCommit(ticket);
  }

  /** From now on commits what each turn appended after it, as a disk does; after so many turns, nothing any more. */
  commitTurns(count: number): void {
    this.#turnsToCommit = count;
  }

  /** From now on nothing new can be stored, for this reason; null: there is room again. */
  fail(fault: string | null): void {
    this.fault = fault;
    this.onFault(fault);
  }

  /** What another process would find if this one ended now. */
  afterCrash(): LateStore {
    const memory = new MemoryStore();
    for (const entry of this.entries.slice(0, this.committed)) memory.append(entry);
    return new LateStore(memory);
  }

  nextPosition(shard: number): number {
    return this.#memory.nextPosition(shard);
  }

  append(entry: Entry): Ticket {
    this.#memory.append(entry);
    if (!this.#isTurnOpen) {
      this.#isTurnOpen = true;
      queueMicrotask(() => this.#endTurn());
    }
    return this.entries.push(entry);
  }

  sessions(): ReturnType<MemoryStore['sessions']> {
    return this.#memory.sessions();
  }

  retained(): Iterable<Message> {
    return this.#memory.retained();
  }

  queue(clientId: string, after: number, limit: number): QueuedMessage[] {
    return this.#memory.queue(clientId, after, limit);
  }

  save(): Promise<string | null> {
    return Promise.resolve(this.fault);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #endTurn(): void {
    this.#isTurnOpen = false;
    const ticket = this.turns[this.turns.push(this.appended) - 1];
    if (this.#turnsToCommit === 0) return;
    this.#turnsToCommit--;
    setImmediate(() => this.commit(ticket));
  }
}
