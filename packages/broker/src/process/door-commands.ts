import type { Ban, BanKind } from '../access/abuse/ban-list.js';
import { shown } from '../access/abuse/door-guard.js';
import { type Log, LogType } from '../core/ports/log.js';
import type { Server } from '../server/server.js';
import { systemClock } from '../system.js';
import type { ControlCommands } from './control-server.js';

/** Lets an administrator see and change who is turned away: `cauldron ban` and `cauldron lockouts`. */
export function addDoorCommands(commands: ControlCommands, { broker, door, log }: Server): void {
  commands.add('ban-add', ({ kind, value, reason = '', forS = null }) => {
    if (typeof value !== 'string' || typeof reason !== 'string') throw new Error('A ban needs a value and a reason.');
    if (forS !== null && (typeof forS !== 'number' || !(forS > 0))) throw new Error('forS is a number of seconds.');
    const ban = door.bans.add(kindFrom(kind), value, reason, forS === null ? null : systemClock.wallMs() + forS * 1000);
    say(log, `Banned by an administrator: ${described(ban)}.`);
    return { ban, ended: broker.reviewClients() };
  });
  commands.add('ban-remove', ({ kind, value }) => {
    if (typeof value !== 'string') throw new Error('A ban has a value.');
    const ban = door.bans.remove(kindFrom(kind), value);
    if (ban === null) throw new Error(`There is no ban of ${shown({ kind: kindFrom(kind), value })}.`);
    say(log, `No longer banned, by an administrator: ${shown(ban)}.`);
    return { ban };
  });
  commands.add('ban-list', async (_request, tell) => {
    const bans = door.bans.list();
    for (const ban of bans) await tell(described(ban));
    return { bans: bans.length };
  });
  commands.add('lockouts', async (_request, tell) => {
    const lockouts = door.lockouts.list();
    for (const lockout of lockouts) {
      const { failures, leftMs } = lockout;
      await tell(`${shown(lockout)}: ${failures} failed logins, ${Math.ceil(leftMs / 1000)} s left`);
    }
    return { lockouts: lockouts.length };
  });
  commands.add('lockouts-lift', ({ value = null }) => {
    if (value !== null && typeof value !== 'string')
      throw new Error('A lock-out is that of an address or a user name.');
    const lifted = door.lockouts.lift(value);
    say(log, `Lock-outs lifted by an administrator: ${lifted}${value === null ? '' : ` (${value})`}.`);
    return { lifted };
  });
}

function kindFrom(kind: unknown): BanKind {
  if (kind === 'client' || kind === 'user' || kind === 'address') return kind;
  throw new Error('A ban is for a client, a user or an address.');
}

function described(ban: Ban): string {
  const { reason, untilMs } = ban;
  const end = untilMs === null ? 'for good' : `until ${new Date(untilMs).toISOString()}`;
  return `${shown(ban)} ${end}${reason === '' ? '' : `: ${reason}`}`;
}

function say(log: Log, line: string): void {
  log.write(LogType.NOTICE, line);
}
