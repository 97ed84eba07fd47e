import { parseSharedFilter, topicMatches } from '@cauldron/codec';
import type { Decision } from '../core/ports/access.js';
import type { AclFile, AclLine } from './acl-file.js';
import { filtersOverlap } from './acl-filters.js';
import { type AclClient, AclRules, hasDenial, isReserved, namesForPatterns, ruleOf } from './acl-rules.js';
import { filledIn } from './acl-tree.js';

/** What a client may want to do with a topic, or, for subscribing, with a filter. */
export type AclAction = 'read' | 'write' | 'subscribe';

/** A line that has to do with a question. */
export interface AclCandidate {
  readonly line: AclLine;
  /** `FILE:LINE: ...`. */
  readonly rule: string;
  /** What it would say if it were alone. */
  readonly says: 'yes' | 'no';
}

export interface AclExplanation {
  readonly decision: Decision;
  /** The lines that match, in the order in which they count. The first one has decided, unless none is allowed to. */
  readonly candidates: readonly AclCandidate[];
}

/**
 * What an ACL file says about one question, and which lines took part in it. It looks at each line, so it is for people;
 * `AclRules` gives the same answers at once.
 * @throws ProtocolError when a filter of a shared subscription is not whole
 */
export function explainAcl(file: AclFile, client: AclClient, action: AclAction, topic: string): AclExplanation {
  const rules = new AclRules(file);
  // What a shared subscription brings has the topics of the filter behind the name of its group.
  const asked = action === 'subscribe' ? (parseSharedFilter(topic)?.filter ?? topic) : topic;
  const candidates = candidatesFor(file, client, action, asked).map((line): AclCandidate => {
    return { line, rule: ruleOf(file, line), says: line.access === 'deny' ? 'no' : 'yes' };
  });
  return { decision: decide(rules, client, action, topic), candidates };
}

function decide(rules: AclRules, client: AclClient, action: AclAction, topic: string): Decision {
  if (action === 'subscribe') return rules.maySubscribe();
  return action === 'write' ? rules.mayPublish(client, topic) : rules.mayReceive(client, topic);
}

/** Own lines before patterns, and denials before grants; else as in the file. */
function candidatesFor(
  { lines }: AclFile,
  { username, clientId }: AclClient,
  action: AclAction,
  topic: string,
): readonly AclLine[] {
  if (action === 'write' && isReserved(topic)) return [];
  const names = namesForPatterns(username, clientId, hasDenial(lines, '%u'), hasDenial(lines, '%c'));
  const wanted = action === 'write' ? 'write' : 'read';
  const found = lines.filter((line) => {
    if (line.kind === 'topic' && line.user !== (username ?? null)) return false;
    if (line.access !== wanted && line.access !== 'readwrite' && line.access !== 'deny') return false;
    const filter = line.kind === 'topic' ? line.topic : names === null ? null : filterFor(line, names);
    if (filter === null) return false;
    // What a client calls itself does not make a line one for topics that begin with $.
    if (topic.startsWith('$') && !line.topic.startsWith('$')) return false;
    return action === 'subscribe' ? filtersOverlap(filter, topic) : topicMatches(filter, topic);
  });
  const rank = ({ kind, access }: AclLine): number => (kind === 'pattern' ? 2 : 0) + (access === 'deny' ? 0 : 1);
  return found.sort((one, other) => rank(one) - rank(other) || one.number - other.number);
}

function filterFor({ topic }: AclLine, names: { username: string | null; clientId: string | null }): string | null {
  return filledIn(topic, names.username, names.clientId);
}
