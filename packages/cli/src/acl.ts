import { type ActionGroup, runActionGroup } from './command-line/action-group.js';
import { CONFIG_EXIT } from './config/files.js';

export const GROUP: ActionGroup = {
  name: 'acl',
  about: 'Looks into who may do what with which topic.',
  examples: [
    'acl check /etc/mosquitto/acl',
    'acl explain --user jjolie --client phone write owntracks/jjolie/phone',
    'acl explain --acl new-acl --user fred read owntracks/jjolie/phone',
    'acl simulate new-acl',
  ],
  actions: {
    check: {
      summary: 'What is wrong with an ACL file, and which of its lines do nothing',
      run: async (args) => (await import('./acl/check.js')).runAclCheck(args),
    },
    explain: {
      summary: 'Whether a client may read, write or subscribe, and which line decides',
      run: async (args) => (await import('./acl/explain.js')).runAclExplain(args),
    },
    simulate: {
      summary: "Who would gain or lose what, by the last hour's accesses of a running broker",
      run: async (args) => (await import('./acl/simulate.js')).runAclSimulate(args),
    },
  },
  usageExitCode: CONFIG_EXIT.WRONG,
};

/** `cauldron acl ACTION`: looks into who may do what. Resolves with the exit status. */
export function runAcl(argv: readonly string[]): Promise<number> {
  return runActionGroup(GROUP, argv);
}
