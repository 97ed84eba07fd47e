import { afterAll, describe, it } from 'vitest';
import { cauldronTarget, instancesOf, nameOf, SECTIONS, STANDARD } from './index.js';

const target = cauldronTarget();

afterAll(() => target.close());

for (const section of SECTIONS) {
  describe.concurrent(`${section.title}, ${section.side}`, () => {
    for (const instance of instancesOf([section])) {
      it(`${STANDARD[instance.level]}: ${nameOf(instance)}`, async () => {
        const outcome = await instance.run(target);
        // This broker can be arranged for every test, so none is skipped.
        if (outcome.kind === 'skipped') throw new Error(`Skipped: ${outcome.reason}`);
        if (outcome.kind === 'failed') throw new Error(`${outcome.reason}\n${outcome.trace}`);
      });
    }
  });
}
