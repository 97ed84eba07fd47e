import { nearestName } from '@cauldron/broker/nearest-name';
import { version } from './command-line/version.js';

/** Bad usage, as most commands say it. */
const USAGE_STATUS = 2;

interface Command {
  readonly summary: string;
  /** Loaded when it is called: starting one command does not pay for the others. */
  readonly run: (args: string[]) => Promise<number>;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  acl: {
    summary: 'Look into who may do what: check a file, explain a decision ...',
    run: async (args) => (await import('./acl.js')).runAcl(args),
  },
  ban: {
    summary: 'Keep clients, users and addresses out of a broker that runs',
    run: async (args) => (await import('./ban.js')).runBan(args),
  },
  bench: {
    summary: 'Put a broker under load: rates, latencies, and what gets lost',
    run: async (args) => (await import('./bench.js')).runBench(args),
  },
  broker: {
    summary: 'Run the broker',
    run: async (args) => (await import('@cauldron/broker/main')).runBroker(args),
  },
  completion: {
    summary: 'Print a script that lets bash, zsh or fish complete commands',
    run: async (args) => (await import('./completion.js')).runCompletion(args),
  },
  config: {
    summary: 'Look into a configuration file: check, show, compare, explain ...',
    run: async (args) => (await import('./config.js')).runConfig(args),
  },
  man: {
    summary: 'Show the manual page of a command',
    run: async (args) => (await import('./man.js')).runMan(args),
  },
  passwd: {
    summary: 'Set passwords in a password file',
    run: async (args) => (await import('./passwd.js')).runPasswd(args),
  },
  ctrl: {
    summary: 'Administer a running broker: clients, groups, roles',
    run: async (args) => (await import('./ctrl.js')).runCtrl(args),
  },
  lockouts: {
    summary: 'Show who has to wait because of failed logins, and lift it',
    run: async (args) => (await import('./lockouts.js')).runLockouts(args),
  },
  pub: {
    summary: 'Publish messages',
    run: async (args) => (await import('./pub.js')).runPub(args),
  },
  doctor: {
    summary: 'Examine a broker, or test it against the standards',
    run: async (args) => (await import('./doctor.js')).runDoctor(args),
  },
  reload: {
    summary: 'Have a broker that runs read its configuration again',
    run: async (args) => (await import('./reload.js')).runReload(args),
  },
  rr: {
    summary: 'Publish a request, and print the response to it',
    run: async (args) => (await import('./rr.js')).runRr(args),
  },
  replay: {
    summary: 'Publish what `cauldron sub --record` has recorded, with its timing',
    run: async (args) => (await import('./replay.js')).runReplay(args),
  },
  retained: {
    summary: 'List, print and clear retained messages',
    run: async (args) => (await import('./retained.js')).runRetained(args),
  },
  setup: {
    summary: 'Set up a broker for the internet: TLS, users, rights, clients ...',
    run: async (args) => (await import('./setup.js')).runSetup(args),
  },
  signal: {
    summary: 'Tell brokers that run to reload, rotate logs, stop ...',
    run: async (args) => (await import('./signal.js')).runSignal(args),
  },
  simulate: {
    summary: 'Simulate devices: what they measure, where they go, drop-outs',
    run: async (args) => (await import('./simulate.js')).runSimulate(args),
  },
  status: {
    summary: 'Show the brokers that run',
    run: async (args) => (await import('./status.js')).runStatus(args),
  },
  store: {
    summary: 'Look after what the broker keeps: import, back up, check ...',
    run: async (args) => (await import('./store.js')).runStore(args),
  },
  sub: {
    summary: 'Subscribe and print what comes',
    run: async (args) => (await import('./sub.js')).runSub(args),
  },
  torture: {
    summary: 'Kill a broker again and again, and prove that nothing is lost',
    run: async (args) => (await import('./torture.js')).runTorture(args),
  },
};

/** What stands in for the programs of Mosquitto, by their names. */
const MOSQUITTO_PROGRAMS: Readonly<Record<string, Command['run']>> = {
  mosquitto: async (args) => (await import('@cauldron/broker/main')).runMosquitto(args),
  mosquitto_db_dump: async (args) => (await import('./db-dump.js')).runDbDump(args),
  mosquitto_passwd: async (args) => (await import('./passwd.js')).runPasswd(args, 'mosquitto_passwd'),
  mosquitto_ctrl: async (args) => (await import('./ctrl.js')).runMosquittoCtrl(args),
  mosquitto_pub: async (args) => (await import('./pub.js')).runPub(args, 'mosquitto_pub'),
  mosquitto_rr: async (args) => (await import('./rr.js')).runRr(args, 'mosquitto_rr'),
  mosquitto_sub: async (args) => (await import('./sub.js')).runSub(args, 'mosquitto_sub'),
  mosquitto_signal: async (args) => (await import('./signal.js')).runSignal(args, 'mosquitto_signal'),
};

/** Runs `PROGRAM ARGS` as Mosquitto's program of that name would; resolves with the exit status. */
export function runMosquittoProgram(program: string, args: string[]): Promise<number> {
  return MOSQUITTO_PROGRAMS[program](args);
}

/** Runs `cauldron ARGS`; resolves with the exit status. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '-h' || name === '--help' || name === 'help') {
    process.stdout.write(help());
    return name === undefined ? USAGE_STATUS : 0;
  }
  if (name === '--version') {
    process.stdout.write(`cauldron version ${version()}\n`);
    return 0;
  }
  const command = COMMANDS[name];
  if (command !== undefined && Object.hasOwn(COMMANDS, name)) return command.run(rest);
  const near = nearestName(name, Object.keys(COMMANDS));
  const hint = near === undefined ? '`cauldron --help` lists the commands.' : `Did you mean \`cauldron ${near}\`?`;
  process.stderr.write(`cauldron: there is no command '${name}'. ${hint}\n`);
  return USAGE_STATUS;
}

/** What the help lists together. */
const HELP_GROUPS: Readonly<Record<string, readonly string[]>> = {
  Messages: ['pub', 'sub', 'rr', 'retained', 'replay', 'simulate'],
  'The broker': ['broker', 'setup', 'config', 'status', 'reload', 'signal', 'store'],
  'Who may do what': ['passwd', 'acl', 'ctrl', 'ban', 'lockouts'],
  Tests: ['doctor', 'bench', 'torture'],
  'The shell': ['man', 'completion'],
};

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const list = Object.entries(HELP_GROUPS).map(([heading, names]) => {
    const lines = names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name].summary}\n`);
    return `${heading}:\n${lines.join('')}`;
  });
  return `Examples:
  cauldron broker -v
  cauldron sub -v -t 'owntracks/#'
  cauldron pub -t owntracks/test -m 'hello world'

Usage: cauldron COMMAND [OPTIONS]

${list.join('')}
\`cauldron COMMAND --help\` tells the options of a command.
`;
}
