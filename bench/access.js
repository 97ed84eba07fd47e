// What `npm run bench -- --access` measures: the product with users and access rules, beside itself without.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from './scenarios.js';

const USERS = 10_000;
const LINES = 1_000;
/** What may be left of the figures without rules. */
const SHARE_OF_OPEN = 0.9;

/** Messages of QoS 0, as many as the broker takes, by clients with names. */
export const accessScenarios = scenarios
  .filter(({ name, rate }) => /QoS 0/.test(name) && rate === undefined)
  .map((scenario) => ({
    ...scenario,
    load: [...scenario.load, '--users'],
    measures: scenario.measures.flatMap((measure) => [
      { ...measure, required: null },
      // What others do on the machine meanwhile matters less to this one.
      {
        name: `${scenario.name}: messages per CPU second`,
        figure: /** @type {const} */ ('messagesPerCpuSecond'),
        required: { shareOfOpen: SHARE_OF_OPEN },
      },
    ]),
  }));

/**
 * Writes a file of 10,000 users, and one of 1,000 lines with their rights: lines of some users, patterns for all.
 * @param {string} directory
 * @returns {string[]} lines for a broker's configuration
 */
export function accessSettings(directory) {
  const passwords = join(directory, 'users');
  const acl = join(directory, 'acl');
  writeFileSync(passwords, Array.from({ length: USERS }, (_, i) => userLine(`user${i}`)).join(''), { mode: 0o600 });
  const lines = ['pattern readwrite bench/#'];
  for (let i = 0; lines.length < LINES / 4; i++) lines.push(`pattern read home/%u/room-${i}/+/state`);
  for (let i = 0; lines.length < LINES; i++) {
    lines.push(`user user${2 * i}`, `topic readwrite owntracks/user${2 * i}/#`, 'topic deny bench/secret/#');
  }
  writeFileSync(acl, `${lines.slice(0, LINES).join('\n')}\n`, { mode: 0o600 });
  return [`password_file ${passwords}`, `acl_file ${acl}`, ...(process.getuid?.() === 0 ? ['user root'] : [])];
}

/**
 * Of the password file: the password is the name, in the kind that costs least to check.
 * @param {string} name
 */
function userLine(name) {
  const salt = Buffer.from('twelve bytes');
  const hash = createHash('sha512').update(name).update(salt).digest('base64');
  return `${name}:$6$${salt.toString('base64')}$${hash}\n`;
}
