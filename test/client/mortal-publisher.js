// @ts-check
// Publishes through an outbox in a file until it is killed, or until there is no more to say:
// node mortal-publisher.js OPTIONS_AS_JSON
import { connect, fileOutbox } from '@cauldron/client';

const { url, path, clientId, run, count, size } = JSON.parse(process.argv[2]);
const reconnect = { minDelayMs: 1, maxDelayMs: 20, initially: true };
const client = await connect(url, { clientId, outbox: fileOutbox(path), reconnect });
console.log('connected');
const filling = '.'.repeat(size);
for (let number = 0; number < count; number++) {
  const qos = number % 2 === 0 ? 1 : 2;
  await client.publish(`mortal/${qos}`, `${run}:${number} ${filling}`, { qos, until: 'stored' });
  // Whoever reads this may rely on it.
  console.log(`stored ${number}`);
}
await client.disconnect();
