import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import type { KeyKind } from './authority.js';
import { CERTIFICATE_FLAGS, LEAF_DAYS } from './certificates.js';
import { FOLDER_FLAGS, portsIn, SetupFolder, type SetupPorts } from './folder.js';
import { type Owner, textOf } from './kept-files.js';
import { hostFrom } from './machine-names.js';
import type { Questions } from './questions.js';
import { SetupError } from './setup-error.js';
import { namesInPasswords, type SetupUser, USER_NAME } from './users.js';

const PORT = { kind: 'integer', value: 'PORT', lowest: 1, highest: 65_535 } as const;
const DEFAULT_UNIT = '/etc/systemd/system/cauldron.service';
/** Accounts made for brokers, in the order in which the broker itself looks for them. */
const BROKER_ACCOUNTS = ['cauldron', 'mosquitto'];
const ROOT = 'root';

export const SETUP_FLAGS = {
  yes: { short: '-y', long: '--yes', kind: 'switch', doc: 'Asks nothing: what no flag says has its default.' },
  dir: FOLDER_FLAGS.dir,
  name: {
    long: '--name',
    kind: 'list',
    value: 'NAME',
    doc: 'A name or address by which clients reach this machine from elsewhere, such as a dynamic DNS name. Several times for several.',
  },
  user: {
    long: '--user',
    kind: 'list',
    value: 'NAME[:PASSWORD]',
    doc: 'Somebody with an OwnTracks app, or another client. A password is made if none is given; other users of this machine may see one that is. Default: owntracks, if there is nobody yet.',
  },
  friend: {
    long: '--friend',
    kind: 'list',
    value: 'NAME=OTHER[,OTHER]',
    doc: 'NAME sees where these others are.',
  },
  allFriends: { long: '--all-friends', kind: 'switch', doc: 'All users see each other.' },
  recorder: {
    long: '--recorder',
    kind: 'text',
    value: 'NAME[:PASSWORD]',
    doc: 'A program that reads the locations of everybody and publishes nothing, such as the OwnTracks Recorder.',
  },
  port: {
    ...PORT,
    short: '-p',
    long: '--port',
    doc: 'Without TLS, for this machine only. Default: as before, else 1883.',
  },
  tlsPort: { ...PORT, long: '--tls-port', doc: 'With TLS, for everybody. Default: as before, else 8883.' },
  certificatePort: {
    ...PORT,
    long: '--certificate-port',
    lowest: 0,
    doc: 'With TLS, for clients with a certificate in the place of a password, such as 8884. Default: as before, else 0, which is none.',
  },
  key: {
    long: '--key',
    kind: 'choice',
    value: 'KIND',
    choices: ['ecdsa', 'rsa'],
    doc: 'The kind of new keys: ecdsa (P-256, the default), or rsa (2048 bits) for devices that know nothing else.',
  },
  ...CERTIFICATE_FLAGS,
  runAs: {
    long: '--run-as',
    kind: 'text',
    value: 'USER',
    doc: 'Whose rights the broker has when root starts it. Default: cauldron or mosquitto, if there is such a user.',
  },
  logFile: {
    long: '--log-file',
    kind: 'text',
    value: 'FILE',
    doc: 'Where the log goes; stderr is the standard error output, which a service manager keeps. Default: log/cauldron.log in the folder.',
  },
  systemd: { long: '--systemd', kind: 'switch', doc: 'Makes units of systemd, for the broker and for renewals.' },
  unit: {
    long: '--unit',
    kind: 'text',
    value: 'FILE',
    doc: `The unit of the broker. Default ${DEFAULT_UNIT}.`,
  },
  noStart: { long: '--no-start', kind: 'switch', doc: 'Ends the broker again once it has been tested.' },
  help: FOLDER_FLAGS.help,
} as const satisfies FlagTable;

export type SetupValues = Values<typeof SETUP_FLAGS>;

