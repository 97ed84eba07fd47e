import { assertTopicName, PacketType, type Publish, type QoS } from '@cauldron/codec';
import { bytesOf } from './bytes.js';
import type { ConnectOptions, PublishProperties, WillOptions } from './options.js';
import { OutgoingMessage } from './outgoing-message.js';
import type { Session } from './session.js';

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

  /** @throws ProtocolError for a topic that is none; TypeError for a will of its own beside `presence` */
  constructor({ presence, birth, will }: ConnectOptions) {
    if (presence !== undefined) assertTopicName(presence.topic);
    if (birth !== undefined) assertTopicName(birth.topic);
    if (presence !== undefined && will !== undefined) {
      throw new TypeError('`presence` is a will already: a connection has only one');
    }
    this.#presence = presence;
    this.#birth = birth;
  }

  get will(): WillOptions | undefined {
    if (this.#presence === undefined) return undefined;
    const { topic, offline = 'offline', qos = 1, retain = true } = this.#presence;
    return { topic, payload: offline, qos, retain };
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
    return this.will === undefined ? null : packetOf(this.will);
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
