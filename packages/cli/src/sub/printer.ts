import type { PrintedMessage } from '../format/printed-message.js';

/** Shows messages, or what they come to. */
export interface Printer {
  /** Whether nothing else may write to the terminal until `end`. */
  readonly ownsTerminal?: boolean;
  /** Called before the first message. */
  begin?(): void;
  message(message: PrintedMessage): void;
  /** Called once, after the last message: shows the rest, and ends timers. */
  end?(): void;
}
