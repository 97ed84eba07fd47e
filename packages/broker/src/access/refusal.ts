import { ReasonCode } from '@cauldron/codec';
import type { Admission } from '../core/ports/access.js';

/**
 * The answer to whoever is not let in, the same for a wrong password as for a name that nobody knows, and the same as
 * Mosquitto's: scripts and filters of logs look for it. `rule` is for the log.
 */
export function refusal(rule: string): Admission {
  return { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason: 'not authorised', rule };
}
