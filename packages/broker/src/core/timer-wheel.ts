/** Whoever a timer belongs to. */
export interface Expiring {
  /** Called once when the timer is due. It may be scheduled again, and so may any other. */
  fire(nowMs: number): void;
}

const SLOTS = 512;
const SLOT_MS = 100;

/** One due time. Embedded in its owner, so that scheduling allocates nothing. */
export class Timer {
  readonly owner: Expiring;
  dueMs = 0;
  /** The slot's list; null: not scheduled. */
  previous: Timer | null = null;
  next: Timer | null = null;
  slot = -1;

  constructor(owner: Expiring) {
    this.owner = owner;
  }

  get isScheduled(): boolean {
    return this.slot >= 0;
  }
}

/**
 * All of a broker's timers: keep-alive, connect time limits, wills, session expiry. Coarse (a tenth of a second) and never
 * early. A slot holds the timers of its tenth of a second in this round of the wheel and in all later ones; those of
 * later rounds are passed over. Scheduling and cancelling cost the same whatever there is.
 */
export class TimerWheel {
  readonly #slots: (Timer | null)[] = new Array<Timer | null>(SLOTS).fill(null);
  /** The slot time that was looked at last, in `SLOT_MS`. */
  #tick: number;
  #size = 0;
  /** The time of the last advance, ms: a clock that costs nothing to read. */
  now: number;

  constructor(nowMs: number) {
    this.now = nowMs;
    this.#tick = Math.floor(nowMs / SLOT_MS);
  }

  get size(): number {
    return this.#size;
  }

  /** Sets the timer to this time; a time it was set to before is forgotten. Past times are due at the next advance. */
  schedule(timer: Timer, dueMs: number): void {
    this.cancel(timer);
    timer.dueMs = dueMs;
    const tick = Math.max(Math.floor(dueMs / SLOT_MS), this.#tick);
    const slot = tick % SLOTS;
    timer.slot = slot;
    const head = this.#slots[slot];
    timer.next = head;
    if (head !== null) head.previous = timer;
    this.#slots[slot] = timer;
    this.#size++;
  }

  /** Does nothing if it is not scheduled. */
  cancel(timer: Timer): void {
    if (timer.slot < 0) return;
    if (timer.previous !== null) timer.previous.next = timer.next;
    else this.#slots[timer.slot] = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    timer.previous = timer.next = null;
    timer.slot = -1;
    this.#size--;
  }

  /** Fires what is due. A jump of any length looks at each slot once at most. */
  advance(nowMs: number): void {
    this.now = nowMs;
    const last = Math.floor(nowMs / SLOT_MS);
    const first = Math.max(this.#tick, last - SLOTS + 1);
    this.#tick = last;
    for (let tick = first; tick <= last; tick++) this.#fireSlot(tick % SLOTS, nowMs);
  }

  #fireSlot(slot: number, nowMs: number): void {
    // Timers may cancel others while they fire, so each due one is looked for anew; what they schedule is later.
    const due: Timer[] = [];
    for (let timer = this.#slots[slot]; timer !== null; timer = timer.next) if (timer.dueMs <= nowMs) due.push(timer);
    if (due.length === 0) return;
    due.sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) {
      if (timer.slot !== slot || timer.dueMs > nowMs) continue;
      this.cancel(timer);
      timer.owner.fire(nowMs);
    }
  }
}
