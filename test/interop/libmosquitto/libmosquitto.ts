import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';
import { compile } from '../native-programs.js';

const SOURCE = fileURLToPath(new URL('client.c', import.meta.url));

let program = '';

export const LIBMOSQUITTO: Subject = {
  name: 'libmosquitto',
  needs: ['gcc', 'mosquitto.h'],
  versions: [3, 4, 5],
  lacks: { webSocket: 'has none (2.0)' },
  async prepare(folder) {
    program = join(folder, 'client');
    await compile('gcc', ['-std=gnu17', '-Wall', '-Wextra', '-o', program, SOURCE, '-lmosquitto']);
  },
  connect: (options) => LineClient.connect([program], options),
};
