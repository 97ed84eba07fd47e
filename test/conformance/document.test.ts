import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { instancesOf, SECTIONS, UNTESTABLE } from './index.js';
import { documentText, gapsOf, keyOf, type Verdicts } from './suite/document.js';

const recorded: Verdicts = JSON.parse(readFileSync(new URL('recorded/mosquitto.json', import.meta.url), 'utf8'));
const document = new URL('../../docs/conformance.md', import.meta.url);
const instances = instancesOf(SECTIONS);

describe('the catalogue of tests', () => {
  it('has a test, or the reason why there is none, for every statement on each side that it binds', () => {
    expect(gapsOf(instances, UNTESTABLE)).toEqual([]);
  });
});

describe('docs/conformance.md', () => {
  it('has a verdict on mosquitto for each test of a broker', () => {
    const keys = instances.filter(({ side }) => side === 'server').map(keyOf);
    expect(Object.keys(recorded.tests).sort(), 'mended by: npm run conformance:document').toEqual(keys.sort());
  });

  it('says what the tests say now', () => {
    // Every test passes on this product; cauldron.test.ts fails otherwise.
    const tests = Object.fromEntries(instances.map((one) => [keyOf(one), 'passed' as const]));
    const wanted = documentText(instances, UNTESTABLE, [{ broker: 'cauldron', tests }, recorded]);
    const found = existsSync(document) ? readFileSync(document, 'utf8') : '';
    expect(found === wanted, 'docs/conformance.md is out of date: npm run conformance:document').toBe(true);
  });
});
