// @ts-check
// `npm start`: sets up what is missing, then runs the broker with cauldron.conf. `npm start -- -p 1884` passes flags on.
import { join } from 'node:path';
import { ROOT, setUp } from './setup.js';

setUp();
process.argv.splice(1, 1, join(ROOT, 'bin', 'cauldron.js'), 'broker', '-c', join(ROOT, 'cauldron.conf'));
await import('../bin/cauldron.js');
