// @ts-check
// `npm run conformance:document`: judges this broker and client, and Debian's Mosquitto, and writes docs/conformance.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.js';

setUp();
const {
  cauldronTarget,
  documentText,
  gapsOf,
  instancesOf,
  mosquittoTarget,
  reportText,
  runAll,
  SECTIONS,
  UNTESTABLE,
  verdictsOf,
} = await import('@cauldron/conformance');

/** Most tests wait for something; more at once would wait for each other. */
const JOBS = 16;

const instances = instancesOf(SECTIONS);
const gaps = gapsOf(instances, UNTESTABLE);
for (const gap of gaps) console.error(gap);

const own = cauldronTarget();
const ownResults = await runAll(instances, own, { jobs: JOBS });
await own.close();
const failed = ownResults.filter(({ outcome }) => outcome.kind !== 'passed');
if (failed.length > 0) {
  console.error(reportText(failed, own.name, true));
  console.error('The document says what is true, and this is not to be written there. Nothing was changed.');
  process.exit(1);
}

const other = mosquittoTarget();
const otherResults = await runAll(
  instances.filter(({ side }) => side === 'server'),
  other,
  { jobs: JOBS },
);
await other.close();
const recorded = verdictsOf(other.name, otherResults);
mkdirSync(join(ROOT, 'test/conformance/recorded'), { recursive: true });
writeFileSync(join(ROOT, 'test/conformance/recorded/mosquitto.json'), `${JSON.stringify(recorded, null, 2)}\n`);
const document = documentText(instances, UNTESTABLE, [verdictsOf('cauldron', ownResults), recorded]);
writeFileSync(join(ROOT, 'docs/conformance.md'), document);
console.log(
  `docs/conformance.md: ${instances.length} tests; ${other.name} in test/conformance/recorded/mosquitto.json`,
);
if (gaps.length > 0) process.exitCode = 1;
