import { ReasonCode } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { Message } from '../message.js';
import { LogType } from '../ports/log.js';
import type { Ticket } from '../ports/store.js';
import { publishMessage } from '../publishing.js';
import type { Session } from '../session.js';

/**
 * A message to a control topic, from a client that may publish there: it is carried out, then answered, then acknowledged.
 * Nothing more is read from the client meanwhile. `acknowledge` gives the ticket that the acknowledgement waits for.
 */
export function handleControl(
  context: Context,
  connection: Connection,
  session: Session,
  topic: string,
  payload: Uint8Array,
  acknowledge: () => Ticket,
): void {
  connection.hold();
  context.control
    .answer(session.principal, topic, textOf(payload))
    .then(({ topic: responseTopic, payload: text, answered }) => {
      if (responseTopic !== null) publishAnswer(context, responseTopic, text);
      const ticket = connection.session === session ? acknowledge() : 0;
      context.flush();
      context.afterCommit(ticket, () => {
        context.flush();
        answered();
      });
    })
    .catch((error: unknown) => {
      const { log } = context;
      if (log.types & LogType.ERROR) log.write(LogType.ERROR, `Error: in the answer to '${topic}': ${String(error)}`);
      connection.disconnect(ReasonCode.UNSPECIFIED_ERROR, 'internal error');
    })
    .finally(() => {
      connection.unhold();
      context.flush();
    });
}

/** All get it who have subscribed to the answers, and may receive them: that is how others see what is administered. */
function publishAnswer(context: Context, topic: string, text: string): void {
  const bytes = new TextEncoder().encode(text);
  const message = new Message(topic, bytes, 0, false, null, '', Number.POSITIVE_INFINITY);
  context.router.followRules();
  publishMessage(context, message, context.router.targetsOf(topic), null);
}

function textOf(payload: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    return null;
  }
}
