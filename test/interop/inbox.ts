import type { Message } from '@cauldron/client';

/** A message as the tests compare it. */
export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** Messages of our client, in the order in which they come. */
export class Inbox {
  readonly #messages: Received[] = [];
  #wake: () => void = () => {};

  /** For `subscribe` and `onMessage`. */
  readonly take = ({ topic, payload, qos, retain }: Message): void => {
    this.#messages.push({ topic, text: Buffer.from(payload).toString(), qos, retain });
    this.#wake();
  };

  async next(): Promise<Received> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
