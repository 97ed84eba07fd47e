import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import type { StartedBroker } from '../own-clients/suite.js';

/** Aedes, in this process. */
export async function startAedes(): Promise<StartedBroker> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    port: address.port,
    credentials: {},
    async stop() {
      await new Promise<void>((resolve) => broker.close(resolve));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
