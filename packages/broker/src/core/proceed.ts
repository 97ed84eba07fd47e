import type { Connection } from './connection.js';
import type { Context } from './context.js';

/**
 * Goes on with an answer of those who decide about a client: at once if it is there, else later. Nothing is read meanwhile
 * from a client that is not connected yet. An answer that fails ends the connection. `goOn` looks first whether that is
 * still there.
 */
export function proceed<Answer>(
  context: Context,
  connection: Connection,
  answer: Answer | Promise<Answer>,
  goOn: (answer: Answer) => void,
): void {
  if (!(answer instanceof Promise)) {
    goOn(answer);
    return;
  }
  const isHeld = !connection.isOpen;
  if (isHeld) connection.hold();
  answer
    .then(goOn)
    .catch((error: unknown) => connection.fail(error))
    .finally(() => {
      if (isHeld) connection.unhold();
      context.flush();
    });
}
