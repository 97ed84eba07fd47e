// @ts-check
// `npm run docs:configuration`: writes docs/configuration.md from the table of options.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.js';

setUp();
const { configurationText } = await import('@cauldron/broker');
writeFileSync(join(ROOT, 'docs/configuration.md'), configurationText());
