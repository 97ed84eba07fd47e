import { readAclFile, reviewAcl } from '@cauldron/broker/acl';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { countText } from '../command-line/units.js';
import { CONFIG_EXIT, inColour, operandsFor } from '../config/files.js';
import { aclProblemsOf } from './problems.js';

export const CHECK: Tool<typeof HELP_FLAG> = {
  name: 'acl check',
  summary: `Tells what is wrong with an ACL file, and which of its lines do nothing or probably not what was meant.
Exit status: 0 a broker can start with it, 3 it cannot.`,
  usage: 'FILE',
  examples: ['/etc/mosquitto/acl'],
  flags: HELP_FLAG,
  notes: `
error    the broker does not start with it, and a reload is refused
note     a line that another one makes useless, or that means something else than it seems to
`,
  usageExitCode: CONFIG_EXIT.WRONG,
};

/** `cauldron acl check`. */
export function runAclCheck(argv: readonly string[]): Promise<number> {
  return runTool(CHECK, argv, async (_values, operands) => {
    const [path] = operandsFor(['FILE'], operands);
    try {
      const file = readAclFile(path);
      for (const note of reviewAcl(file)) process.stdout.write(`${inColour('dim', 'note    ')} ${note}\n`);
      const users = new Set(file.users.map(({ name }) => name)).size;
      const what = `${countText(file.lines.length, 'rule')}, ${countText(users, 'user')}`;
      process.stdout.write(`${inColour('green', 'The ACL file is good')}: ${what}.\n`);
      return CONFIG_EXIT.GOOD;
    } catch (error) {
      const problems = aclProblemsOf(error);
      for (const problem of problems) process.stdout.write(`${inColour('red', 'error   ')} ${problem}\n`);
      process.stdout.write(
        `${inColour('red', `${countText(problems.length, 'error')}: a broker cannot start with it.`)}\n`,
      );
      return CONFIG_EXIT.WRONG;
    }
  });
}
