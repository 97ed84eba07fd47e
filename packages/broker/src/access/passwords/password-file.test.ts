import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessFileError } from '../access-file-error.js';
import { readPasswordFile, userNameProblem } from './password-file.js';

const salt = Buffer.alloc(12, 1).toString('base64');
const hash = Buffer.alloc(64, 2).toString('base64');
const SHA512 = `$6$${salt}$${hash}`;
const PBKDF2 = `$7$101$${salt}$${hash}`;
const key = Buffer.alloc(32, 3).toString('base64');
const SCRAM = `$scram-sha-256$4096$${salt}$${key}$${key}`;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-passwords-'));
  path = join(folder, 'passwords');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function problemsOf(text: string): string[] {
  writeFileSync(path, text, { mode: 0o600 });
  return problems();
}

function problems(): string[] {
  try {
    readPasswordFile(path);
    return [];
  } catch (error) {
    if (!(error instanceof AccessFileError)) throw error;
    return error.problems.map((problem) => problem.replaceAll(path, 'FILE'));
  }
}

describe('a password file', () => {
  it('has users by name, with the lines where they stand', () => {
    const text = `\uFEFF# users\n\nanna:${SHA512}\r\n  bob smith : ${PBKDF2} \n   \n zoë:${SCRAM}`;
    writeFileSync(path, text, { mode: 0o600 });
    const file = readPasswordFile(path);
    expect([...file.users.values()].map(({ name, rule, hash: { kind } }) => [name, rule, kind])).toEqual([
      ['anna', `${path}:3`, 'sha512'],
      ['bob smith', `${path}:4`, 'sha512-pbkdf2'],
      ['zoë', `${path}:6`, 'scram-sha-256'],
    ]);
    expect([...file.scramUsers.keys()]).toEqual(['zoë']);
    expect(file.warnings).toEqual([]);
  });

  it('may be empty', () => {
    expect(problemsOf('')).toEqual([]);
  });

  it.each([
    ['anna', "a line is a name, a colon and a hash. 'cauldron passwd FILE NAME' writes one."],
    [`:${SHA512}`, 'the name before the colon cannot be one: it is empty.'],
    [`a\u0001b:${SHA512}`, 'the name before the colon cannot be one: it has control characters.'],
    [`${'n'.repeat(65_536)}:${SHA512}`, 'the name before the colon cannot be one: it has more than 65535 bytes.'],
    ['anna:', "'anna' has no password. 'cauldron passwd FILE anna' sets one."],
    ['anna:secret', "the password of 'anna' is not hashed. 'cauldron passwd -U FILE' does that for all lines."],
    [
      'anna:$2y$secret',
      "the hash of 'anna' is of an unknown kind: it begins with none of $argon2id$, $7$, $6$, $scram-sha-256$. 'cauldron passwd FILE anna' sets the password anew.",
    ],
    [
      `anna:$7$0$${salt}$${hash}`,
      "the hash of 'anna' is damaged: its number of iterations has to be from 1 to 5000000. 'cauldron passwd FILE anna' sets the password anew.",
    ],
    [`\u0627a:${SCRAM}`, "'\u0627a' has characters that SCRAM does not take (RFC 4013). Choose another name."],
  ])('%s is a problem that says what to do, without a secret', (line, problem) => {
    expect(problemsOf(`# first\n${line}\n`)).toEqual([`FILE:2: ${problem}`]);
  });

  it('has each name once', () => {
    expect(problemsOf(`anna:${SHA512}\nanna:${PBKDF2}`)).toEqual([
      "FILE:2: 'anna' has a password already, at FILE:1. Remove one of the lines.",
    ]);
    expect(problemsOf(`\u2168:${SCRAM}\nIX:${SCRAM}`)).toEqual([
      "FILE:2: 'IX' is the same name for SCRAM as '\u2168' at FILE:1 (RFC 4013). Rename one of them.",
    ]);
  });

  it('tells all that is wrong, up to 20 lines', () => {
    expect(problemsOf('x\ny\n')).toHaveLength(2);
    const many = problemsOf('x\n'.repeat(30));
    expect(many).toHaveLength(21);
    expect(many.at(-1)).toBe('FILE: 10 more lines are wrong.');
  });

  it('that is not UTF-8 is a problem of the line', () => {
    writeFileSync(path, Buffer.concat([Buffer.from('# \n'), Buffer.of(0xe4), Buffer.from(`:${SHA512}\n`)]));
    expect(problems()).toEqual(['FILE:2: the name before the colon cannot be one: it is not UTF-8.']);
  });

  it('that cannot be read is a problem', () => {
    expect(problems()[0]).toMatch(/^FILE: cannot be read: ENOENT.*'cauldron passwd -c FILE NAME' makes one\.$/);
    mkdirSync(path);
    expect(problems()).toEqual(['FILE: is not a file. Name the file of passwords itself.']);
  });

  it('that everybody can read is warned of', () => {
    writeFileSync(path, `anna:${SHA512}\n`);
    chmodSync(path, 0o644);
    expect(readPasswordFile(path).warnings).toEqual([
      `password_file ${path} can be read by every user of this machine: chmod o-r ${path}`,
    ]);
  });

  it('of 10,000 users is read in less than a second', () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => `user-${index}:${PBKDF2}\n`);
    writeFileSync(path, lines.join(''), { mode: 0o600 });
    const startMs = performance.now();
    expect(readPasswordFile(path).users.size).toBe(10_000);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});

describe('a user name', () => {
  it.each(['anna', 'anna smith', 'zoë', '%u', 'a/b', '$x', 'a#'])('may be %s', (name) => {
    expect(userNameProblem(name)).toBeNull();
  });

  it.each(['', 'a:b', '#a', ' a', 'a ', 'a\tb', 'a\u007f', 'a\uFFFD'])('may not be %j', (name) => {
    expect(userNameProblem(name)).not.toBeNull();
  });
});
