// @ts-check
// Connects with MQTT.js and waits to be killed: node mortal-client.js URL OPTIONS_AS_JSON
import { connectAsync } from 'mqtt';

const [, , url, options] = process.argv;
await connectAsync(url, JSON.parse(options));
console.log('connected');
