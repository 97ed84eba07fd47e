import type { Properties, QoS } from '@cauldron/codec';

/** What a format can print; the messages of the client have all of it. */
export interface PrintedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Stands for the payload wherever that is shown as text. */
  readonly decoded?: Uint8Array | undefined;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Absent when QoS is 0. */
  readonly packetId?: number | undefined;
  /** Absent before MQTT 5. Its keys stand in the order of the packet. */
  readonly properties?: Properties | undefined;
}
