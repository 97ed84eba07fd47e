import type { Conversation } from './conversation.js';

/** What a client asks of its server, and asks the next time again if the connection ends before the answer. */
export class Questions {
  readonly #asked: () => Conversation | null;
  /** Who waits until there is somebody to ask. */
  #waiting: (() => void)[] = [];

  /** @param asked whom to ask; null: nobody yet. What it throws, those who ask are told */
  constructor(asked: () => Conversation | null) {
    this.#asked = asked;
  }

  /** @throws (rejects) what the question is rejected with, if its connection goes on; what `asked` throws */
  async ask<T>(question: (conversation: Conversation) => Promise<T>): Promise<T> {
    for (;;) {
      const conversation = this.#asked();
      if (conversation === null) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      try {
        return await question(conversation);
      } catch (error) {
        if (!conversation.hasEnded) throw error;
      }
    }
  }

  /** There is somebody to ask, or will never be. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
