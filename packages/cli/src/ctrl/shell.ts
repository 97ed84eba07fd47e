import type { ConnectionTarget } from '../connection/connection-flags.js';
import { describeFailure } from '../connection/failure.js';
import { answerText, printable } from './answer-text.js';
import {
  BROKER_COMMANDS,
  type Choice,
  type CommandFields,
  commandNamed,
  DYNSEC_COMMANDS,
  type WordCommand,
} from './command-words.js';
import { ControlClient, ControlFailure, type ControlModule, type ControlReply, MODULES } from './control-client.js';
import { LineSource, type LineSourceOptions } from './line-source.js';

/** Who connects, if nothing else is said. */
export interface Identity {
  readonly username?: string;
  readonly password?: string;
}

export interface ShellOptions extends Pick<LineSourceOptions, 'input' | 'isTerminal'> {
  readonly output: NodeJS.WritableStream;
  /** Where `connect` goes. `url`: what was typed behind it; undefined: nothing. @throws Error that says what is wrong */
  readonly target: (url: string | undefined, identity: Identity) => ConnectionTarget;
}

/** Commands of a mode that the shell itself carries out. */
const PLAIN_COMMANDS: Readonly<Record<string, string>> = {
  auth: 'auth [USERNAME]: sets the user name and the password for connect.',
  connect: 'connect [URL]: connects to mqtt://HOST[:PORT], mqtts://, ws:// or wss://.',
  dynsec: 'dynsec: goes to the mode for clients, groups and roles.',
  broker: 'broker: goes to the mode for the broker itself.',
  disconnect: 'disconnect: ends the connection.',
  return: 'return: leaves the mode.',
  help: 'help [COMMAND]: shows what can be typed.',
  exit: 'exit: ends the program.',
};

const BEFORE = ['auth', 'connect', 'help', 'exit'];
const CONNECTED = ['dynsec', 'broker', 'disconnect', 'help', 'exit'];
const IN_MODULE = ['disconnect', 'return', 'help', 'exit'];

const TABLES = { dynsec: DYNSEC_COMMANDS, broker: BROKER_COMMANDS } as const;
const NO_COMMANDS: Readonly<Record<string, WordCommand>> = {};

/** Lists whose names are completed, and the commands after which they may have changed. */
const LISTS = { client: 'listClients', group: 'listGroups', role: 'listRoles' } as const;
const CHANGES_LISTS = /^(create|delete)/;

interface Connected {
  readonly client: ControlClient;
  readonly url: URL;
}

