import { connectAsync } from 'mqtt';

const client = await connectAsync('mqtt://localhost:1883', { protocolVersion: 5 });
client.on('message', (topic, payload) => {
  console.log(topic, payload.toString());
  client.end();
});
await client.subscribeAsync('garden/#', { qos: 1 });
client.publish('garden/temperature', '21.5', { qos: 1 });
