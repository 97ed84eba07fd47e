import type { Backlog } from './backlog.js';
import type { Connection } from './connection.js';
import type { ControlTopics } from './control-topics.js';
import type { Counters } from './counters.js';
import type { Hooks } from './hooks.js';
import type { OutputPool } from './output.js';
import type { Authenticator, Authorizer, EnhancedAuthenticator } from './ports/access.js';
import type { Clock } from './ports/clock.js';
import type { Doorkeeper } from './ports/doorkeeper.js';
import type { Log } from './ports/log.js';
import type { Peers } from './ports/peers.js';
import type { Random } from './ports/random.js';
import type { Store, Ticket } from './ports/store.js';
import type { PublishRun } from './publish-run.js';
import type { QueueTotals } from './queue-totals.js';
import type { ReadTurns } from './read-turns.js';
import type { RetainedMessages } from './retained-messages.js';
import type { Router } from './router.js';
import type { SessionRegistry } from './session-registry.js';
import type { Settings } from './settings.js';
import type { Slowdown } from './slowdown.js';
import type { StoreShortage } from './store-shortage.js';
import type { TimerWheel } from './timer-wheel.js';

/** The parts of one broker, as its connections and sessions see them. */
export interface Context {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: Store;
  readonly authenticator: Authenticator;
  /** Null: no authentication method is offered. */
  readonly enhancedAuthenticator: EnhancedAuthenticator | null;
  readonly authorizer: Authorizer;
  readonly doorkeeper: Doorkeeper;
  readonly peers: Peers;
  readonly control: ControlTopics;
  readonly hooks: Hooks;
  readonly counters: Counters;
  readonly queues: QueueTotals;
  readonly wheel: TimerWheel;
  readonly outputs: OutputPool;
  readonly router: Router;
  readonly sessions: SessionRegistry;
  readonly retained: RetainedMessages;
  readonly run: PublishRun;
  readonly slowdown: Slowdown;
  readonly backlog: Backlog;
  /** Flushes after reads. */
  readonly readTurns: ReadTurns;
  readonly shortage: StoreShortage;
  /** All that are not closed. */
  readonly connections: Set<Connection>;
  /** Connections that hold something back until the store has committed it. */
  readonly awaitingCommit: Set<Connection>;
  /** Calls `action` once the store has committed up to `ticket`: now, if it has. */
  afterCommit(ticket: Ticket, action: () => void): void;
  /**
   * Ends a batch of work: what it produced leaves. Called once per timer tick, or call of the embedding program; for reads
   * see `ReadTurns`.
   */
  flush(): void;
}