/** What a setup is to make. */
export interface SetupPlan {
  readonly folder: SetupFolder;
  readonly names: readonly string[];
  readonly users: readonly SetupUser[];
  readonly port: number;
  readonly tlsPort: number;
  readonly certificatePort: number | null;
  readonly key: KeyKind;
  readonly days: number;
  /** Null: whoever starts the broker. */
  readonly runAs: { readonly name: string; readonly owner: Owner } | null;
  /** Null: the standard error output. */
  readonly logFile: string | null;
  /** Null: none is wanted. */
  readonly unitFile: string | null;
  readonly isStarted: boolean;
}

/** Asks for what the command line does not say. @throws (rejects) UsageError, SetupError */
export async function planFrom(values: SetupValues, questions: Questions): Promise<SetupPlan> {
  const folder = new SetupFolder(values.dir ?? (await questions.ask('Folder for the configuration', '.')));
  const hasUsers = namesInPasswords(textOf(folder.passwordFile) ?? '').size > 0;
  const names = await namesFrom(values, questions, folder.certificates.givenNames);
  const users = await usersFrom(values, questions, hasUsers);
  const before = portsBefore(folder);
  const certificatePort = values.certificatePort ?? (await certificatePortFrom(questions, before.certificate));
  const key = values.key ?? (await questions.ask('Kind of keys: ecdsa, or rsa for old devices', 'ecdsa', keyProblem));
  const isSystemd = values.systemd ?? (await yesNo(questions, 'Make units of systemd', false));
  const isStarted = values.noStart ? false : await yesNo(questions, 'Leave the broker running after its test', true);
  const plan = {
    folder,
    names,
    users,
    port: values.port ?? before.plain ?? 1883,
    tlsPort: values.tlsPort ?? before.tls ?? 8883,
    certificatePort: certificatePort === 0 ? null : certificatePort,
    key: key === 'rsa' ? 'rsa' : 'ecdsa',
    days: values.days ?? LEAF_DAYS,
    runAs: await accountFrom(values.runAs, questions),
    logFile: values.logFile === undefined ? folder.logFile : logFileFrom(values.logFile),
    unitFile: isSystemd || values.unit !== undefined ? resolve(values.unit ?? DEFAULT_UNIT) : null,
    isStarted,
  } as const;
  const ports = [plan.port, plan.tlsPort, plan.certificatePort];
  if (new Set(ports).size < ports.length) throw new UsageError('Each port can be used once only');
  return plan;
}

/** Those of an earlier setup. What is there may be anything, as it will be replaced. */
function portsBefore({ configFile }: SetupFolder): SetupPorts {
  try {
    return portsIn(configFile);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { plain: null, tls: null, certificate: null };
  }
}

async function namesFrom(values: SetupValues, questions: Questions, before: readonly string[]): Promise<string[]> {
  const given =
    values.name ??
    words(
      await questions.ask(
        'Names by which clients reach this machine from the internet, such as myhome.example.org',
        before.join(' '),
        (answer) =>
          words(answer)
            .map(nameProblem)
            .find((problem) => problem !== null) ?? null,
      ),
    );
  for (const name of given) {
    const problem = nameProblem(name);
    if (problem !== null) throw new UsageError(problem);
  }
  return [...new Set([...given, ...before].map((name) => hostFrom(name) ?? name))];
}

function nameProblem(name: string): string | null {
  return hostFrom(name) === null ? `"${name}" is no name or address of a machine, such as myhome.example.org` : null;
}

async function usersFrom(values: SetupValues, questions: Questions, hasUsers: boolean): Promise<SetupUser[]> {
  const byDefault = hasUsers ? '' : 'owntracks';
  const texts =
    values.user ??
    words(
      await questions.ask('Users, separated by blanks', byDefault, (answer) => {
        return (
          words(answer)
            .map(userProblem)
            .find((problem) => problem !== null) ?? null
        );
      }),
    );
  const named = texts.map(userFrom);
  const recorder = values.recorder === undefined ? [] : [userFrom(values.recorder)];
  const all = [...named, ...recorder].map(({ name }) => name);
  const twice = all.find((name, index) => all.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`There can be only one user ${twice}`);
  const isShared =
    values.allFriends ??
    (named.length > 1 && values.friend === undefined && (await yesNo(questions, 'Do they all see each other', false)));
  const seen = friendsFrom(
    values.friend ?? [],
    named.map(({ name }) => name),
  );
  const users = named.map(({ name, password }) => {
    const others = named.map((other) => other.name).filter((other) => other !== name);
    return { name, password, sees: isShared ? others : (seen.get(name) ?? []) };
  });
  return [...users, ...recorder.map((user) => ({ ...user, sees: 'everybody' as const }))];
}

