import { CLIENT_SECTIONS } from './client/index.js';
import { EDGE_CASES } from './edge-cases/index.js';
import { SERVER_SECTIONS } from './sections/index.js';
import type { Section } from './suite/section.js';

export { type Endpoint, openTcp } from './raw/channels.js';
export { LEVELS, type Level, STANDARD, STATEMENTS, type Statement } from './statements/index.js';
export { ARRANGEMENTS, type ArrangementName } from './suite/arrangements.js';
export { documentText, gapsOf, keyOf, type Verdicts, verdictsOf } from './suite/document.js';
export { reportJson, reportText, summaryOf } from './suite/report.js';
export {
  type Instance,
  instancesOf,
  nameOf,
  type Outcome,
  type Result,
  runAll,
  type Selection,
} from './suite/runner.js';
export type { Target } from './suite/target.js';
export { AddressTarget } from './targets/address-target.js';
export { cauldronTarget } from './targets/cauldron-target.js';
export { mosquittoTarget, mosquittoVersion } from './targets/mosquitto-target.js';
export { UNTESTABLE, type Untestable } from './untestable.js';

/** All tests, in the order of a report. */
export const SECTIONS: readonly Section[] = [...SERVER_SECTIONS, ...EDGE_CASES, ...CLIENT_SECTIONS];
