import { type Connack, type Connect, PacketType, type ProtocolVersion } from '@cauldron/codec';
import { Peer } from './peer.js';
import type { Target } from './target.js';
import type { Way } from './way.js';

export interface Visit {
  readonly peer: Peer;
  readonly connack: Connack;
}

/** How connections are opened. */
export interface Ways {
  readonly own: Way;
  /** Without the certificate or key that says who comes; the same as `own` if there is none. */
  readonly stranger: Way;
}

/** What a CONNECT has besides the usual. */
type Changes = Omit<Partial<Connect>, keyof Credentials> & {
  /** Others than those of the person who asked. */
  readonly credentials?: Credentials;
  /** Comes as one whom the broker cannot know. */
  readonly isStranger?: true;
};

type Credentials = Pick<Connect, 'username' | 'password'>;

const KEEP_ALIVE_S = 60;
const encoder = new TextEncoder();

/** Connections to one broker, as the person who asked. They are all closed in the end, whatever happens. */
export class Visits {
  readonly target: Target;
  /** The newest version that the broker takes. */
  readonly version: ProtocolVersion;
  readonly #ways: Ways;
  readonly #keepAliveS: number;
  readonly #open = new Set<Peer>();

  /** @param keepAliveS seconds */
  constructor(target: Target, ways: Ways, version: ProtocolVersion, keepAliveS = KEEP_ALIVE_S) {
    this.target = target;
    this.version = version;
    this.#keepAliveS = keepAliveS;
    this.#ways = ways;
  }

  /**
   * Connects. @param name what the client id ends with; `changes` to the CONNECT.
   * @throws (rejects) PeerError
   */
  async join(name: string, { credentials, isStranger, ...changes }: Changes = {}): Promise<Visit> {
    const connect: Connect = {
      type: PacketType.CONNECT,
      protocolVersion: this.version,
      clean: true,
      keepAlive: this.#keepAliveS,
      clientId: `${this.target.clientId}${name}`,
      ...(credentials ?? credentialsOf(this.target)),
      ...changes,
    };
    const visit = await Peer.join(isStranger ? this.#ways.stranger : this.#ways.own, connect, this.target.timeoutMs);
    this.#open.add(visit.peer);
    return visit;
  }

  /** Says goodbye on all connections that are left. */
  leave(): void {
    for (const peer of this.#open) peer.leave();
    this.#open.clear();
  }
}

function credentialsOf({ username, password }: Target): Credentials {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: encoder.encode(password) }),
  };
}
