import { BanList } from '../access/abuse/ban-list.js';
import { DoorGuard } from '../access/abuse/door-guard.js';
import { AccessFileError } from '../access/access-file-error.js';
import type { AbuseConfig } from '../config/abuse-options.js';
import type { Log } from '../core/ports/log.js';
import { systemClock } from '../system.js';
import { StartError } from './start-error.js';

/** Who turns clients away. @throws StartError when the list of bans cannot be read: it is there to be obeyed */
export function openDoor(config: AbuseConfig, log: Log): DoorGuard {
  return orStartError(() => new DoorGuard(config, systemClock, log));
}

/** The same for another configuration, which holds when the function is called that this returns. @throws StartError */
export function prepareDoor(door: DoorGuard, config: AbuseConfig): () => void {
  return orStartError(() => door.prepare(config));
}

/** Only looks whether the list of bans can be read. @throws StartError */
export function checkBans({ bansFile }: AbuseConfig): void {
  orStartError(() => BanList.open(bansFile, systemClock.wallMs));
}

function orStartError<Opened>(open: () => Opened): Opened {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof AccessFileError)) throw error;
    throw new StartError(error.problems, { cause: error });
  }
}
