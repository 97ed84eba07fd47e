import type { Random } from '../../packages/cli/src/torture/random.js';
import type { Direction, Ending, FaultyNetwork } from './faulty-network.js';

/** Of so many cuts, one is a silence, which takes as long as a keep-alive, or the answer to CONNECT, to be noticed. */
const CUTS_PER_SILENCE = 50;
/** A few packets, so that cuts are in every part of a handshake. */
const LONGEST_FUSE_BYTES = 600;

/**
 * Ends connections so many times, in all the ways that there are: between packets and within, of one client or of both,
 * while they connect, and silently. In between the network is now good, now slow, and cuts everything in pieces.
 * @param progress resolves when so many more messages have come through
 */
export async function causeFaults(
  network: FaultyNetwork,
  random: Random,
  cuts: number,
  progress: (messages: number) => Promise<void>,
): Promise<void> {
  for (let cut = 1; cut <= cuts; cut++) {
    network.treatment = {
      largestPiece: random.pick([1, 3, 20, 1_000, 1_000_000]),
      delayChance: random.pick([0, 0, 0.02]),
      longestDelayMs: 4,
    };
    // None at all: the next connection is cut while it comes about.
    await progress(random.pick([0, 1, 3, 10]));
    if (cut % CUTS_PER_SILENCE === 0) {
      network.endAll('silence');
      network.swallows = random.below(2);
    } else {
      await oneCut(network, random);
    }
  }
}

async function oneCut(network: FaultyNetwork, random: Random): Promise<void> {
  const ending: Ending = random.pick(['reset', 'end']);
  const direction: Direction = random.pick(['toServer', 'toClient']);
  switch (random.below(4)) {
    case 0:
      while (!network.endOne(ending)) await network.connected();
      break;
    case 1:
      while (network.endAll(ending) === 0) await network.connected();
      network.refusals = random.below(3);
      break;
    default:
      await network.endAfter(1 + random.below(LONGEST_FUSE_BYTES), direction, ending);
  }
}
