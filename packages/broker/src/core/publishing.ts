import type { Context } from './context.js';
import type { Message } from './message.js';
import type { Routed } from './router.js';
import type { Session } from './session.js';
import type { Targets } from './targets.js';

/** Takes a message that was found good: keeps it if it is to be retained, and gives it to all who want it. */
export function publishMessage(context: Context, message: Message, targets: Targets, origin: Session | null): Routed {
  if (message.retain) context.retained.accept(message);
  const routed = context.router.route(message, targets, origin);
  if (context.peers.count > 0) context.peers.publish(message);
  return routed;
}
