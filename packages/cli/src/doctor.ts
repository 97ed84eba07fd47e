import { nearestName } from '@cauldron/broker/nearest-name';

/** Bad usage, as with the other tools. */
const USAGE_EXIT_CODE = 1;

interface Examination {
  readonly summary: string;
  readonly run: (args: string[]) => Promise<number>;
}

const EXAMINATIONS: Readonly<Record<string, Examination>> = {
  conformance: {
    summary: 'Tests a broker against every normative statement of MQTT 3.1.1 and 5.0',
    run: async (args) => (await import('./conformance.js')).runConformance(args),
  },
};

/** `cauldron doctor EXAMINATION`: finds out what is wrong. Resolves with the exit status. */
export async function runDoctor([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? USAGE_EXIT_CODE : 0;
  }
  const examination = EXAMINATIONS[name];
  if (examination !== undefined && Object.hasOwn(EXAMINATIONS, name)) return examination.run(rest);
  const near = nearestName(name, Object.keys(EXAMINATIONS));
  const hint =
    near === undefined ? '`cauldron doctor --help` lists them.' : `Did you mean \`cauldron doctor ${near}\`?`;
  process.stderr.write(`cauldron doctor: there is no examination '${name}'. ${hint}\n`);
  return USAGE_EXIT_CODE;
}

function help(): string {
  const list = Object.entries(EXAMINATIONS).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  return `Usage: cauldron doctor EXAMINATION [OPTIONS]

${list.join('\n')}

\`cauldron doctor EXAMINATION --help\` tells its options.
`;
}
