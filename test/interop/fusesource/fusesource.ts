import { fileURLToPath } from 'node:url';
import { programPath } from '../../support/programs.js';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';
import { compile } from '../native-programs.js';

const SOURCE = fileURLToPath(new URL('Client.java', import.meta.url));

let classPath = '';

export const FUSESOURCE: Subject = {
  name: 'FuseSource mqtt-client',
  needs: ['java', 'javac', 'mqtt-client.jar', 'hawtbuf.jar', 'hawtdispatch.jar', 'hawtdispatch-transport.jar'],
  versions: [3, 4],
  lacks: { properties: 'has no MQTT 5.0', webSocket: 'has none' },
  async prepare(folder) {
    const jars = (['mqtt-client.jar', 'hawtbuf.jar', 'hawtdispatch.jar', 'hawtdispatch-transport.jar'] as const).map(
      programPath,
    );
    classPath = [folder, ...jars].join(':');
    await compile('javac', ['-Xlint:all', '-cp', classPath, '-d', folder, SOURCE]);
  },
  // These flags halve the time that the machine takes to start.
  connect: (options) =>
    LineClient.connect(
      [programPath('java'), '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath, 'Client'],
      options,
    ),
};
