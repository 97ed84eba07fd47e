import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { assertTopicFilter } from '@cauldron/codec';
import { AccessFileError } from './access-file-error.js';

/** More would not be an ACL file, but something else under its name. */
const MAX_BYTES = 64 * 1024 * 1024;
/** More would not be read. */
const MAX_PROBLEMS = 20;
const SHOWN_CHARACTERS = 60;

/** What a line gives: to receive messages, to publish them, both; or that neither may be. */
export type AclAccess = 'read' | 'write' | 'readwrite' | 'deny';

/** One line that gives or takes a right. */
export interface AclLine {
  /** From 1. */
  readonly number: number;
  /** `pattern` holds for everybody, with `%u` and `%c` for the client's user name and id; `topic` for one user. */
  readonly kind: 'topic' | 'pattern';
  readonly access: AclAccess;
  /** A topic filter. */
  readonly topic: string;
  /** Of the last `user` line above it; null: there is none, the line is about clients without a user name. */
  readonly user: string | null;
}

/** A `user` line. */
export interface AclUser {
  readonly number: number;
  readonly name: string;
}

/** What an ACL file says, line by line, in the order of the file. */
export interface AclFile {
  readonly path: string;
  readonly lines: readonly AclLine[];
  readonly users: readonly AclUser[];
}

/** Reads an ACL file in the format of Mosquitto. @throws AccessFileError with all that is wrong with it */
export function readAclFile(path: string): AclFile {
  return parseAclFile(path, textOf(path));
}

/**
 * The same for a text that is there already. Lines are `user NAME`, `topic [read|write|readwrite|deny] TOPIC` and
 * `pattern [...] TOPIC`; empty lines and those that begin with # say nothing. Without a word for the access it is
 * readwrite, and then the topic must have no space.
 * @param path for messages
 * @throws AccessFileError
 */
export function parseAclFile(path: string, text: string): AclFile {
  const lines: AclLine[] = [];
  const users: AclUser[] = [];
  const problems: string[] = [];
  let user: string | null = null;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const written = raw.trim();
    if (written === '' || written.startsWith('#')) continue;
    const number = index + 1;
    const [word, rest] = cut(written);
    let fault: string | null = null;
    if (word === 'user') {
      fault = rest === '' ? 'there is no name behind it. Write: user NAME' : nameFault(rest);
      user = rest;
      users.push({ number, name: rest });
    } else if (word === 'topic' || word === 'pattern') {
      const line = lineFrom(word, rest, number, user);
      if (typeof line === 'string') fault = line;
      else lines.push(line);
    } else {
      problems.push(
        `${path}:${number}: '${shortened(written)}' is no line of an ACL file: it has to begin with user, topic, pattern or #.`,
      );
    }
    if (fault !== null) problems.push(`${path}:${number}: '${shortened(written)}': ${fault}.`);
  }
  if (problems.length > MAX_PROBLEMS) {
    problems.splice(MAX_PROBLEMS, Infinity, `${path}: ${problems.length - MAX_PROBLEMS} more lines are wrong.`);
  }
  if (problems.length > 0) throw new AccessFileError(problems);
  return { path, lines, users };
}

/** A line as it could be written. */
export function shownAclLine({ kind, access, topic }: AclLine): string {
  return `${kind} ${access} ${topic}`;
}

/** A text says what is wrong. */
function lineFrom(kind: AclLine['kind'], rest: string, number: number, user: string | null): AclLine | string {
  if (rest === '') return `there is no topic behind it. Write: ${kind} [read|write|readwrite|deny] TOPIC`;
  const [first, behind] = cut(rest);
  let access: AclAccess = 'readwrite';
  let topic = rest;
  if (behind !== '') {
    if (!isAccess(first)) {
      return `'${shortened(first)}' is not read, write, readwrite or deny; before a topic with spaces one of them has to stand`;
    }
    access = first;
    topic = behind;
  }
  const fault = topicFault(topic);
  return fault ?? { number, kind, access, topic, user };
}

function isAccess(word: string): word is AclAccess {
  return word === 'read' || word === 'write' || word === 'readwrite' || word === 'deny';
}

/** The first word, and what stands behind the blanks after it. */
function cut(text: string): [word: string, rest: string] {
  const blank = text.search(/[ \t]/);
  return blank < 0 ? [text, ''] : [text.slice(0, blank), text.slice(blank).trim()];
}

function topicFault(topic: string): string | null {
  try {
    assertTopicFilter(topic);
    return null;
  } catch (error) {
    return `the topic cannot be meant so: ${(error as Error).message}`;
  }
}

/** What no client can be called. */
function nameFault(name: string): string | null {
  if (name.includes('\0')) return 'the name has a null character in it, which no client can send';
  return Buffer.byteLength(name) > 65_535 ? 'the name has more than 65535 bytes, which no client can send' : null;
}

function shortened(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '?');
  return clean.length > SHOWN_CHARACTERS ? `${clean.slice(0, SHOWN_CHARACTERS)}...` : clean;
}

/** @throws AccessFileError */
function textOf(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, an ACL file has at most ${MAX_BYTES}`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not a text in UTF-8' : message;
    const hints: Readonly<Record<string, string>> = {
      EACCES: ' The user that the broker runs as needs the right to read it.',
      ...(!isAbsolute(path) && { ENOENT: ` The path counts from ${process.cwd()}, where the broker was started.` }),
    };
    throw new AccessFileError([`acl_file ${path} cannot be read: ${why}.${hints[code ?? ''] ?? ''}`], { cause: error });
  }
}
