import { readConfig, startServer, VERSION } from '@cauldron/broker';
import { ARRANGEMENTS } from '../suite/arrangements.js';
import { StartedTarget } from './started-target.js';

/** This product's broker, in this process, on free ports of 127.0.0.1. */
export function cauldronTarget(): StartedTarget {
  return new StartedTarget(`cauldron ${VERSION}`, { graceMs: 0, mustExplain: true }, async (arrangement) => {
    const lines = ['listener 0 127.0.0.1', 'allow_anonymous true', 'log_type none', ...ARRANGEMENTS[arrangement].lines];
    const server = await startServer(readConfig(lines.join('\n'), arrangement));
    const [{ address, port }] = server.endpoints;
    return {
      endpoint: { host: address, port, webSocketUrl: `ws://${address}:${port}/mqtt` },
      stop: () => server.stop(),
    };
  });
}
