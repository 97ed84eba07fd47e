const FIRST_SLOTS = 16;

/** First in, first out, in a ring that grows by doubling. It has no ring while it is empty, so idle owners pay nothing. */
export class MessageQueue<M extends { readonly bytes: number }> {
  #slots: (M | undefined)[] | null = null;
  #first = 0;
  #length = 0;
  #bytes = 0;

  get length(): number {
    return this.#length;
  }

  /** The sum of what the messages count. */
  get bytes(): number {
    return this.#bytes;
  }

  push(message: M): void {
    this.#slots ??= new Array<M | undefined>(FIRST_SLOTS).fill(undefined);
    if (this.#length === this.#slots.length) this.#slots = this.#grown(this.#slots);
    this.#slots[(this.#first + this.#length) & (this.#slots.length - 1)] = message;
    this.#length++;
    this.#bytes += message.bytes;
  }

  /** The oldest, which leaves; undefined if there is none. */
  shift(): M | undefined {
    const slots = this.#slots;
    if (slots === null) return undefined;
    const message = slots[this.#first];
    if (message === undefined) return undefined;
    slots[this.#first] = undefined;
    this.#length--;
    this.#bytes -= message.bytes;
    if (this.#length > 0) this.#first = (this.#first + 1) & (slots.length - 1);
    else {
      this.#first = 0;
      // A small ring is kept: a queue that fills and empties all the time would make it again and again.
      if (slots.length > FIRST_SLOTS) this.#slots = null;
    }
    return message;
  }

  #grown(old: readonly (M | undefined)[]): (M | undefined)[] {
    const slots = new Array<M | undefined>(old.length * 2).fill(undefined);
    for (let i = 0; i < this.#length; i++) slots[i] = old[(this.#first + i) & (old.length - 1)];
    this.#first = 0;
    return slots;
  }
}
