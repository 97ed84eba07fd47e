import { describe, expect, it } from 'vitest';
import { parseAclFile } from './acl-file.js';
import { filterCovers, filtersOverlap } from './acl-filters.js';
import { reviewAcl } from './acl-review.js';

const notesOn = (...lines: string[]) => reviewAcl(parseAclFile('acl', lines.join('\n')));

describe('a review of an ACL file', () => {
  it('has nothing to say about a good one', () => {
    expect(
      notesOn('topic read news/#', 'user ann', 'topic a/#', 'topic deny a/b', 'user bob', 'topic a/#', 'pattern d/%c'),
    ).toEqual([]);
  });

  it.each([
    [['topic a/#', 'topic read a/b'], "acl:2: 'topic read a/b' adds nothing to line 1"],
    [['topic read a/b', 'topic readwrite a/+'], "acl:1: 'topic read a/b' adds nothing to line 2"],
    [['topic read a', 'topic read a'], "acl:2: 'topic read a' adds nothing to line 1"],
    [['topic read a/b', 'topic deny a/#'], "acl:1: 'topic read a/b' gives nothing: line 2 denies all of it"],
    [['user ann', 'topic home/%u'], "acl:2: 'home/%u' is taken as it stands"],
    [['pattern read home/#'], 'neither %u nor %c'],
    [['pattern read home/x%u'], 'only a part of its level'],
    [['topic read'], "a topic that is called 'read'"],
    [['topic write $SYS/broker/uptime'], 'cannot write below $SYS'],
    [['topic read $share/g/a'], 'without $share'],
    [['user ann', 'user bob', 'topic a'], "acl:1: no topic line follows for user 'ann'"],
    [
      ['user ann', 'topic a/secret', 'pattern deny a/#', 'pattern %u'],
      "does not keep user 'ann' from what line 2 gives",
    ],
  ])('of %j says it', (lines, expected) => {
    const notes = notesOn(...lines);
    expect(notes.join('\n')).toContain(expected);
    expect(notes.every((note) => /^acl:\d+: /.test(note))).toBe(true);
  });

  it('does not compare lines of different users, or rights that differ', () => {
    expect(notesOn('user ann', 'topic read a', 'user bob', 'topic read a')).toEqual([]);
    expect(notesOn('user ann', 'topic read a', 'topic write a')).toEqual([]);
  });

  it('ends in bounded time, and says so', () => {
    const lines = Array.from({ length: 2000 }, (_, i) => `topic read a/${i}`);
    expect(notesOn(...lines).at(-1)).toContain('too many lines');
  });
});

describe('filters', () => {
  it.each([
    ['a/#', 'a', true, true],
    ['a/#', 'a/+/b', true, true],
    ['#', 'a/b', true, true],
    ['#', '$SYS/x', false, false],
    ['+/b', 'a/+', true, false],
    ['+/b', 'a/#', true, false],
    ['a/+', 'a/#', true, false],
    ['a/+', 'a', false, false],
    ['a', 'b', false, false],
    ['a/b', 'a/b/c', false, false],
  ])('%s and %s: there is a topic for both: %s, the first has all of the second: %s', (one, other, both, all) => {
    expect(filtersOverlap(one, other)).toBe(both);
    expect(filtersOverlap(other, one)).toBe(both);
    expect(filterCovers(one, other)).toBe(all);
  });
});
