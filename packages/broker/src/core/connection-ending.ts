import { ReasonCode, reasonName } from '@cauldron/codec';

// How the end of a connection is put into words, for its peer and for the log.

/** Characters of a reason that a peer is told and that is logged. */
const MAX_REASON_LENGTH = 300;

/** What came from outside may be in it, and a reason string has an end. */
export function shortened(text: string): string {
  if (text.length <= MAX_REASON_LENGTH) return text;
  return `${text.slice(0, MAX_REASON_LENGTH).replace(/[\ud800-\udbff]$/, '')} ...`;
}

/** What the log says after `disconnected:`. The name of the code is left out where the reason says it all. */
export function endingText(reasonCode: ReasonCode, reason: string): string {
  switch (reasonCode) {
    case ReasonCode.KEEP_ALIVE_TIMEOUT:
    case ReasonCode.SESSION_TAKEN_OVER:
    case ReasonCode.SERVER_SHUTTING_DOWN:
    case ReasonCode.ADMINISTRATIVE_ACTION:
      return reason;
    default:
      return `${reasonName(reasonCode).toLowerCase()}: ${reason}`;
  }
}
