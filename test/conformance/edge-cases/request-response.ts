import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** A client that asked for response information, and what it got. */
async function requester(t: ServerTest, label: string): Promise<{ client: RawClient; information: string }> {
  const client = await t.open(label);
  const { properties } = await client.connect({
    clientId: t.clientId(),
    properties: { requestResponseInformation: 1 },
  });
  const { responseInformation } = properties;
  if (responseInformation === undefined) t.skip('the broker gives no response information');
  return { client, information: responseInformation };
}

export const requestResponse = serverSection('Request and response', (test) => {
  test('response information can begin a response topic', { 5: [] }, async (t) => {
    const { client, information } = await requester(t, 'requester');
    t.ok(information !== '' && !/[+#]/.test(information), `The response information is '${information}'`);
    const responseTopic = `${information}answers`;
    const { reasonCodes } = await client.subscribe({ filter: responseTopic, qos: 1 });
    t.equal(reasonCodes, [1], 'The granted QoS');
    const responder = await t.connected({}, 'responder');
    await responder.subscribe({ filter: t.topic('requests'), qos: 1 });
    for (const correlationData of [Buffer.from('1'), Buffer.from([0, 255, 0]), Buffer.alloc(0)]) {
      const properties = { responseTopic, correlationData };
      await client.publish({ topic: t.topic('requests'), payload: 'what?', qos: 1, properties });
      const request = await responder.receiveMessage();
      t.equal(request.properties, properties, 'The properties of the request');
      const { responseTopic: topic = '', correlationData: data = Buffer.alloc(0) } = request.properties;
      await responder.publish({ topic, payload: 'that', qos: 1, properties: { correlationData: data } });
      const response = await client.receiveMessage();
      t.isMessage(response, responseTopic, 'that', 1);
      t.equal(response.properties, { correlationData }, 'The properties of the response');
    }
  });

  test('each client gets response information of its own, and the same again', { 5: [] }, async (t) => {
    const first = await requester(t, 'first');
    const second = await requester(t, 'second');
    t.ok(first.information !== second.information, 'Both have the same response information');
    const again = await t.open('again');
    const properties = { requestResponseInformation: 1 };
    const connack = await again.connect({ clientId: first.client.clientId, properties });
    t.equal(connack.properties.responseInformation, first.information, 'The response information');
  });

  test('a response topic of one’s own choice works without response information', { 5: [] }, async (t) => {
    const client = await t.connected({}, 'requester');
    await client.subscribe({ filter: t.topic('answers'), qos: 1 });
    const responder = await t.connected({}, 'responder');
    await responder.subscribe({ filter: t.topic('requests'), qos: 1 });
    const properties = { responseTopic: t.topic('answers'), correlationData: Buffer.from('1') };
    await client.publish({ topic: t.topic('requests'), qos: 1, properties });
    const { responseTopic = '' } = (await responder.receiveMessage()).properties;
    await responder.publish({ topic: responseTopic, payload: 'answer', qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic('answers'), 'answer', 1);
  });

  test('a request reaches a responder of 3.1.1, without what only 5.0 has', { 5: [] }, async (t) => {
    const responder = await t.connected({}, 'responder', 4);
    await responder.subscribe(t.topic('requests'));
    const client = await t.connected({}, 'requester');
    const properties = { responseTopic: t.topic('answers'), correlationData: Buffer.from('1') };
    await client.publish({ topic: t.topic('requests'), payload: 'what?', qos: 1, properties });
    t.isMessage(await responder.receiveMessage(), t.topic('requests'), 'what?', 1);
  });
});
