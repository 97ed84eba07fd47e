import {
  encodePasswordHash,
  HASH_KINDS,
  type HashKind,
  hashPassword,
  looksHashed,
  MAX_PBKDF2_ITERATIONS,
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  PasswordRefused,
  userNameProblem,
} from '@cauldron/broker/passwords';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { PasswordPrompt, PromptCancelled } from './command-line/password-prompt.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';
import { PasswordFileEditor, PasswordFileFailure } from './passwd/password-file-editor.js';

const FLAGS = {
  hash: {
    short: '-H',
    kind: 'choice',
    value: 'KIND',
    choices: HASH_KINDS,
    doc: `How to hash: ${HASH_KINDS.join(', ')}. Default: argon2id.`,
  },
  batch: { short: '-b', kind: 'switch', doc: 'Takes the password from the command line, where others can see it.' },
  create: { short: '-c', kind: 'switch', doc: 'Makes a new file, in the place of one that is there. -c - prints.' },
  delete: { short: '-D', kind: 'switch', doc: 'Deletes the user.' },
  update: { short: '-U', kind: 'switch', doc: 'Hashes the passwords of a file that are not hashed yet.' },
  iterations: {
    short: '-I',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: MAX_PBKDF2_ITERATIONS,
    doc: 'How often sha512-pbkdf2 and scram-sha-256 hash. Default: 100000, and 16384.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

type Options = Values<typeof FLAGS>;

export const PASSWD: Tool<typeof FLAGS> = {
  name: 'passwd',
  summary: 'Sets the password of a user in a password file, which the broker reads as password_file.',
  usage: `[-H KIND] [-I N] [-c | -D] FILE USER
       cauldron passwd [-H KIND] [-I N] [-c] -b FILE USER PASSWORD
       cauldron passwd [-H KIND] [-I N] -U FILE`,
  examples: ['-c /etc/cauldron/passwords anna', '/etc/cauldron/passwords bob', '-D /etc/cauldron/passwords bob'],
  flags: FLAGS,
  notes: `Kinds:
  argon2id       the hardest to guess; read by Mosquitto since 2.1
  scram-sha-256  for clients that prove a password without sending it; read by no Mosquitto
  sha512-pbkdf2  read by Mosquitto since 2.0
  sha512         read by every Mosquitto; easy to guess

The password is asked for twice, or read from two lines of standard input. The broker reads a changed file when it is
told to: cauldron reload. Exit status: 0 done, 1 not done, 2 the two passwords differ.
`,
};

/** The two passwords that were typed. */
const DIFFERENT_STATUS = 2;
const CANCELLED_STATUS = 130;
const MAX_PASSWORD_BYTES = 65_535;
const STANDARD_OUTPUT = '-';

/** `cauldron passwd`, and `mosquitto_passwd`. @param program the name that it was called by, if another */
export function runPasswd(argv: readonly string[], program?: string): Promise<number> {
  const end = endOfFlags(argv);
  const tool = { ...PASSWD, ...(program !== undefined && { program }) };
  return runTool(tool, argv.length === 0 ? ['--help'] : argv.slice(0, end), async (options) => {
    try {
      return await change(options, argv.slice(end));
    } catch (error) {
      if (error instanceof PromptCancelled) return CANCELLED_STATUS;
      const isExpected = error instanceof PasswordFileFailure || error instanceof PasswordRefused;
      if (!isExpected) throw error;
      const text = error instanceof PasswordRefused ? `The password cannot be used: ${error.message}.` : error.message;
      process.stderr.write(`Error: ${text}\n`);
      return 1;
    }
  }).then((status) => (argv.length === 0 ? 1 : status));
}

/** Where the file stands: behind it nothing is a flag, so that a password may begin with a dash. */
function endOfFlags(argv: readonly string[]): number {
  const withArgument: string[] = [FLAGS.hash.short, FLAGS.iterations.short];
  let at = 0;
  while (at < argv.length && argv[at].startsWith('-') && argv[at] !== STANDARD_OUTPUT) {
    at += withArgument.includes(argv[at]) ? 2 : 1;
  }
  return Math.min(at, argv.length);
}

async function change(options: Options, operands: readonly string[]): Promise<number> {
  const { batch = false, update = false, create = false } = options;
  checkTogether(options);
  const wanted = update ? ['FILE'] : batch ? ['FILE', 'USER', 'PASSWORD'] : ['FILE', 'USER'];
  if (operands.length !== wanted.length) {
    throw new UsageError(`What is needed here is ${wanted.join(' ')}, not ${operands.length} arguments`);
  }
  const [path, name, password] = operands;
  if (path === STANDARD_OUTPUT && !create) throw new UsageError('Standard output is for -c alone');
  if (update) return hashFile(path, options);
  const problem = userNameProblem(name);
  if (problem !== null) throw new UsageError(`'${name}' cannot be a user name: ${problem}`);
  if (options.delete) return deleteUser(path, name);
  return setPassword({ path, name, password }, options);
}

function checkTogether({ hash, iterations, create, delete: isDelete, update, batch }: Options): void {
  const modes = [create && '-c', isDelete && '-D', update && '-U'].filter((mode) => typeof mode === 'string');
  if (modes.length > 1) throw new UsageError(`${modes[0]} and ${modes[1]} cannot be used together`);
  if (batch && (isDelete || update)) throw new UsageError(`-b and ${modes[0]} cannot be used together`);
  if (hash !== 'scram-sha-256' || iterations === undefined) return;
  if (iterations >= MIN_SCRAM_ITERATIONS && iterations <= MAX_SCRAM_ITERATIONS) return;
  throw new UsageError(`SCRAM takes ${MIN_SCRAM_ITERATIONS} to ${MAX_SCRAM_ITERATIONS} iterations`);
}

interface NewPassword {
  readonly path: string;
  readonly name: string;
  /** Undefined: it is asked for. */
  readonly password: string | undefined;
}

async function setPassword({ path, name, password }: NewPassword, options: Options): Promise<number> {
  const { create = false } = options;
  // What cannot be done is said before anything is asked.
  if (path !== STANDARD_OUTPUT) openFile(path, create);
  const bytes = password === undefined ? await askPassword() : Buffer.from(password);
  if (bytes === null) {
    process.stderr.write('Error: Passwords do not match.\n');
    return DIFFERENT_STATUS;
  }
  if (bytes.length > MAX_PASSWORD_BYTES) throw new UsageError(`A password has at most ${MAX_PASSWORD_BYTES} bytes`);
  const hash = await encoded(bytes, options);
  if (path === STANDARD_OUTPUT) {
    process.stdout.write(`${name}:${hash}\n`);
    return 0;
  }
  const file = openFile(path, create);
  const isThere = file.set(name, hash);
  file.save();
  process.stdout.write(`${isThere ? 'Updating' : 'Adding'} password for user ${name}\n`);
  return 0;
}

function openFile(path: string, create: boolean): PasswordFileEditor {
  return create ? PasswordFileEditor.create(path) : PasswordFileEditor.open(path);
}

function deleteUser(path: string, name: string): number {
  const file = PasswordFileEditor.open(path);
  if (!file.delete(name)) {
    process.stderr.write(`Warning: User ${name} not found in password file.\n`);
    return 1;
  }
  file.save();
  return 0;
}

async function hashFile(path: string, options: Options): Promise<number> {
  const file = PasswordFileEditor.open(path);
  const changed = await file.mapHashes((text) =>
    looksHashed(text.toString('latin1')) ? null : encoded(text, options),
  );
  if (changed > 0) file.save();
  process.stdout.write(`${changed} ${changed === 1 ? 'password was' : 'passwords were'} hashed.\n`);
  return 0;
}

async function encoded(password: Buffer, { hash = 'argon2id', iterations }: Options): Promise<string> {
  const kind = hash as HashKind;
  return encodePasswordHash(await hashPassword(password, { kind, iterations }));
}

function askPassword(): Promise<Buffer | null> {
  return new PasswordPrompt(process.stdin, (text) => process.stdout.write(text)).askTwice();
}