function userFrom(text: string): { name: string; password: string | null } {
  const problem = userProblem(text);
  if (problem !== null) throw new UsageError(problem);
  const colon = text.indexOf(':');
  return colon < 0 ? { name: text, password: null } : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Says nothing of a password. */
function userProblem(text: string): string | null {
  const [name] = text.split(':', 1);
  if (!USER_NAME.test(name)) {
    return `"${name}" cannot be the name of a user: letters, digits, and . _ - between them, 64 at most`;
  }
  return text === `${name}:` ? `The password of ${name} is empty` : null;
}

function friendsFrom(texts: readonly string[], names: readonly string[]): Map<string, string[]> {
  const seen = new Map<string, string[]>();
  for (const text of texts) {
    const [viewer, others, ...more] = text.split('=');
    if (others === undefined || more.length > 0) throw new UsageError(`--friend is NAME=OTHER,OTHER, not "${text}"`);
    if (!names.includes(viewer)) throw new UsageError(`--friend ${text}: ${viewer} is none of the users (--user)`);
    const friends = others.split(',');
    const wrong = friends.find((friend) => !USER_NAME.test(friend));
    if (wrong !== undefined) throw new UsageError(`--friend ${text}: "${wrong}" cannot be the name of a user`);
    seen.set(viewer, [...(seen.get(viewer) ?? []), ...friends]);
  }
  return seen;
}

async function certificatePortFrom(questions: Questions, before: number | null): Promise<number> {
  const answer = await questions.ask(
    'Port for clients with certificates, such as 8884; 0 for none',
    String(before ?? 0),
    (text) =>
      /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? null : 'A port is a number from 1 to 65535; 0 is none.',
  );
  return Number(answer);
}

function keyProblem(answer: string): string | null {
  return answer === 'ecdsa' || answer === 'rsa' ? null : 'It is ecdsa or rsa.';
}

async function accountFrom(given: string | undefined, questions: Questions): Promise<SetupPlan['runAs']> {
  if (process.geteuid?.() !== 0) {
    if (given !== undefined) throw new UsageError('--run-as is for root: others have no rights to give up');
    return null;
  }
  const known = BROKER_ACCOUNTS.find((name) => ownerOf(name) !== null);
  const name =
    given ??
    (await questions.ask('User whose rights the broker has', known ?? '', (answer) =>
      ownerOf(answer) === null ? 'There is no such user. In another terminal: useradd --system cauldron' : null,
    ));
  const owner = ownerOf(name);
  if (owner !== null) return { name, owner };
  throw new UsageError(
    name === ''
      ? `The broker should not have the rights of root. Make a user for it (useradd --system cauldron), or name one by --run-as`
      : `There is no user ${name} on this machine`,
  );
}

function ownerOf(name: string): Owner | null {
  if (name === ROOT) return { uid: 0, gid: 0 };
  if (name === '' || name.startsWith('-')) return null;
  const ask = (what: string): number =>
    Number(execFileSync('id', [what, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: ask('-u'), gid: ask('-g') };
  } catch {
    return null;
  }
}

function logFileFrom(text: string): string | null {
  return text === 'stderr' ? null : resolve(text);
}

async function yesNo(questions: Questions, question: string, byDefault: boolean): Promise<boolean> {
  const answer = await questions.ask(`${question} (yes, no)`, byDefault ? 'yes' : 'no', (text) =>
    /^(y|yes|n|no)$/i.test(text) ? null : 'Yes or no?',
  );
  return /^y/i.test(answer);
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
