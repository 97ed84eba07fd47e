import { ReasonCode } from '@cauldron/codec';
import type { Context } from './context.js';

/** What a CONNECT asks for, as far as it decides whether there is room for it. */
interface Wanted {
  readonly clientId: string;
  readonly clean: boolean;
  readonly expiryIntervalS: number;
}

/**
 * Why there is no room for the session of a client that may connect; null: there is. Asked before anything happens to a
 * session of that id: whoever has it keeps what it has.
 */
export function noRoomFor(
  { counters, sessions, settings, shortage }: Context,
  { clientId, clean, expiryIntervalS }: Wanted,
): { readonly reasonCode: ReasonCode; readonly reason: string } | null {
  const known = sessions.get(clientId);
  // The reason code is that of Mosquitto.
  if (known === undefined && sessions.size >= settings.maxClients) {
    return { reasonCode: ReasonCode.SERVER_BUSY, reason: `global_max_clients is ${settings.maxClients}` };
  }
  const reason = shortage.reasonAgainstSession(known, expiryIntervalS > 0 && (clean || known?.lasting !== true));
  if (reason === null) return null;
  counters.storeRefusals++;
  return { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason };
}
