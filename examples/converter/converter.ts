// temp/celsius in, temp/fahrenheit and temp/kelvin out: node converter.js [HOST [PORT]]
import { connect, json, topic } from '@cauldron/client';

const celsius = topic('temp/celsius', json<number>());
const converted = topic('temp/{unit}', json<number>());

const [host = 'localhost', port = '1883'] = process.argv.slice(2);
await using client = await connect(`mqtt://${host}:${port}`);
const rounded = (value: number) => Number(value.toFixed(2));

for await (const { value } of await client.subscribe(celsius)) {
  await client.publish(converted.for({ unit: 'fahrenheit' }), rounded(value * 1.8 + 32));
  await client.publish(converted.for({ unit: 'kelvin' }), rounded(value + 273.15));
}
