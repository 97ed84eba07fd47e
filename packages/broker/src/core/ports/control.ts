import type { Principal } from './access.js';

/** One command of a message to a control topic, as its sender wrote it. */
export interface ControlCommand {
  /** The value of its field `command`. */
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a command answers: why it was not done; that it was; or what was asked for, under the command's proper name. */
export type ControlOutcome =
  | { readonly error: string }
  | 'done'
  | { readonly command: string; readonly data: Readonly<Record<string, unknown>> };

/** What stands behind one control topic. Its messages come one after the other, and so do the commands of each. */
export interface ControlEndpoint {
  /** What it throws or rejects with is a fault of the broker: the client is told that there was one. */
  run(command: ControlCommand, client: Principal): ControlOutcome | Promise<ControlOutcome>;
  /**
   * Called after the last command of a message. The answer leaves when it resolves; if it rejects, all that the message
   * changed is undone, and the answer says why for each command that was done. The function that it gives is called when
   * the answer has been sent: those who lose their connection by a command may lose it then.
   */
  settle?(): Promise<() => void>;
}
