// @ts-check
// `npm run docs:man`: writes the manual pages of man/ from the tables of the commands.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.js';

setUp();
const { manualPages } = await import('@cauldron/cli');
const folder = join(ROOT, 'man');
mkdirSync(folder, { recursive: true });
const pages = await manualPages();
for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(join(folder, name));
for (const [name, text] of pages) writeFileSync(join(folder, name), text);
