import {
  AddressTarget,
  ARRANGEMENTS,
  type ArrangementName,
  cauldronTarget,
  type Instance,
  instancesOf,
  type Level,
  openTcp,
  type Result,
  reportJson,
  reportText,
  runAll,
  SECTIONS,
  summaryOf,
  type Target,
} from '@cauldron/conformance';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';

const ExitCode = { PASSED: 0, FAILED: 1, UNREACHABLE: 2 } as const;

const LEVELS: Readonly<Record<string, Level>> = { 3: 4, '3.1.1': 4, 5: 5, '5.0': 5 };

const FLAGS = {
  version: {
    long: '--version',
    kind: 'choice',
    value: 'VERSION',
    choices: Object.keys(LEVELS),
    doc: 'Only this version of MQTT: 3 (3.1.1) or 5 (5.0).',
  },
  only: {
    long: '--only',
    kind: 'text',
    value: 'ID',
    doc: 'Only the tests of this statement or section: MQTT-3.3.1-5, or 3.3.',
  },
  arranged: {
    long: '--with',
    kind: 'choice',
    value: 'SETTING',
    choices: Object.keys(ARRANGEMENTS),
    doc: 'Only the tests that need this setting, which the broker has been given. See below.',
  },
  webSocket: {
    long: '--websocket',
    kind: 'text',
    value: 'URL',
    doc: 'Where the broker takes WebSocket connections, for the tests of section 6: ws://localhost:8080/mqtt.',
  },
  timeout: {
    long: '--timeout',
    kind: 'decimal',
    value: 'SECONDS',
    lowest: 0.1,
    doc: 'How long to wait for each answer. Default 5.',
  },
  jobs: {
    long: '--jobs',
    kind: 'integer',
    value: 'COUNT',
    lowest: 1,
    highest: 256,
    doc: 'Tests at a time. Default 16; 1 to read the log of the broker beside the report.',
  },
  json: { long: '--json', kind: 'switch', doc: 'The report for programs.' },
  verbose: { short: '-v', long: '--verbose', kind: 'switch', doc: 'Shows the tests that pass, too.' },
  ...HELP_FLAG,
} as const satisfies FlagTable;

type ConformanceValues = Values<typeof FLAGS>;

const DEFAULT_JOBS = 16;

export const CONFORMANCE: Tool<typeof FLAGS> = {
  name: 'doctor conformance',
  summary: `Tests a broker against the normative statements of MQTT 3.1.1 and 5.0, and many cases beyond them.
Without an address, tests the broker and the client library of this installation.
Exit status: 0 when nothing failed, 1 when something did, 2 when the broker cannot be reached.`,
  usage: '[mqtt://HOST:PORT] [options]',
  examples: [
    'mqtt://localhost:1883',
    'mqtt://localhost:1883 --version 5 --only MQTT-3.3.1-5 -v',
    'mqtt://localhost:1884 --with maximum-qos-1 --json',
  ],
  flags: FLAGS,
  notes: `Settings that some tests need; without --with they are skipped:
${Object.entries(ARRANGEMENTS)
  .map(([name, { doc }]) => `  ${name.padEnd(24)} ${doc}`)
  .join('\n')}
`,
};

/** `cauldron doctor conformance`. */
export function runConformance(argv: readonly string[]): Promise<number> {
  return runTool(CONFORMANCE, argv, examine);
}

async function examine(values: ConformanceValues, [address, more]: readonly string[]): Promise<number> {
  if (more !== undefined) throw new UsageError(`One broker at a time: what is '${more}'?`);
  const isOwn = address === undefined;
  if (isOwn && values.webSocket !== undefined) {
    throw new UsageError('--websocket belongs to the address of a broker: mqtt://HOST:PORT');
  }
  const target = isOwn ? cauldronTarget() : targetAt(address, values);
  const instances = selected(values, isOwn);
  try {
    const unreachable = isOwn ? undefined : await whyUnreachable(target);
    if (unreachable !== undefined) {
      process.stderr.write(`Error: ${address} cannot be reached: ${unreachable}\n`);
      return ExitCode.UNREACHABLE;
    }
    const results = await run(instances, target, values);
    process.stdout.write(report(results, target.name, values));
    return summaryOf(results).failed > 0 ? ExitCode.FAILED : ExitCode.PASSED;
  } finally {
    await target.close();
  }
}

function selected({ version, only, arranged }: ConformanceValues, isOwn: boolean): Instance[] {
  const instances = instancesOf(SECTIONS, {
    ...(version === undefined ? {} : { levels: [LEVELS[version]] }),
    ...(only === undefined ? {} : { only }),
    ...(isOwn ? {} : { side: 'server' as const }),
    ...(arranged === undefined ? {} : { needs: arranged as ArrangementName }),
  });
  if (instances.length > 0) return instances;
  throw new UsageError('No test is like that. Statements look like MQTT-3.3.1-5, sections like 3.3');
}

function run(instances: readonly Instance[], target: Target, values: ConformanceValues): Promise<Result[]> {
  let done = 0;
  const { stderr } = process;
  const onResult = (): void => {
    done++;
    if (!stderr.isTTY) return;
    stderr.write(done < instances.length ? `\r${done} of ${instances.length} tests` : '\r\u001b[K');
  };
  const timeout = values.timeout === undefined ? {} : { timeoutMs: values.timeout * 1000 };
  return runAll(instances, target, { jobs: values.jobs ?? DEFAULT_JOBS, onResult, ...timeout });
}

function report(results: readonly Result[], broker: string, { json, verbose }: ConformanceValues): string {
  return json === true ? reportJson(results, broker) : reportText(results, broker, verbose === true);
}

function targetAt(address: string, { arranged = 'plain', webSocket }: ConformanceValues): Target {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new UsageError(`'${address}' is no address of a broker; one looks like mqtt://localhost:1883`);
  }
  if (url.protocol !== 'mqtt:')
    throw new UsageError(`The tests speak plain MQTT: mqtt://HOST:PORT, not ${url.protocol}//`);
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('The tests connect without a user name: let anonymous clients in for their time');
  }
  const host = url.hostname.replaceAll(/[[\]]/g, '');
  const endpoint = { host, port: Number(url.port || '1883') };
  return new AddressTarget(
    url.host,
    webSocket === undefined ? endpoint : { ...endpoint, webSocketUrl: webSocket },
    arranged as ArrangementName,
  );
}

/** Why no connection to it can be made, or undefined if one can. */
async function whyUnreachable(target: Target): Promise<string | undefined> {
  const endpoint = await target.endpoint('plain');
  if (endpoint === null) return undefined;
  try {
    const channel = await openTcp(endpoint, { onBytes: () => {}, onEnd: () => {} });
    channel.destroy();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
