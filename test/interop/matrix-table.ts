import { FUSESOURCE } from './fusesource/fusesource.js';
import { LIBMOSQUITTO } from './libmosquitto/libmosquitto.js';
import { CAPABILITIES, type Capability, type Subject, VERSION_NAMES } from './matrix.js';
import { MQTT_JS } from './mqtt-js/mqtt-js.js';
import { PAHO_PYTHON } from './paho/paho-python.js';
import { PAHO_C } from './paho-c/paho-c.js';
import { PAHO_CPP } from './paho-cpp/paho-cpp.js';

/** The rows, in the order of the table. */
const SUBJECTS: readonly Subject[] = [PAHO_C, PAHO_CPP, LIBMOSQUITTO, FUSESOURCE, PAHO_PYTHON, MQTT_JS];

/** What the matrix covers, as docs/clients.md shows it: a table, and the reason of each "no". */
export function matrixTable(): string {
  const capabilities = Object.keys(CAPABILITIES) as Capability[];
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rows = SUBJECTS.map(({ name, versions, lacks }) => {
    const cells = capabilities.map((capability) => (lacks[capability] === undefined ? 'yes' : 'no'));
    return row([name, versions.map((version) => VERSION_NAMES[version]).join(', '), ...cells]);
  });
  const reasons = SUBJECTS.flatMap(({ name, lacks }) =>
    capabilities.flatMap((capability) => {
      const reason = lacks[capability];
      return reason === undefined ? [] : [`- ${name}, ${CAPABILITIES[capability]}: ${reason}`];
    }),
  );
  return [
    row(['client', 'MQTT', ...Object.values(CAPABILITIES)]),
    `|${'---|'.repeat(2 + capabilities.length)}`,
    ...rows,
    '',
    ...reasons,
    '',
  ].join('\n');
}
