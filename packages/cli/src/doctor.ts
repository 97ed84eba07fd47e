import { nearestName } from '@cauldron/broker/nearest-name';

/** What `doctor` does besides looking at the broker that an address names. */
const CONFORMANCE = 'conformance';
const USAGE_EXIT_CODE = 2;

/** `cauldron doctor URL`, `cauldron doctor conformance`: finds out what is wrong. Resolves with the exit status. */
export async function runDoctor(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv;
  if (first === CONFORMANCE) return (await import('./conformance.js')).runConformance(rest);
  const isName = first !== undefined && /^[a-z]{4,}$/.test(first);
  if (isName && nearestName(first, [CONFORMANCE]) !== undefined) {
    process.stderr.write(`cauldron doctor: did you mean \`cauldron doctor ${CONFORMANCE}\`, or mqtt://${first}?\n`);
    return USAGE_EXIT_CODE;
  }
  return (await import('./doctor/broker.js')).runBrokerDoctor(argv);
}
