import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';
import { compile } from '../native-programs.js';

const SOURCE = fileURLToPath(new URL('client.cpp', import.meta.url));

let program = '';

export const PAHO_CPP: Subject = {
  name: 'Paho C++',
  needs: ['g++', 'mqtt/async_client.h', 'MQTTClient.h'],
  versions: [3, 4, 5],
  lacks: { webSocket: 'does not read on when a WebSocket message has more than one packet (Paho C 1.3)' },
  async prepare(folder) {
    program = join(folder, 'client');
    const libraries = ['-lpaho-mqttpp3', '-lpaho-mqtt3as'];
    await compile('g++', ['-std=c++17', '-Wall', '-Wextra', '-o', program, SOURCE, ...libraries]);
  },
  connect: (options) => LineClient.connect([program], options),
};