/** `cauldron ctrl` without a command: one line after the other, with modes before and after a connection. */
export class Shell {
  readonly #options: ShellOptions;
  readonly #lines: LineSource;
  #identity: Identity = {};
  #connected: Connected | null = null;
  #module: ControlModule | null = null;
  /** What there is of each kind, for the completion. */
  readonly #names: Record<keyof typeof LISTS, readonly string[]> = { client: [], group: [], role: [] };

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#lines = new LineSource({ ...options, complete: (line) => this.#completions(line) });
  }

  /** Resolves when somebody has typed `exit`, or there are no more lines. */
  async run(): Promise<void> {
    for (;;) {
      const line = await this.#lines.next(this.#prompt());
      if (line === null) break;
      const words = line.split(' ').filter((word) => word !== '');
      if (words.length === 0) continue;
      if (words[0].toLowerCase() === 'exit') break;
      await this.#carryOut(words);
    }
    this.#lines.close();
    await this.#disconnect();
  }

  #prompt(): string {
    if (this.#connected === null) return '> ';
    const { protocol, hostname, port, pathname } = this.#connected.url;
    const place = protocol === 'unix:' ? pathname : `${hostname}:${port || (protocol === 'mqtts:' ? '8883' : '1883')}`;
    return `${protocol}//${place}${this.#module === null ? '' : `|${this.#module.name}`}> `;
  }

  #say(text: string): void {
    this.#options.output.write(text);
  }

  async #carryOut([typed, ...args]: readonly string[]): Promise<void> {
    const word = typed.toLowerCase();
    try {
      if (this.#plainWords().includes(word)) await this.#carryOutPlain(word, args);
      else await this.#carryOutCommand(typed, args);
    } catch (error) {
      if (error instanceof ControlFailure || this.#connected === null) this.#say(`${(error as Error).message}\n`);
      else this.#say(describeFailure(error, this.#connected.url).text);
    }
  }

  #plainWords(): readonly string[] {
    if (this.#connected === null) return BEFORE;
    return this.#module === null ? CONNECTED : IN_MODULE;
  }

  async #carryOutPlain(word: string, args: readonly string[]): Promise<void> {
    switch (word) {
      case 'auth':
        return this.#authenticate(args[0]);
      case 'connect':
        return this.#connect(args[0]);
      case 'dynsec':
      case 'broker':
        this.#module = MODULES[word];
        return this.#learnNames();
      case 'disconnect':
        return this.#disconnect();
      case 'return':
        this.#module = null;
        return;
      default:
        this.#help(args[0]);
    }
  }

  async #authenticate(given: string | undefined): Promise<void> {
    const username = given ?? (await this.#lines.next('username: '));
    const password = username === null ? null : await this.#askPassword('password: ');
    if (username !== null && password !== null) this.#identity = { username, password };
  }

  async #connect(url: string | undefined): Promise<void> {
    const target = this.#options.target(url, this.#identity);
    let client: ControlClient;
    try {
      client = await ControlClient.open(target, 1);
    } catch (error) {
      this.#say(describeFailure(error, target.url).text);
      return;
    }
    const connected = { client, url: target.url };
    this.#connected = connected;
    void client.closed.then(() => {
      if (this.#connected !== connected) return;
      this.#forgetConnection();
      this.#say('The broker has ended the connection.\n');
    });
  }

  async #disconnect(): Promise<void> {
    const connected = this.#connected;
    this.#forgetConnection();
    await connected?.client.close();
  }

  #forgetConnection(): void {
    this.#connected = null;
    this.#module = null;
  }

  async #carryOutCommand(typed: string, args: readonly string[]): Promise<void> {
    const found = commandNamed(this.#commands(), typed);
    if (found === null) {
      this.#say(`Unknown command '${printable(typed)}'\n`);
      return;
    }
    const { name, command } = found;
    const fields = command.read(args, true);
    if (fields === null) {
      this.#say(`${name} ${command.usage}\n`);
      return;
    }
    if (command.asksFor !== undefined && !fields[command.asksFor]) {
      const password = await this.#newPassword();
      if (password === null) return;
      fields[command.asksFor] = password;
    }
    const reply = await this.#send(name, fields);
    if (reply === null) return;
    if (reply.error !== null) this.#say(`${printable(reply.error)}\n`);
    else this.#say(reply.data === undefined ? 'OK\n' : answerText(name, reply.data));
    if (reply.error === null && CHANGES_LISTS.test(name)) await this.#learnNames();
  }

  async #send(name: string, fields: CommandFields): Promise<ControlReply | null> {
    if (this.#connected === null || this.#module === null) return null;
    return this.#connected.client.send(this.#module, name, fields);
  }

  /** Null: there is none, which was said. */
  async #newPassword(): Promise<string | null> {
    const first = await this.#askPassword('password: ');
    const second = await this.#askPassword('password again: ');
    if (first === second && first !== null && first !== '') return first;
    this.#say(first === second ? 'No password.\n' : 'Passwords do not match.\n');
    return null;
  }

  #askPassword(prompt: string): Promise<string | null> {
    return this.#lines.nextSecret(prompt, (text) => this.#say(text));
  }

  #commands(): Readonly<Record<string, WordCommand>> {
    return this.#module === null ? NO_COMMANDS : TABLES[this.#module.name];
  }

  #help(about: string | undefined): void {
    if (about === undefined) {
      const names = [...Object.keys(this.#commands()), ...this.#plainWords()];
      this.#say(`Commands: ${names.join(', ')}.\n'help COMMAND' tells more; the tab key completes.\n`);
      return;
    }
    const found = commandNamed(this.#commands(), about);
    const plain = this.#plainWords().includes(about.toLowerCase()) ? PLAIN_COMMANDS[about.toLowerCase()] : undefined;
    if (found !== null) this.#say(`${`${found.name} ${found.command.usage}`.trim()}\n${found.command.doc}\n`);
    else this.#say(plain === undefined ? `Unknown command '${printable(about)}'\n` : `${plain}\n`);
  }

  // ---- completion ------------------------------------------------------------------------------------------------------

  async #learnNames(): Promise<void> {
    if (this.#module?.name !== 'dynsec' || !this.#options.isTerminal) return;
    for (const kind of ['client', 'group', 'role'] as const) {
      const data = (await this.#send(LISTS[kind], {}))?.data as Readonly<Record<string, unknown>> | undefined;
      const list = data?.[`${kind}s`];
      this.#names[kind] = Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
    }
  }

  #completions(line: string): readonly string[] {
    const words = line.split(' ').filter((word, index, all) => word !== '' || index === all.length - 1);
    const commands = this.#commands();
    if (words.length < 2) return [...Object.keys(commands), ...this.#plainWords()];
    const [typed] = words;
    if (typed.toLowerCase() === 'help') return [...Object.keys(commands), ...this.#plainWords()];
    const choice = commandNamed(commands, typed)?.command.choices[words.length - 2] ?? null;
    return choice === null ? [] : this.#choicesOf(choice);
  }

  #choicesOf(choice: Choice): readonly string[] {
    return typeof choice === 'string' ? this.#names[choice] : choice;
  }
}
