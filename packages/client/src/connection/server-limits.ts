import {
  type Connack,
  MAX_PACKET_SIZE,
  ProtocolError,
  type Publish,
  parseSharedFilter,
  type QoS,
  ReasonCode,
  type Subscribe,
} from '@cauldron/codec';
import { NotSupportedByServer } from '../errors.js';

/** What a server can do, from its CONNACK; with the defaults of the standard, which are also those of 3.1 and 3.1.1. */
export class ServerLimits {
  /** Messages with QoS 1 and 2 that may be on their way at once. */
  readonly receiveMaximum: number;
  readonly maximumQoS: QoS;
  readonly retainAvailable: boolean;
  /** Bytes, fixed header included. */
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly wildcardSubscriptions: boolean;
  readonly subscriptionIdentifiers: boolean;
  readonly sharedSubscriptions: boolean;

  constructor(connack: Connack) {
    const properties = connack.properties ?? {};
    this.receiveMaximum = properties.receiveMaximum ?? 65_535;
    this.maximumQoS = properties.maximumQoS ?? 2;
    this.retainAvailable = properties.retainAvailable !== 0;
    this.maximumPacketSize = properties.maximumPacketSize ?? MAX_PACKET_SIZE;
    this.topicAliasMaximum = properties.topicAliasMaximum ?? 0;
    this.wildcardSubscriptions = properties.wildcardSubscriptionAvailable !== 0;
    this.subscriptionIdentifiers = properties.subscriptionIdentifierAvailable !== 0;
    this.sharedSubscriptions = properties.sharedSubscriptionAvailable !== 0;
  }

  /** @throws NotSupportedByServer; ProtocolError for what no server takes */
  checkPublish(publish: Publish): void {
    // [MQTT-3.3.4-6]
    if (publish.properties?.subscriptionIdentifiers !== undefined) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'A client publishes no subscription identifiers');
    }
    // [MQTT-3.2.2-11]
    if (publish.qos > this.maximumQoS) {
      throw new NotSupportedByServer(`The server takes messages up to QoS ${this.maximumQoS}, not ${publish.qos}`);
    }
    // [MQTT-3.2.2-14]
    if (publish.retain && !this.retainAvailable) throw new NotSupportedByServer('The server retains no messages');
    const alias = publish.properties?.topicAlias ?? 0;
    // [MQTT-3.2.2-17] [MQTT-3.2.2-18]
    if (alias > this.topicAliasMaximum) {
      throw new NotSupportedByServer(`The server takes topic aliases up to ${this.topicAliasMaximum}, not ${alias}`);
    }
  }

  /** @throws NotSupportedByServer */
  checkSubscribe(subscribe: Omit<Subscribe, 'packetId'>): void {
    if (!this.subscriptionIdentifiers && subscribe.properties?.subscriptionIdentifiers !== undefined) {
      throw new NotSupportedByServer('The server has no subscription identifiers');
    }
    for (const { filter } of subscribe.subscriptions) {
      const shared = parseSharedFilter(filter);
      if (shared !== null && !this.sharedSubscriptions) {
        throw new NotSupportedByServer(`The server has no shared subscriptions: ${filter}`);
      }
      if (!this.wildcardSubscriptions && /[+#]/.test(filter)) {
        throw new NotSupportedByServer(`The server has no wildcard subscriptions: ${filter}`);
      }
    }
  }

  /** @throws NotSupportedByServer [MQTT-3.2.2-15] */
  checkSize(bytes: number): void {
    if (bytes > this.maximumPacketSize) {
      throw new NotSupportedByServer(
        `The server takes packets up to ${this.maximumPacketSize} bytes, this one has ${bytes}`,
      );
    }
  }
}
