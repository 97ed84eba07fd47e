import type { Message } from './message.js';

export type MessageHandler = (message: Message) => void;

/** A subscription of the program that embeds the broker: a function instead of a session. */
export class LocalSubscription {
  readonly kind = 'local';
  readonly serial: number;
  readonly filter: string;
  readonly handler: MessageHandler;

  constructor(serial: number, filter: string, handler: MessageHandler) {
    this.serial = serial;
    this.filter = filter;
    this.handler = handler;
  }
}
