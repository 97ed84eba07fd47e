/** Where a connection stands. One field, and these names only. */
export const ConnectionState = {
  /** The network connection is there; nothing but CONNECT may come. */
  AWAITING_CONNECT: 0,
  /** CONNECT came; somebody decides whether the client may come in. Nothing but AUTH and DISCONNECT may come. */
  AUTHENTICATING: 1,
  /** CONNACK was sent, or waits for the store; the session is attached. */
  OPEN: 2,
  /** The last bytes are on their way; nothing is read any more, and the session is detached. */
  CLOSING: 3,
  /** The network connection is gone. */
  CLOSED: 4,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

const NAMES = ['awaiting CONNECT', 'authenticating', 'open', 'closing', 'closed'] as const;

/** From each state, the states that may follow. */
const NEXT: readonly (readonly ConnectionState[])[] = [[1, 3, 4], [2, 3, 4], [3, 4], [4], []];

/** `to`, if it may follow `from`. @throws Error when it may not: a mistake in the broker, never of a peer. */
export function transition(from: ConnectionState, to: ConnectionState): ConnectionState {
  if (!NEXT[from].includes(to)) throw new Error(`A connection that is ${NAMES[from]} cannot become ${NAMES[to]}`);
  return to;
}
