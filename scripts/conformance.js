// @ts-check
// `npm run conformance -- mqtt://localhost:1883`: sets up what is missing, then `cauldron doctor conformance`.
import { join } from 'node:path';
import { ROOT, setUp } from './setup.js';

setUp();
process.argv.splice(1, 1, join(ROOT, 'bin', 'cauldron.js'), 'doctor', 'conformance');
await import('../bin/cauldron.js');
