// @ts-check
// Connects with a will and waits to be killed: node mortal-client.js OPTIONS_AS_JSON
import { connect } from '@cauldron/client';

const { url, ...options } = JSON.parse(process.argv[2]);
await connect(url, { reconnect: false, ...options });
console.log('connected');
