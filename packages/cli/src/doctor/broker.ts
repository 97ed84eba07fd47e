import { randomBytes } from 'node:crypto';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import { COMMON_FLAGS, runTool, type Tool } from '../command-line/tool.js';
import { TLS_FLAGS } from '../connection/tls-flags.js';
import { examine } from './examination.js';
import type { Finding } from './finding.js';
import { reportJson, TextReport } from './report.js';
import { targetFrom } from './target.js';
import { DOCTOR_EXIT, verdictOn } from './verdict.js';

/** MQTT 3.1 takes 23 characters of a client id; further ones of the examination follow. */
const RANDOM_BYTES = 4;

const FLAGS = {
  username: { short: '-u', long: '--username', kind: 'text', value: 'NAME', doc: 'User name.' },
  password: { short: '-P', long: '--pw', kind: 'text', value: 'PASSWORD', doc: 'Password.' },
  topic: {
    short: '-t',
    long: '--topic',
    kind: 'text',
    value: 'TOPIC',
    doc: 'Uses topics beneath this one. Default cauldron/doctor.',
  },
  id: { short: '-i', long: '--id', kind: 'text', value: 'ID', doc: 'Client ids begin with it. Default: made up.' },
  timeout: {
    long: '--timeout',
    kind: 'decimal',
    value: 'SECONDS',
    lowest: 0.1,
    doc: 'How long to wait for each answer. Default 5.',
  },
  json: { long: '--json', kind: 'switch', doc: 'The report for programs.' },
  ...TLS_FLAGS,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

export const DOCTOR: Tool<typeof FLAGS> = {
  name: 'doctor',
  summary: `Examines a broker as an expert would: address, TLS and certificates, WebSocket,
versions, limits, who gets in, retained messages, QoS 2, shared subscriptions,
wills, round trips; and says what to do about what is not well. Works with any
broker, leaves nothing behind, and changes nothing that was there.
Exit status: 0 all is well, 1 it works, but something is not well, 2 it cannot be used.`,
  usage: 'URL [OPTIONS]',
  examples: [
    'mqtts://broker.example.org -u jjolie -P secret',
    'localhost',
    'wss://broker.example.org/mqtt --cafile ca.crt --json',
    'conformance mqtt://localhost:1883',
  ],
  flags: FLAGS,
  notes: `\`cauldron doctor conformance\` tests a broker against every statement of the standards;
it has options of its own.\n`,
  usageExitCode: DOCTOR_EXIT.UNUSABLE,
};

/** `cauldron doctor URL`. */
export function runBrokerDoctor(argv: readonly string[]): Promise<number> {
  return runTool(DOCTOR, argv, examineBroker);
}

async function examineBroker(values: Values<typeof FLAGS>, [address, more]: readonly string[]): Promise<number> {
  if (address === undefined) throw new UsageError('Which broker? cauldron doctor mqtts://broker.example.org');
  if (more !== undefined) throw new UsageError(`One broker at a time: what is '${more}'?`);
  const target = targetFrom(address, values, randomBytes(RANDOM_BYTES).toString('hex'));
  const findings: Finding[] = [];
  const text = new TextReport((line) => process.stdout.write(line), process.stdout.columns);
  if (!values.json) text.begin(target.url);
  const isWhole = await examine(target, (finding) => {
    findings.push(finding);
    if (!values.json) text.tell(finding);
  });
  const verdict = verdictOn(findings, !isWhole);
  if (values.json) process.stdout.write(reportJson(target.url, findings, verdict));
  else text.end(verdict);
  return verdict.exitStatus;
}
