import type { Properties } from '@cauldron/codec';
import type { Context } from './context.js';
import type { Message } from './message.js';
import type { Routed } from './router.js';
import type { Session } from './session.js';
import type { Settings } from './settings.js';
import type { Targets } from './targets.js';

/** The one topic below `$SYS` that clients may write to: bridges tell there whether they are connected. */
const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/** Why clients may not write to the topic, whatever the access rules; null for a topic that is not the broker's own. */
export function reasonWhyReserved(topic: string): string | null {
  return topic.startsWith('$SYS/') && !BRIDGE_STATE.test(topic) ? '$SYS is for the broker to write' : null;
}

/** Why a payload of a client is not passed on, for the log and the publisher; null: it is. */
export function reasonWhyTooLarge(settings: Settings, payload: Uint8Array): string | null {
  if (payload.length <= settings.maxPayloadBytes) return null;
  return `the payload has ${payload.length} bytes, message_size_limit is ${settings.maxPayloadBytes}`;
}

/** Takes a message that was found good: keeps it if it is to be retained, and gives it to all who want it. */
export function publishMessage(context: Context, message: Message, targets: Targets, origin: Session | null): Routed {
  // A hook may have put a message of the program in the place of the client's.
  const isFromOrigin = origin !== null && origin.clientId === message.publisher;
  if (message.retain) context.retained.accept(message, isFromOrigin ? origin.principal : null);
  const routed = context.router.route(message, targets, origin);
  if (context.peers.count > 0) context.peers.publish(message);
  return routed;
}

/** What receivers get, unaltered [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20]. */
export function passedOn(properties: Properties | undefined): Properties | null {
  if (properties === undefined) return null;
  const { topicAlias, ...rest } = properties; // [MQTT-3.3.2-7]
  for (const _ in rest) return rest;
  return null;
}
