import { fileURLToPath } from 'node:url';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';

const SCRIPT = fileURLToPath(new URL('client.js', import.meta.url));

/** In Node.js; test/interop/browser.test.ts has it in Chromium. */
export const MQTT_JS: Subject = {
  name: 'MQTT.js',
  needs: [],
  versions: [3, 4, 5],
  lacks: {},
  connect: (options) => LineClient.connect([process.execPath, SCRIPT], options),
};
