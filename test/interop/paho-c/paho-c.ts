import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';
import { compile } from '../native-programs.js';

const SOURCE = fileURLToPath(new URL('client.c', import.meta.url));

let program = '';

/** Its synchronous API; Paho C++ uses the asynchronous one. */
export const PAHO_C: Subject = {
  name: 'Paho C',
  needs: ['gcc', 'MQTTClient.h'],
  versions: [3, 4, 5],
  lacks: {
    webSocket: 'does not read on when a WebSocket message has more than one packet (1.3)',
  },
  async prepare(folder) {
    program = join(folder, 'client');
    await compile('gcc', ['-std=gnu17', '-Wall', '-Wextra', '-o', program, SOURCE, '-lpaho-mqtt3cs']);
  },
  connect: (options) => LineClient.connect([program], options),
};
