import type { Peers } from './ports/peers.js';

/** There is no other process: nobody to tell, and nobody who could have a client's session. */
export const peersAlone: Peers = {
  count: 0,
  interestAdded() {},
  interestRemoved() {},
  publish() {},
  takeOver: () => null,
  flush() {},
};
