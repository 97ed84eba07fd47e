import { nearestName } from '@cauldron/broker/nearest-name';
import { CONFIG_EXIT } from './config-files.js';

interface Action {
  readonly summary: string;
  readonly run: (args: string[]) => Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  check: {
    summary: 'What is wrong with an ACL file, and which of its lines do nothing',
    run: async (args) => (await import('./acl-check.js')).runAclCheck(args),
  },
  explain: {
    summary: 'Whether a client may read, write or subscribe, and which line decides',
    run: async (args) => (await import('./acl-explain.js')).runAclExplain(args),
  },
  simulate: {
    summary: "Who would gain or lose what, by the last hour's accesses of a running broker",
    run: async (args) => (await import('./acl-simulate.js')).runAclSimulate(args),
  },
};

/** `cauldron acl ACTION`: looks into who may do what. Resolves with the exit status. */
export async function runAcl([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? CONFIG_EXIT.WRONG : CONFIG_EXIT.GOOD;
  }
  const action = ACTIONS[name];
  if (action !== undefined && Object.hasOwn(ACTIONS, name)) return action.run(rest);
  const near = nearestName(name, Object.keys(ACTIONS));
  const hint = near === undefined ? '`cauldron acl --help` lists them.' : `Did you mean \`cauldron acl ${near}\`?`;
  process.stderr.write(`cauldron acl: there is no action '${name}'. ${hint}\n`);
  return CONFIG_EXIT.WRONG;
}

function help(): string {
  const list = Object.entries(ACTIONS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Looks into who may do what with which topic.

Examples:
  cauldron acl check /etc/mosquitto/acl
  cauldron acl explain --user jjolie --client phone write owntracks/jjolie/phone
  cauldron acl explain --acl new-acl --user fred read owntracks/jjolie/phone
  cauldron acl simulate new-acl

Usage: cauldron acl ACTION [OPTIONS]

${list.join('\n')}

\`cauldron acl ACTION --help\` tells the options of an action.
`;
}
