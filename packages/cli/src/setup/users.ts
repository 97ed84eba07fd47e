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

/** What a user may do, as lines of an ACL file. */
function rightsOf({ name, sees }: Pick<SetupUser, 'name' | 'sees'>): string[] {
  if (sees === 'everybody') return [READS_ALL];
  return [`topic readwrite owntracks/${name}/#`, ...sees.flatMap(friendLines)];
}

function friendLines(friend: string): string[] {
  return ['', '/event', '/info'].map((part) => `topic read owntracks/${friend}/+${part}`);
}

const READS_ALL = 'topic read owntracks/#';
const FRIEND_LINE = /^topic read owntracks\/([^/+#]+)\/\+(?:\/event|\/info)?$/;

const ACL_HEADING = `# Who may do what: a line \`user NAME\`, then what that user may read or write. Nothing else is allowed.
# Phones publish below owntracks/USER/DEVICE, and read those of friends.
`;

/**
 * An ACL file with these users added; `before` is '' or what there was, and stays. Users who have lines already get those
 * about further friends.
 */
export function aclWith(before: string, users: readonly SetupUser[]): string {
  const added = users.flatMap(({ name, sees }) => {
    const present = linesOf(before, name);
    const wanted = present === null || sees === 'everybody' ? rightsOf({ name, sees }) : sees.flatMap(friendLines);
    const lines = wanted.filter((line) => present?.includes(line) !== true);
    return lines.length === 0 ? [] : [`\n${[`user ${name}`, ...lines].join('\n')}\n`];
  });
  if (added.length === 0) return before;
  return endOfLine(before === '' ? ACL_HEADING : before) + added.join('');
}

/** Whom a user sees by an ACL file; null: it has rules of other kinds that may let the user do more or less. */
export function seenBy(acl: string, name: string): SetupUser['sees'] | null {
  const lines = linesOf(acl, name) ?? [];
  if (/^pattern[ \t]/m.test(acl)) return null;
  if (lines.join() === READS_ALL) return 'everybody';
  const own = rightsOf({ name, sees: [] });
  const others = lines.filter((line) => !own.includes(line));
  const friends = others.map((line) => FRIEND_LINE.exec(line)?.[1]);
  if (others.length === lines.length || friends.includes(undefined)) return null;
  return [...new Set(friends.filter((friend) => friend !== undefined))];
}

/** What an ACL file says below the `user` lines with that name; null: it has none. */
function linesOf(acl: string, name: string): string[] | null {
  let found: string[] | null = null;
  let isMeant = false;
  for (const line of acl.split('\n').map((text) => text.trim())) {
    const [, user] = /^user[ \t]+(.+)$/.exec(line) ?? [];
    if (user !== undefined) {
      isMeant = user === name;
      if (isMeant) found ??= [];
    } else if (isMeant && line !== '' && !line.startsWith('#')) found?.push(line);
  }
  return found;
}

/** The names in a password file. */
export function namesInPasswords(text: string): Set<string> {
  const lines = text.split('\n').filter((line) => line.includes(':') && !line.startsWith('#'));
  return new Set(lines.map((line) => line.slice(0, line.indexOf(':'))));
}

function endOfLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
