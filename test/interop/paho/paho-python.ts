import { fileURLToPath } from 'node:url';
import { programPath } from '../../support/programs.js';
import { LineClient } from '../line-client.js';
import type { Subject } from '../matrix.js';

const SCRIPT = fileURLToPath(new URL('client.py', import.meta.url));

/** The Debian package's version of it, 1.6. */
export const PAHO_PYTHON: Subject = {
  name: 'Paho Python',
  needs: ['python3'],
  versions: [3, 4, 5],
  lacks: {},
  // -B: no compiled files beside the sources.
  connect: (options) => LineClient.connect([programPath('python3'), '-B', SCRIPT], options),
};
