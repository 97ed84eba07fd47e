import {
  type AccessQuestion,
  authorizerOf,
  ConfigError,
  explainAccess,
  loadConfig,
  StartError,
} from '@cauldron/broker';
import { AccessFileError, type AclAction, explainAcl, readAclFile } from '@cauldron/broker/acl';
import { askBroker } from '@cauldron/broker/control';
import { assertTopicFilter, assertTopicName, ProtocolError, parseSharedFilter } from '@cauldron/codec';
import { type FlagTable, UsageError } from '../command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { CONFIG_EXIT, inColour, operandsFor } from '../config/files.js';
import { chosenBroker, reportingRefusals } from '../running-brokers.js';

const EXIT = { YES: 0, NO: 1, WRONG: CONFIG_EXIT.WRONG } as const;

const FLAGS = {
  user: {
    short: '-u',
    long: '--user',
    kind: 'text',
    value: 'NAME',
    doc: 'The user name. Without it the client is one that has none.',
  },
  client: { short: '-i', long: '--client', kind: 'text', value: 'ID', doc: 'The client id, for lines with %c.' },
  acl: { long: '--acl', kind: 'text', value: 'FILE', doc: 'Asks this ACL file, and shows all lines that match.' },
  config: {
    short: '-c',
    long: '--config-file',
    kind: 'text',
    value: 'FILE',
    doc: 'Asks the ACL files and dynamic security that this configuration names. Without both, a broker that runs is asked.',
  },
  port: {
    short: '-p',
    long: '--port',
    kind: 'integer',
    value: 'N',
    lowest: 0,
    highest: 65_535,
    doc: 'The port of the listener that the client comes through, where listeners have rules of their own.',
  },
  pid: {
    long: '--pid',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 2 ** 31 - 1,
    doc: 'The broker to ask, where several run.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

export const EXPLAIN: Tool<typeof FLAGS> = {
  name: 'acl explain',
  summary: `Tells whether a client may read (receive), write (publish) or subscribe, and what decides: the file and the line, or the
role and its priority. Exit status: 0 it may, 1 it may not, 3 that cannot be said.`,
  usage: '[--user NAME] [--client ID] [--acl FILE | -c FILE] read|write|subscribe TOPIC',
  examples: [
    '--user jjolie --client phone write owntracks/jjolie/phone',
    '--acl new-acl --user fred read owntracks/jjolie/phone',
    '-c /etc/mosquitto/mosquitto.conf --user fred subscribe owntracks/#',
  ],
  flags: FLAGS,
  usageExitCode: EXIT.WRONG,
};

interface Answer {
  readonly allowed: boolean;
  readonly rule: string;
  /** Other lines that match, in the order in which they count. */
  readonly others: readonly string[];
}

/** `cauldron acl explain`. */
export function runAclExplain(argv: readonly string[]): Promise<number> {
  return runTool(EXPLAIN, argv, async (values, operands) => {
    const [action, topic] = operandsFor(['read|write|subscribe', 'TOPIC'], operands);
    if (!isAction(action)) throw new UsageError(`'${action}' is not read, write or subscribe.`);
    checkTopic(action, topic);
    if (values.acl !== undefined && values.config !== undefined) throw new UsageError('--acl and -c go one at a time.');
    const question: AccessQuestion = {
      username: values.user,
      clientId: values.client ?? '',
      action,
      topic,
      port: values.port ?? null,
    };
    const { acl, config, pid } = values;
    if (acl === undefined && config === undefined) {
      const code = await reportingRefusals(async () => {
        const broker = await chosenBroker(pid === undefined ? {} : { pid });
        const { allowed, rule } = await askBroker(broker.path, { command: 'explain', ...question });
        return tell(question, { allowed: allowed === true, rule: String(rule), others: [] }) + SAID;
      });
      return code >= SAID ? code - SAID : EXIT.WRONG;
    }
    try {
      return tell(question, acl !== undefined ? askFile(acl, question) : await askConfig(config ?? '', question));
    } catch (error) {
      for (const problem of problemsOf(error)) process.stderr.write(`Error: ${problem}\n`);
      return EXIT.WRONG;
    }
  });
}

/** Tells an answer's exit status from the 1 with which a broker that cannot be asked is reported. */
const SAID = 0x100;

function isAction(word: string): word is AclAction {
  return word === 'read' || word === 'write' || word === 'subscribe';
}

/** @throws UsageError */
function checkTopic(action: AclAction, topic: string): void {
  try {
    if (action !== 'subscribe') assertTopicName(topic);
    else {
      assertTopicFilter(topic);
      parseSharedFilter(topic);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new UsageError(`${error.message}.`);
  }
}

function askFile(path: string, { username, clientId, action, topic }: AccessQuestion): Answer {
  const { decision, candidates } = explainAcl(readAclFile(path), { username, clientId }, action, topic);
  const lines = candidates.map(({ rule, says }) => `${says}  ${rule}`);
  return { ...decision, others: lines.filter((line) => !line.endsWith(decision.rule)) };
}

async function askConfig(path: string, question: AccessQuestion): Promise<Answer> {
  const config = loadConfig(path);
  const decision = await explainAccess(authorizerOf(config), config, question);
  // If an ACL file has decided, its other lines are of interest.
  const file = [...config.access.values()]
    .flat()
    .find((part) => part.kind === 'acl-file' && decision.rule.startsWith(`${part.path}:`));
  return file === undefined ? { ...decision, others: [] } : { ...askFile(file.path, question), ...decision };
}

function tell({ username, clientId, action, topic }: AccessQuestion, { allowed, rule, others }: Answer): number {
  const who = `${username === undefined ? 'a client without a user name' : username}${clientId === '' ? '' : ` as ${clientId}`}`;
  const what = action === 'subscribe' ? `subscribe to ${topic}` : `${action} ${topic}`;
  const word = allowed ? inColour('green', 'yes') : inColour('red', 'no ');
  process.stdout.write(`${word}  ${who} ${allowed ? 'may' : 'may not'} ${what}\n     ${rule}\n`);
  if (others.length > 0) {
    const title =
      action === 'subscribe' ? 'What may come is decided by:' : 'Other lines that match, and what they would say:';
    process.stdout.write(`${title}\n${others.map((line) => `     ${line}\n`).join('')}`);
  }
  return allowed ? EXIT.YES : EXIT.NO;
}

/** @throws the error itself when it is none that can be expected */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof AccessFileError || error instanceof ConfigError || error instanceof StartError)
    return error.problems;
  throw error;
}
