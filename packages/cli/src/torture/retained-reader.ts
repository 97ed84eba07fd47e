import { PacketType, ReasonCode } from '@cauldron/codec';
import type { Model } from './model.js';
import { MqttLink } from './mqtt-link.js';
import { numberIn } from './payload.js';

/**
 * Looks once at all retained messages, through a subscription of its own, and tells the model what there is and what is
 * not. What it has not seen to the end does not count.
 */
export class RetainedReader {
  readonly #link: MqttLink;
  readonly #seen = new Map<string, number>();
  #since = 0;

  /**
   * @param onDone called once, at the end, however it came
   * @param filter matches all topics of retained messages that the model knows, and no others
   */
  constructor(port: number, clientId: string, filter: string, model: Model, onDone: () => void) {
    this.#link = new MqttLink(port, 5, {
      opened: () => {
        this.#link.send({ type: PacketType.CONNECT, protocolVersion: 5, clean: true, keepAlive: 0, clientId });
      },
      packet: (packet) => {
        if (packet.type === PacketType.CONNACK) {
          this.#since = model.timeline.now();
          const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
          this.#link.send({ type: PacketType.SUBSCRIBE, packetId: 1, subscriptions: [{ filter, ...options }] });
        } else if (packet.type === PacketType.PUBLISH) {
          const { topic, payload, packetId, retain } = packet;
          const number = numberIn(payload, topic);
          // Without the flag it is no retained message, but one that has just been published.
          if (retain) this.#seen.set(topic, number ?? Number.NaN);
          if (packetId === undefined) return;
          this.#link.send({ type: PacketType.PUBACK, packetId, reasonCode: ReasonCode.SUCCESS });
        } else if (packet.type === PacketType.SUBACK) this.#link.send({ type: PacketType.PINGREQ });
        else if (packet.type === PacketType.PINGRESP) {
          model.readRetained(this.#seen, this.#since);
          this.#link.drop();
          onDone();
        }
      },
      ended: onDone,
    });
  }
}
