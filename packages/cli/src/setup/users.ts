import { randomInt } from 'node:crypto';

/** What OwnTracks clients and other users may be called: their name is a level of a topic, and part of file names. */
export const USER_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** Without those that are taken for each other. */
const PASSWORD_LETTERS = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
/** Some 115 bits. */
const PASSWORD_LENGTH = 20;

/** Somebody who is to get in. */
export interface SetupUser {
  readonly name: string;
  /** Null: one is made. */
  readonly password: string | null;
  /** Whose locations the user sees, besides their own; `everybody` is for programs that record them all, and have none. */
  readonly sees: readonly string[] | 'everybody';
}

/** A password that nobody guesses, and that can be typed. */
export function newPassword(random: (bound: number) => number = randomInt): string {
  return Array.from({ length: PASSWORD_LENGTH }, () => PASSWORD_LETTERS[random(PASSWORD_LETTERS.length)]).join('');
}

/** What `user` may do, as lines of an ACL file. */
export function aclLinesOf({ name, sees }: Pick<SetupUser, 'name' | 'sees'>): string[] {
  if (sees === 'everybody') return [`user ${name}`, 'topic read owntracks/#'];
  const friends = sees.flatMap((friend) => [
    `topic read owntracks/${friend}/+`,
    `topic read owntracks/${friend}/+/event`,
    `topic read owntracks/${friend}/+/info`,
  ]);
  return [`user ${name}`, `topic readwrite owntracks/${name}/#`, ...friends];
}

const ACL_HEADING = `# Who may do what: a line \`user NAME\`, then what that user may read or write. Nothing else is allowed.
# Phones publish below owntracks/USER/DEVICE, and read those of friends.
`;

/** An ACL file with these users added, where it does not know them yet; `before` is '' or what there was. */
export function aclWith(before: string, users: readonly SetupUser[]): string {
  const known = new Set(Array.from(before.matchAll(/^user[ \t]+(.+?)[ \t]*\r?$/gm), ([, name]) => name));
  const added = users.filter(({ name }) => !known.has(name)).map((user) => `\n${aclLinesOf(user).join('\n')}\n`);
  if (added.length === 0) return before;
  return endOfLine(before === '' ? ACL_HEADING : before) + added.join('');
}

/** The names in a password file. */
export function namesInPasswords(text: string): Set<string> {
  const lines = text.split('\n').filter((line) => line.includes(':') && !line.startsWith('#'));
  return new Set(lines.map((line) => line.slice(0, line.indexOf(':'))));
}

function endOfLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
