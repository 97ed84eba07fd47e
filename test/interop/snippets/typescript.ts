import { connect } from '@cauldron/client';

const client = await connect('mqtt://localhost:1883');
await client.subscribe('garden/#', { qos: 1 }, ({ topic, payload }) => {
  console.log(topic, new TextDecoder().decode(payload));
  void client.disconnect();
});
await client.publish('garden/temperature', '21.5', { qos: 1 });
