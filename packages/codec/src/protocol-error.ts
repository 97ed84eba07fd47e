import type { ReasonCode } from './reason-codes.js';

/**
 * What a peer did wrong, with the reason code that the standard gives it.
 * Thrown by the codec and by packet handlers; one place in the broker, and one in the client, turns it into a CONNACK,
 * an acknowledgement or a DISCONNECT. `message` is written for the person who has to mend the peer: it becomes the
 * reason string and the log line.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly reasonCode: ReasonCode;

  constructor(reasonCode: ReasonCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reasonCode = reasonCode;
  }
}
