import { fileURLToPath } from 'node:url';
import { programPath } from '../../support/programs.js';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';
import { compile } from '../native-programs.js';

const SOURCE = fileURLToPath(new URL('Client.java', import.meta.url));

/** Of the client, and of what it needs. */
export const JARS = ['mqtt-client.jar', 'hawtbuf.jar', 'hawtdispatch.jar', 'hawtdispatch-transport.jar'] as const;

let classPath = '';

export const FUSESOURCE: Subject = {
  name: 'FuseSource mqtt-client',
  needs: ['java', 'javac', ...JARS],
  versions: [3, 4],
  lacks: { properties: 'has no MQTT 5.0', webSocket: 'has none' },
  async prepare(folder) {
    classPath = [folder, ...JARS.map(programPath)].join(':');
    await compile('javac', ['-Xlint:all', '-cp', classPath, '-d', folder, SOURCE]);
  },
  connect: (options) => LineClient.connect([programPath('java'), '-cp', classPath, 'Client'], options),
};
