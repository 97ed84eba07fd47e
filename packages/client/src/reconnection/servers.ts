import { ReasonCode } from '@cauldron/codec';
import { type ClientError, ConnectionRefused, ServerDisconnected } from '../errors.js';
import type { ConnectOptions } from '../options.js';
import type { TransportFactory } from '../transport.js';

/** A server, and how it is reached, again and again. */
export interface Server {
  /** Null for a stream of the caller's own. */
  readonly url: URL | null;
  readonly open: TransportFactory;
  /** Who connects, where the URL says that and the options do not. */
  readonly credentials: Pick<ConnectOptions, 'username' | 'password'>;
}

/** What is known of servers that another one refers to. */
export type Referral = (references: string, from: URL) => Promise<readonly Server[]>;

/** Referrals that are followed until a connection lasts. */
const MAX_HOPS = 8;

/** The servers that a client connects to, one after the other. */
export class Servers {
  readonly #referral: Referral | null;
  #list: readonly Server[];
  #at = 0;
  /** Where a server has sent the client for now. */
  #detour: Server | null = null;
  #hops = 0;

  /**
   * @param list at least one
   * @param referral finds the servers that another one refers to; null: referrals are not followed
   */
  constructor(list: readonly Server[], referral: Referral | null) {
    this.#list = list;
    this.#referral = referral;
  }

  get current(): Server {
    return this.#detour ?? this.#list[this.#at];
  }

  /** How many there are to be tried before it is any use to wait. */
  get count(): number {
    return this.#list.length;
  }

  /** The current server is a good one. */
  settle(): void {
    this.#hops = 0;
  }

  /** The current server is of no use: the next one's turn. */
  advance(): void {
    if (this.#detour === null) this.#at = (this.#at + 1) % this.#list.length;
    this.#detour = null;
  }

  /**
   * Follows a referral: "use another server" is for the next connection, "server moved" for ever.
   * @returns null: the end of the connection was none, or is not followed; else where it leads, null where that is nowhere
   */
  follow(error: ClientError): Promise<Server | null> | null {
    if (!(error instanceof ConnectionRefused || error instanceof ServerDisconnected)) return null;
    const { reasonCode, serverReference } = error;
    const { url } = this.current;
    const isMove = reasonCode === ReasonCode.SERVER_MOVED;
    if (!isMove && reasonCode !== ReasonCode.USE_ANOTHER_SERVER) return null;
    if (serverReference === undefined || url === null || this.#referral === null || this.#hops === MAX_HOPS)
      return null;
    return this.#referral(serverReference, url).then(
      (servers) => this.#go(servers, isMove),
      () => null,
    );
  }

  #go(servers: readonly Server[], isMove: boolean): Server | null {
    if (servers.length === 0) return null;
    this.#hops++;
    if (isMove) {
      this.#list = servers;
      this.#at = 0;
      this.#detour = null;
    } else {
      this.#detour = servers[0];
    }
    return this.current;
  }
}
