// Node-RED without its editor: `node host.js FOLDER` runs the flows.json of that folder, where it also keeps its own files.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import runtime from '@node-red/runtime';
import util from '@node-red/util';

const settings = {
  userDir: process.argv[2],
  flowFile: 'flows.json',
  coreNodesDir: dirname(createRequire(import.meta.url).resolve('@node-red/nodes/package.json')),
  nodesDir: fileURLToPath(new URL('nodes', import.meta.url)),
  // Standard output is for the lines of the flows.
  logging: {
    console: { level: 'off' },
    stderr: {
      level: 'warn',
      handler:
        () =>
        ({ msg }) =>
          console.error(msg),
    },
  },
  telemetry: { enabled: false, updateNotification: false },
  mqttReconnectTime: 50,
};
util.init(settings);
runtime.init(settings);
runtime.events.once('flows:started', () => console.log('{"from":"host","text":"started"}'));
await runtime.start();
