import { type AclFile, type AclLine, shownAclLine } from './acl-file.js';
import { filterCovers, filtersOverlap } from './acl-filters.js';
import { isReserved } from './acl-rules.js';

/** Pairs of lines that are compared at most: half a second or so. */
const MAX_COMPARISONS = 2_000_000;

/**
 * What is probably not meant as it stands there, though it can be read: lines without effect, lines that another one makes
 * useless, words in places where they mean something else. Each `FILE:LINE: ...`, in the order of the file.
 */
export function reviewAcl(file: AclFile): string[] {
  const notes = new Map<number, string[]>();
  const note = (number: number, text: string): void => {
    notes.set(number, [...(notes.get(number) ?? []), `${file.path}:${number}: ${text}`]);
  };
  for (const line of file.lines) reviewAlone(line, (text) => note(line.number, text));
  reviewUsers(file, note);
  const budget = { comparisons: MAX_COMPARISONS };
  const groups = groupsOf(file.lines);
  for (const lines of groups) reviewTogether(lines, note, budget);
  reviewOverruled(file.lines, note, budget);
  const sorted = [...notes].sort(([one], [other]) => one - other).flatMap(([, texts]) => texts);
  if (budget.comparisons < 0) {
    sorted.push(`${file.path}: there are too many lines for one user to compare all of them with each other.`);
  }
  return sorted;
}

type Note = (number: number, text: string) => void;

function reviewAlone(line: AclLine, note: (text: string) => void): void {
  const { kind, access, topic } = line;
  const placeholders = topic.match(/%[uc]/g) ?? [];
  const levels = topic.split('/');
  if (kind === 'topic' && placeholders.length > 0) {
    note(`'${topic}' is taken as it stands: ${placeholders[0]} means something in pattern lines only.`);
  }
  if (kind === 'pattern' && placeholders.length === 0) {
    note(`'${shownAclLine(line)}' has neither %u nor %c: it holds for every client, anonymous ones too.`);
  }
  if (kind === 'pattern' && levels.some((level) => /%[uc]/.test(level) && level.length > 2)) {
    note(
      `in '${topic}' ${placeholders[0]} is only a part of its level: Mosquitto 2.1 takes it literally, 2.0 and this broker do not.`,
    );
  }
  if (['read', 'write', 'readwrite', 'deny'].includes(topic)) {
    note(
      `this is about a topic that is called '${topic}', and gives the right to read and write it. Is a topic missing?`,
    );
  }
  if (topic.startsWith('$share')) {
    note('rules are about the topics of messages: write the filter behind the name of the group, without $share.');
  }
  if (
    isReserved(topic.replace(/\+/g, 'x')) &&
    !topic.startsWith('$share') &&
    (access === 'write' || access === 'readwrite')
  ) {
    note('clients cannot write below $SYS, whatever the line says; only to $SYS/broker/connection/NAME/state.');
  }
}

function reviewUsers({ lines, users }: AclFile, note: Note): void {
  users.forEach(({ number, name }, i) => {
    const end = users[i + 1]?.number ?? Number.POSITIVE_INFINITY;
    const isEmpty = !lines.some((line) => line.kind === 'topic' && line.number > number && line.number < end);
    if (isEmpty) note(number, `no topic line follows for user '${name}', so this gives nothing.`);
  });
}

/** Lines that are asked together: those of each user, and the patterns. */
function groupsOf(lines: readonly AclLine[]): AclLine[][] {
  const groups = new Map<string, AclLine[]>();
  for (const line of lines) {
    const key = line.kind === 'pattern' ? 'patterns' : line.user === null ? 'anonymous' : `user ${line.user}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [line]);
    else group.push(line);
  }
  return [...groups.values()];
}

function reviewTogether(lines: readonly AclLine[], note: Note, budget: { comparisons: number }): void {
  for (const line of lines) {
    budget.comparisons -= lines.length;
    if (budget.comparisons < 0) return;
    const other = lines.find((candidate) => candidate !== line && makesUseless(candidate, line));
    if (other === undefined) continue;
    const denies = other.access === 'deny' && line.access !== 'deny';
    note(
      line.number,
      denies
        ? `'${shownAclLine(line)}' gives nothing: line ${other.number} denies all of it (${shownAclLine(other)}).`
        : `'${shownAclLine(line)}' adds nothing to line ${other.number} (${shownAclLine(other)}).`,
    );
  }
}

/** Whether a line could go without a change, because of the other. Of two that say the same, the second one. */
function makesUseless(other: AclLine, line: AclLine): boolean {
  const says = other.access === 'deny' || other.access === line.access || other.access === 'readwrite';
  if (!says || (line.access === 'deny' && other.access !== 'deny')) return false;
  if (!filterCovers(other.topic, line.topic)) return false;
  const isSame = other.access === line.access && other.topic === line.topic;
  return !isSame || other.number < line.number;
}

/** A pattern that denies does not hold where the client's own lines allow. */
function reviewOverruled(lines: readonly AclLine[], note: Note, budget: { comparisons: number }): void {
  const grants = lines.filter(({ kind, access }) => kind === 'topic' && access !== 'deny');
  for (const line of lines) {
    if (line.kind !== 'pattern' || line.access !== 'deny') continue;
    budget.comparisons -= grants.length;
    if (budget.comparisons < 0) return;
    const filter = line.topic.replace(/[^/]*%[uc][^/]*/g, '+');
    const grant = grants.find(({ topic }) => filtersOverlap(filter, topic));
    if (grant === undefined) continue;
    const whom = grant.user === null ? 'clients without a user name' : `user '${grant.user}'`;
    note(
      line.number,
      `does not keep ${whom} from what line ${grant.number} gives (${shownAclLine(grant)}): a user's own lines count before patterns.`,
    );
  }
}
