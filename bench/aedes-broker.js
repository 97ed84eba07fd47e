// aedes as a broker to be measured: `node aedes-broker.js PORT`.
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const broker = await Aedes.createBroker();
createServer({ noDelay: true }, broker.handle).listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
