import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessFileError } from './access-file-error.js';
import { parseAclFile, readAclFile } from './acl-file.js';

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof AccessFileError) return error.problems;
    throw error;
  }
  return [];
}

describe('an ACL file', () => {
  it('is read line by line; lines before the first user are about clients without a name', () => {
    const text = [
      '\uFEFF# who may do what',
      'topic read news/#',
      '',
      '  user  ann lee ',
      'topic a/b',
      'topic write  my room/+ \r',
      '\ttopic\tdeny\ta/secret',
      'pattern read home/%u/#',
      'user bob',
      'topic readwrite #',
    ].join('\n');
    const { lines, users } = parseAclFile('acl', text);
    expect(lines.map(({ number, kind, access, topic, user }) => [number, kind, access, topic, user])).toEqual([
      [2, 'topic', 'read', 'news/#', null],
      [5, 'topic', 'readwrite', 'a/b', 'ann lee'],
      [6, 'topic', 'write', 'my room/+', 'ann lee'],
      [7, 'topic', 'deny', 'a/secret', 'ann lee'],
      [8, 'pattern', 'read', 'home/%u/#', 'ann lee'],
      [10, 'topic', 'readwrite', '#', 'bob'],
    ]);
    expect(users).toEqual([
      { number: 4, name: 'ann lee' },
      { number: 9, name: 'bob' },
    ]);
  });

  it('takes a lone word behind topic for the topic, whatever it is', () => {
    expect(parseAclFile('acl', 'topic read').lines).toMatchObject([{ topic: 'read', access: 'readwrite' }]);
  });

  it.each([
    ['topics a', "acl:2: 'topics a' is no line of an ACL file"],
    ['user', "acl:2: 'user': there is no name behind it"],
    ['topic', "acl:2: 'topic': there is no topic behind it"],
    ['pattern ', "acl:2: 'pattern': there is no topic behind it"],
    ['topic my room', "acl:2: 'topic my room': 'my' is not read, write, readwrite or deny"],
    ['topic read a/#/b', 'a # that is not alone in the last level'],
    ['topic read a+/b', 'a + that is not alone in its level'],
    ['user a\0b', 'null character'],
  ])('with %j is refused with the file, the line and what to do', (line, problem) => {
    const problems = problemsOf(() => parseAclFile('acl', `# first\n${line}\ntopic good\n`));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('acl:2: ');
    expect(problems[0]).toContain(problem);
  });

  it('with faults everywhere names the first of them, and how many there are', () => {
    const problems = problemsOf(() => parseAclFile('acl', 'x\n'.repeat(50)));
    expect(problems).toHaveLength(21);
    expect(problems[20]).toBe('acl: 30 more lines are wrong.');
  });

  describe('on the disk', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'acl-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('is read', () => {
      const path = join(folder, 'acl');
      writeFileSync(path, 'topic read a\n');
      expect(readAclFile(path)).toMatchObject({ path, lines: [{ topic: 'a' }] });
    });

    it('that is not there, or is no text, is refused with the reason', () => {
      const path = join(folder, 'acl');
      expect(problemsOf(() => readAclFile(path))).toEqual([
        expect.stringMatching(/^acl_file .*cannot be read.*ENOENT/),
      ]);
      writeFileSync(path, Buffer.from([0x75, 0xff, 0xfe]));
      expect(problemsOf(() => readAclFile(path))).toEqual([expect.stringContaining('not a text in UTF-8')]);
    });
  });
});
