// `npm run docs:performance`: makes docs/performance.md from what `npm run bench -- --json FILE` has written. Named files
// become bench/results.json, which is the source when none is named.
import { writeFileSync } from 'node:fs';
import { performanceDocument } from '../bench/document.js';
import { combine, readResults } from '../bench/results.js';

const KEPT = new URL('../bench/results.json', import.meta.url).pathname;
const DOCUMENT = new URL('../docs/performance.md', import.meta.url);

const files = process.argv.slice(2);
const results = (files.length > 0 ? files : [KEPT]).map(readResults).reduce(combine);
writeFileSync(KEPT, `${JSON.stringify(results, null, 1)}\n`);
writeFileSync(DOCUMENT, performanceDocument(results));
