import { ReasonCode } from '@cauldron/codec';
import type { AbuseConfig } from '../../config/abuse-options.js';
import type { Clock } from '../../core/ports/clock.js';
import type { Caller, Denial, Doorkeeper } from '../../core/ports/doorkeeper.js';
import { type Log, LogType } from '../../core/ports/log.js';
import { type Ban, BanList } from './ban-list.js';
import { ConnectRate } from './connect-rate.js';
import { type Lockout, Lockouts } from './lockouts.js';
import { Networks } from './networks.js';

/** Turns away who is banned, who has failed too often, and who comes too often. */
export class DoorGuard implements Doorkeeper {
  readonly lockouts: Lockouts;
  #bans: BanList;
  readonly #rate: ConnectRate;
  readonly #clock: Clock;
  #exempt: Networks;
  readonly #log: Log;

  /** @throws AccessFileError: the list of bans cannot be read */
  constructor(config: AbuseConfig, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#bans = BanList.open(config.bansFile, () => clock.wallMs());
    this.#exempt = new Networks(config.exempt);
    this.lockouts = new Lockouts(config, () => clock.monotonicMs());
    this.#rate = new ConnectRate(config.connectRate, () => clock.monotonicMs());
  }

  get bans(): BanList {
    return this.#bans;
  }

  /**
   * Reads the list of bans again. Nothing changes before the function is called that this returns.
   * @throws AccessFileError
   */
  prepare(config: AbuseConfig): () => void {
    const bans = BanList.open(config.bansFile, () => this.#clock.wallMs());
    return () => {
      this.#bans = bans;
      this.#exempt = new Networks(config.exempt);
      this.lockouts.limits = config;
      this.#rate.perSecond = config.connectRate;
    };
  }

  mayCome(address: string): Denial | null {
    // To look for an address among networks takes longer than all else that is done for a client that may come.
    if (this.#rate.isUnlimited || this.#exempt.has(address) || this.#rate.take(address)) return null;
    const rule = `max_connect_rate ${this.#rate.perSecond}: more connections from its address`;
    return { reasonCode: ReasonCode.CONNECTION_RATE_EXCEEDED, reason: 'too many connections', rule };
  }

  mayTry(caller: Caller): Denial | null {
    const banned = this.mayStay(caller);
    if (banned !== null) return banned;
    const lockout = this.lockouts.lockOf(caller);
    if (lockout === null || this.#exempt.has(caller.address)) return null;
    const { failures, leftMs } = lockout;
    return {
      reasonCode: ReasonCode.BANNED,
      reason: 'too many failed attempts: try again later',
      rule: `locked out for ${inSeconds(leftMs)} more after ${failures} failed logins of ${shown(lockout)}`,
    };
  }

  mayStay(caller: Caller): Denial | null {
    const ban = this.#bans.banOf(caller);
    return ban === null ? null : { reasonCode: ReasonCode.BANNED, reason: 'banned', rule: ruleOf(ban) };
  }

  succeeded(caller: Caller): void {
    if (!this.#exempt.has(caller.address)) this.lockouts.succeeded(caller);
  }

  failed(caller: Caller): void {
    if (this.#exempt.has(caller.address)) return;
    for (const lockout of this.lockouts.failed(caller)) {
      const { failures, leftMs } = lockout;
      const line = `Locked out for ${inSeconds(leftMs)} after ${failures} failed logins: ${shown(lockout)}.`;
      this.#log.write(LogType.NOTICE, line);
    }
  }
}

/** How the log and the command line call it. */
export function shown({ kind, value }: Pick<Lockout | Ban, 'kind' | 'value'>): string {
  return kind === 'address' ? `address ${value}` : `${kind === 'client' ? 'client id' : 'user'} '${value}'`;
}

function ruleOf(ban: Ban): string {
  return `${shown(ban)} is banned${ban.reason === '' ? '' : `: ${ban.reason}`}`;
}

function inSeconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}
