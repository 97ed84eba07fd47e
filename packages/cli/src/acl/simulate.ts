import { type Access, AclRules, readAclFile } from '@cauldron/broker/acl';
import { askBroker } from '@cauldron/broker/control';
import type { FlagTable } from '../command-line/arguments.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { countText } from '../command-line/units.js';
import { CONFIG_EXIT, inColour, operandsFor } from '../config/files.js';
import { printable } from '../ctrl/answer-text.js';
import { CHOICE_FLAGS } from '../reload.js';
import { chosenBroker, reportingRefusals } from '../running-brokers.js';
import { type AccessChange, accessFrom, compareAccesses } from './comparison.js';
import { aclProblemsOf } from './problems.js';

const FLAGS = {
  most: {
    short: '-n',
    long: '--most',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 1_000_000,
    doc: 'Changes that are shown at most (100).',
  },
  ...CHOICE_FLAGS,
} as const satisfies FlagTable;

const DEFAULT_MOST = 100;

export const SIMULATE: Tool<typeof FLAGS> = {
  name: 'acl simulate',
  summary: `Takes what the clients of a running broker did or tried to do within the last hour, and tells who would gain or lose
what if this ACL file alone decided. Nothing changes. Exit status: 0 nobody, 1 somebody, 3 the file is wrong, or there is
no such broker.`,
  usage: 'FILE [--pid N | -c FILE]',
  examples: ['new-acl', 'new-acl -c /etc/mosquitto/mosquitto.conf'],
  flags: FLAGS,
  notes: `
The broker records each access once, with client, user, topic and action, up to 100,000; the oldest go first. Without any
access rules it asks nobody, and has nothing to record.
`,
  usageExitCode: CONFIG_EXIT.WRONG,
};

/** Tells that the outcome was said from the 1 with which a broker that cannot be asked is reported. */
const SAID = 0x100;

/** `cauldron acl simulate`. */
export function runAclSimulate(argv: readonly string[]): Promise<number> {
  return runTool(SIMULATE, argv, async ({ most = DEFAULT_MOST, ...choice }, operands) => {
    const [path] = operandsFor(['FILE'], operands);
    let rules: AclRules;
    try {
      rules = new AclRules(readAclFile(path));
    } catch (error) {
      for (const problem of aclProblemsOf(error)) process.stderr.write(`Error: ${problem}\n`);
      return CONFIG_EXIT.WRONG;
    }
    const code = await reportingRefusals(async () => {
      const broker = await chosenBroker(choice);
      const accesses: Access[] = [];
      await askBroker(broker.path, { command: 'accesses' }, (line) => {
        accesses.push(accessFrom(line));
      });
      const changes = compareAccesses(accesses, rules);
      process.stdout.write(report(accesses, changes, most));
      return SAID + (changes.length === 0 ? CONFIG_EXIT.GOOD : CONFIG_EXIT.DIFFERENT);
    });
    return code >= SAID ? code - SAID : CONFIG_EXIT.WRONG;
  });
}

function report(accesses: readonly Access[], changes: readonly AccessChange[], most: number): string {
  if (accesses.length === 0) {
    return 'The broker has recorded no access: it has no access rules, or nobody did anything within the last hour.\n';
  }
  const clients = new Set(accesses.map(({ clientId }) => clientId)).size;
  const count = `${accesses.length.toLocaleString('en')} access${accesses.length === 1 ? '' : 'es'}`;
  const of = `of ${count} by ${countText(clients, 'client')} within the last hour`;
  if (changes.length === 0) return `Nobody would gain or lose anything ${of}.\n`;
  const shown = changes.slice(0, most).map(changeText);
  const rest = changes.length - shown.length;
  if (rest > 0) shown.push(`... and ${rest} more: -n shows them.\n`);
  const gains = changes.filter((change) => change.gains).length;
  return `${shown.join('')}${gains} would be gained and ${changes.length - gains} lost ${of}.\n`;
}

function changeText({ access, gains, rule }: AccessChange): string {
  const { action, clientId, rule: now, topic, username } = access;
  const word = gains ? inColour('green', 'gains') : inColour('red', 'loses');
  const who = username === undefined ? `${clientId} (no user name)` : `${username} as ${clientId}`;
  return `${word}  ${printable(`${who}: ${action} ${topic}`)}\n       now   ${printable(now)}\n       then  ${rule}\n`;
}
