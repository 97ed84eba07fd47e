/** Whoever a timer belongs to. */
export interface Expiring {
  /**
   * Called once when `timer` is due; by then it is no longer scheduled. This and any other timer may be scheduled and
   * cancelled here; what is scheduled here fires at a later advance, even if it is due at once.
   */
  fire(nowMs: number, timer: Timer): void;
}

const SLOTS = 4096;
const DEFAULT_TICK_MS = 100;

/** In place of a slot's number: the timer is not scheduled; or it is due and about to fire. */
const IDLE = -1;
const ABOUT_TO_FIRE = -2;

/**
 * One point in time that its owner waits for, again and again. The owner makes it once and keeps it, so that scheduling
 * allocates nothing. A timer belongs to one wheel for good; all but `dueMs` and `isScheduled` is the wheel's business.
 */
export class Timer {
  readonly owner: Expiring;
  /** When it fires, or fired last, in the milliseconds of the wheel's clock. */
  dueMs = 0;
  slot = IDLE;
  // The timers of a slot form a circle: the one before the first is the last.
  previous: Timer = this;
  next: Timer = this;

  constructor(owner: Expiring) {
    this.owner = owner;
  }

  get isScheduled(): boolean {
    return this.slot !== IDLE;
  }
}

/**
 * All timers of a broker: keep-alive, time to CONNECT, wills, expiry. Coarse, but never early. Scheduling and cancelling
 * cost the same however many there are. A slot holds the timers of one tick of this round of the wheel and of all later
 * rounds; the latter are passed over once in a round (409 s with ticks of 100 ms), so delays may be as long as they like.
 */
export class TimerWheel {
  readonly #tickMs: number;
  /** The first timer of each slot. */
  readonly #slots: (Timer | null)[] = new Array<Timer | null>(SLOTS).fill(null);
  /** The tick that the last advance reached. */
  #tick: number;
  #size = 0;
  /** What is about to fire; only while `advance` runs. */
  #due: Timer[] = [];
  /** The time of the last advance: a clock that costs nothing to read. Not to be set from outside. */
  now: number;

  /** @param nowMs the present time of the clock that `advance` will go by; a monotonic one. */
  constructor(nowMs: number, tickMs: number = DEFAULT_TICK_MS) {
    this.now = nowMs;
    this.#tickMs = tickMs;
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** How many timers are scheduled. */
  get size(): number {
    return this.#size;
  }

  /** Lets the timer fire at the first advance at or after `dueMs`, a finite time; what it was set to before is void. */
  schedule(timer: Timer, dueMs: number): void {
    if (timer.slot !== IDLE) this.cancel(timer);
    timer.dueMs = dueMs;
    this.#link(timer);
    this.#size++;
  }

  /** Does nothing if the timer is not scheduled. */
  cancel(timer: Timer): void {
    if (timer.slot === IDLE) return;
    if (timer.slot !== ABOUT_TO_FIRE) this.#unlink(timer);
    timer.slot = IDLE;
    this.#size--;
  }

  /**
   * Moves the clock to `nowMs` and fires what is due, in the order of due times. Called every tick, more or less; a jump
   * of any length costs one look at each slot. A clock that goes back is taken to stand still. If an owner throws, the
   * error comes through, and what was not fired is due at the next advance.
   */
  advance(nowMs: number): void {
    if (nowMs > this.now) this.now = nowMs;
    const last = Math.floor(this.now / this.#tickMs);
    // The slot of the last advance is looked at again: its tick was not over.
    for (let tick = Math.max(this.#tick, last - SLOTS + 1); tick <= last; tick++) this.#collect(tick & (SLOTS - 1));
    this.#tick = last;
    const due = this.#due;
    if (due.length === 0) return;
    // All are taken out before the first one fires, so owners may change the wheel as they like.
    this.#due = [];
    due.sort(byDueTime);
    let fired = 0;
    try {
      while (fired < due.length) {
        const timer = due[fired++];
        if (timer.slot !== ABOUT_TO_FIRE) continue; // cancelled, or scheduled anew, by one that fired before it
        timer.slot = IDLE;
        this.#size--;
        timer.owner.fire(this.now, timer);
      }
    } finally {
      for (; fired < due.length; fired++) if (due[fired].slot === ABOUT_TO_FIRE) this.#link(due[fired]);
    }
  }

  #collect(slot: number): void {
    const first = this.#slots[slot];
    if (first === null) return;
    const last = first.previous;
    for (let timer = first, next = first.next; ; timer = next, next = timer.next) {
      if (timer.dueMs <= this.now) {
        this.#unlink(timer);
        timer.slot = ABOUT_TO_FIRE;
        this.#due.push(timer);
      }
      if (timer === last) return;
    }
  }

  /** Puts the timer at the end of its slot; one that is overdue goes to the slot that the next advance begins with. */
  #link(timer: Timer): void {
    const slot = Math.max(Math.floor(timer.dueMs / this.#tickMs), this.#tick) & (SLOTS - 1);
    timer.slot = slot;
    const first = this.#slots[slot];
    if (first === null) {
      this.#slots[slot] = timer;
      return;
    }
    timer.previous = first.previous;
    timer.next = first;
    timer.previous.next = timer;
    first.previous = timer;
  }

  #unlink(timer: Timer): void {
    const { slot, previous, next } = timer;
    if (next === timer) this.#slots[slot] = null;
    else if (this.#slots[slot] === timer) this.#slots[slot] = next;
    previous.next = next;
    next.previous = previous;
    timer.previous = timer;
    timer.next = timer;
  }
}

function byDueTime(a: Timer, b: Timer): number {
  return a.dueMs - b.dueMs;
}
