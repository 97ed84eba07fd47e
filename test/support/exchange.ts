import { PacketType, type Publish, type ReasonCode } from '@cauldron/codec';
import type { TestClient } from './test-client.js';

type Message = Awaited<ReturnType<TestClient['expectMessage']>>;

/** Publishes and sees the whole exchange through; returns what the broker said to the message (0 with QoS 0). */
export async function publishThrough(
  client: TestClient,
  topic: string,
  payload: string,
  options: Partial<Publish> = {},
): Promise<ReasonCode> {
  const packetId = client.publish(topic, payload, options);
  if (options.qos === 1) return (await client.expect(PacketType.PUBACK)).reasonCode;
  if (options.qos !== 2) return 0;
  const { reasonCode } = await client.expect(PacketType.PUBREC);
  if (reasonCode >= 0x80) return reasonCode;
  client.acknowledge(PacketType.PUBREL, packetId);
  await client.expect(PacketType.PUBCOMP);
  return reasonCode;
}

/** The next message, seen through to the end of its exchange. */
export async function takeMessage(client: TestClient): Promise<Message> {
  const message = await client.expectMessage();
  const { qos, packetId = 0 } = message;
  if (qos === 1) client.acknowledge(PacketType.PUBACK, packetId);
  if (qos === 2) {
    client.acknowledge(PacketType.PUBREC, packetId);
    await client.expect(PacketType.PUBREL);
    client.acknowledge(PacketType.PUBCOMP, packetId);
  }
  return message;
}

/** The payloads of the next messages, each seen through. */
export async function takeTexts(client: TestClient, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push((await takeMessage(client)).text);
  return texts;
}
