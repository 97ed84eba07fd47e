import { ReasonCode, reasonName } from '@cauldron/codec';

// How the end of a connection is put into words, for its peer and for the log.

/** Characters of a reason that a peer is told and that is logged. */
const MAX_REASON_LENGTH = 300;

/** How a connection ends, for the log and for the will. */
export interface Ending {
  /** What the log says after `disconnected: `, in words that programs look for; empty: the client said goodbye. */
  readonly reason: string;
  /** What else there is to know, for a line of its own; null: nothing. */
  readonly why: string | null;
  /** Whether the client is sent its will's message: always, but after a DISCONNECT that says otherwise. */
  readonly publishWill: boolean;
}

/** What came from outside may be in it, and a reason string has an end. */
export function shortened(text: string): string {
  if (text.length <= MAX_REASON_LENGTH) return text;
  return `${text.slice(0, MAX_REASON_LENGTH).replace(/[\ud800-\udbff]$/, '')} ...`;
}

/** The words of Mosquitto 2.1, where they are not those of the standard in lower case. */
const LOGGED: ReadonlyMap<number, string> = new Map([
  [ReasonCode.NOT_AUTHORIZED, 'not authorised'],
  [ReasonCode.BAD_USER_NAME_OR_PASSWORD, 'bad username or password'],
  [ReasonCode.BANNED, 'client banned'],
  [ReasonCode.KEEP_ALIVE_TIMEOUT, 'exceeded timeout'],
  [ReasonCode.PACKET_TOO_LARGE, 'oversize packet'],
  [ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, 'exceeding the receive maximum'],
  [ReasonCode.QOS_NOT_SUPPORTED, 'QoS not supported'],
]);

/** The end of a connection for a reason of the standard. `why`: what exactly was wrong. */
export function endingFor(reasonCode: ReasonCode, why: string, publishWill: boolean): Ending {
  const reason = LOGGED.get(reasonCode) ?? reasonName(reasonCode).toLowerCase();
  return { reason, why: why === reason ? null : why, publishWill };
}

/** The end of a connection that the network, or the transport, reports. */
export function endingByNetwork(error: Error | null): Ending {
  const publishWill = true;
  if (error === null || codeOf(error) === 'ECONNRESET') {
    return { reason: 'connection closed by client', why: null, publishWill };
  }
  if (codeOf(error) !== null) return { reason: `network error: ${error.message}`, why: null, publishWill };
  // The transport does not understand the peer: a handshake of TLS or of WebSocket.
  return { reason: 'protocol error', why: error.message, publishWill };
}

/** What the system said, if it did: `ECONNRESET`. A transport may have put it into words of its own. */
function codeOf(error: Error): string | null {
  const { cause } = error;
  const system: object = cause instanceof Error ? cause : error;
  return 'syscall' in system && 'code' in system ? String(system.code) : null;
}

/** The whole of it in one text, for hooks. */
export function endingText({ reason, why }: Ending): string {
  if (reason === '') return why === null ? 'disconnected by client' : `disconnected by client: ${why}`;
  return why === null ? reason : `${reason}: ${why}`;
}

/** The line before the one that says that the client is gone; `who` is the client with its address. */
export function explanationOf({ reason, why }: Ending, who: string): string {
  if (reason === '') return `Reason given by ${who}: ${why}.`;
  const isFault = reason === 'protocol error' || reason === 'malformed packet';
  return `${isFault ? 'Protocol error from' : 'Disconnecting'} ${who}: ${why}.`;
}
