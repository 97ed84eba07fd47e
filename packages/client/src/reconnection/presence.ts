import { PacketType, type Publish, type QoS } from '@cauldron/codec';
import { bytesOf } from '../bytes.js';
import { absenceOf } from '../connection/connection-settings.js';
import type { ConnectOptions, PublishProperties } from '../options.js';
import { OutgoingMessage } from '../session/outgoing-message.js';
import type { Session } from '../session/session.js';

/** A topic that always tells whether the client is there. */
export interface PresenceOptions {
  topic: string;
  /** Published at each connect. Default `online`. */
  online?: string | Uint8Array;
  /** Published before an orderly end, and the will of each connection. Default `offline`. */
  offline?: string | Uint8Array;
  /** Default 1. */
  qos?: QoS;
  /** Default true. */
  retain?: boolean;
}

/** A message that is published at each connect. */
export interface BirthOptions {
  topic: string;
  /** Empty when absent. */
  payload?: string | Uint8Array;
  /** Default 0. */
  qos?: QoS;
  /** Default false. */
  retain?: boolean;
  properties?: PublishProperties;
}

/** What a client publishes by itself, when it comes and when it goes. */
export class Presence {
  readonly #presence: PresenceOptions | undefined;
  readonly #birth: BirthOptions | undefined;
  /** Topics whose messages are on their way. */
  readonly #underWay = new Set<string>();

  constructor({ presence, birth }: ConnectOptions) {
    this.#presence = presence;
    this.#birth = birth;
  }

  /**
   * Called at each connect: publishes what says that the client is there, before anything that waits in the session. What an
   * earlier connection left of it goes on by itself.
   * @param failed told when a message was not taken
   */
  appear(session: Session, nowMs: number, failed: (topic: string, error: unknown) => void): void {
    for (const packet of this.#births().reverse()) {
      const { topic } = packet;
      if (this.#underWay.has(topic)) continue;
      this.#underWay.add(topic);
      const message = new OutgoingMessage(packet, nowMs);
      session.publishFirst(message, nowMs);
      message.promise.then(
        () => this.#underWay.delete(topic),
        (error) => {
          this.#underWay.delete(topic);
          failed(topic, error);
        },
      );
    }
  }

  /** What is published before an orderly end; null: nothing. */
  farewell(): Publish | null {
    return this.#presence === undefined ? null : packetOf(absenceOf(this.#presence));
  }

  #births(): Publish[] {
    const births: Publish[] = [];
    if (this.#presence !== undefined) {
      const { topic, online = 'online', qos = 1, retain = true } = this.#presence;
      births.push(packetOf({ topic, payload: online, qos, retain }));
    }
    if (this.#birth !== undefined) births.push(packetOf(this.#birth));
    return births;
  }
}

function packetOf({ topic, payload = '', qos = 0, retain = false, properties }: BirthOptions): Publish {
  const packet: Publish = { type: PacketType.PUBLISH, topic, payload: bytesOf(payload), qos, retain, dup: false };
  if (properties !== undefined) packet.properties = { ...properties };
  return packet;
}
