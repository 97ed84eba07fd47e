import type { PrintedMessage } from '../format/printed-message.js';

/** Shows messages, or what they come to. */
export interface Printer {
  /** Called before the first message. */
  begin?(): void;
  message(message: PrintedMessage): void;
  /** Called once, after the last message: shows the rest, and ends timers. */
  end?(): void;
}
