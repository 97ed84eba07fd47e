import { type Connack, type Connect, PacketType, type ProtocolVersion } from '@cauldron/codec';
import { Peer } from './peer.js';
import type { Target } from './target.js';
import type { Way } from './way.js';

export interface Visit {
  readonly peer: Peer;
  readonly connack: Connack;
}

/** What a CONNECT has besides the usual. */
type Changes = Omit<Partial<Connect>, keyof Credentials> & {
  /** Others than those of the person who asked. */
  readonly credentials?: Credentials;
};

type Credentials = Pick<Connect, 'username' | 'password'>;

const KEEP_ALIVE_S = 60;
const encoder = new TextEncoder();

/** Connections to one broker, as the person who asked. They are all closed in the end, whatever happens. */
export class Visits {
  readonly target: Target;
  /** The newest version that the broker takes. */
  readonly version: ProtocolVersion;
  readonly #way: Way;
  readonly #keepAliveS: number;
  readonly #open = new Set<Peer>();

  /** @param keepAliveS seconds */
  constructor(target: Target, way: Way, version: ProtocolVersion, keepAliveS = KEEP_ALIVE_S) {
    this.target = target;
    this.version = version;
    this.#keepAliveS = keepAliveS;
    this.#way = way;
  }

  /**
   * Connects. @param name what the client id ends with; `changes` to the CONNECT.
   * @throws (rejects) the system's error, NoAnswer, PeerError
   */
  async join(name: string, { credentials, ...changes }: Changes = {}): Promise<Visit> {
    const connect: Connect = {
      type: PacketType.CONNECT,
      protocolVersion: this.version,
      clean: true,
      keepAlive: this.#keepAliveS,
      clientId: `${this.target.clientId}${name}`,
      ...(credentials ?? credentialsOf(this.target)),
      ...changes,
    };
    const visit = await Peer.join(this.#way, connect, this.target.timeoutMs);
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
