import { describe, expect, it } from 'vitest';
import { aclWith, namesInPasswords, newPassword, seenBy, USER_NAME } from './users.js';

const fred = { name: 'fred', password: null, sees: ['jjolie'] };

describe('the rights of users', () => {
  it('are their own topics and those of the friends whom they see', () => {
    expect(
      aclWith('', [{ name: 'jjolie', password: null, sees: [] }, fred])
        .split('\n')
        .slice(3),
    ).toEqual([
      'user jjolie',
      'topic readwrite owntracks/jjolie/#',
      '',
      'user fred',
      'topic readwrite owntracks/fred/#',
      'topic read owntracks/jjolie/+',
      'topic read owntracks/jjolie/+/event',
      'topic read owntracks/jjolie/+/info',
      '',
    ]);
  });

  it('of somebody who records everybody are to read, and nothing else', () => {
    const acl = aclWith('', [{ name: 'recorder', password: null, sees: 'everybody' }]);
    expect(acl).toContain('user recorder\ntopic read owntracks/#\n');
    expect(acl).not.toContain('readwrite');
  });

  it('are added behind what is there, which stays as it is', () => {
    expect(aclWith('topic read a/#', [fred])).toMatch(/^topic read a\/#\n\nuser fred\n/);
  });

  it('of users who have some already stay, and get further friends', () => {
    const before = '# mine\nuser fred\ntopic read a/#\ntopic read owntracks/jjolie/+\n';
    expect(aclWith(before, [{ ...fred, sees: [] }])).toBe(before);
    const after = aclWith(before, [fred]);
    expect(after).toBe(
      `${before}\nuser fred\ntopic read owntracks/jjolie/+/event\ntopic read owntracks/jjolie/+/info\n`,
    );
    expect(aclWith(after, [fred])).toBe(after);
  });

  it('tell whom a user sees, over all lines about that user', () => {
    const acl = aclWith(aclWith('', [fred]), [
      { ...fred, sees: ['anna'] },
      { ...fred, name: 'rec', sees: 'everybody' },
    ]);
    expect(seenBy(acl, 'fred')).toEqual(['jjolie', 'anna']);
    expect(seenBy(acl, 'rec')).toBe('everybody');
  });

  it.each([
    ['somebody without lines', 'user anna\ntopic read a\n'],
    ['somebody with a line of another kind', `${aclWith('', [fred])}topic deny owntracks/fred/x\n`],
    ['somebody who may not write', 'user fred\ntopic read owntracks/fred/#\n'],
    ['everybody, once there are patterns', `${aclWith('', [fred])}pattern read all/#\n`],
  ])('do not tell whom they see: %s', (_who, acl) => {
    expect(seenBy(acl, 'fred')).toBeNull();
  });
});

describe('names and passwords', () => {
  it.each(['jjolie', 'a', 'anna-2', 'x.y_z'])('%s can be a name', (name) => expect(USER_NAME.test(name)).toBe(true));

  it.each(['', '+', 'a/b', 'a:b', '#', '-a', '..', 'a b', 'ü', 'a'.repeat(65)])('%j cannot be one', (name) => {
    expect(USER_NAME.test(name)).toBe(false);
  });

  it('of a password file are those before the colons', () => {
    expect(namesInPasswords('# x:y\nfred:$7$1$a$b\n\njjolie:$6$a$b\n')).toEqual(new Set(['fred', 'jjolie']));
  });

  it('made anew have 20 letters that cannot be taken for others, drawn evenly from all of them', () => {
    const bounds = new Set<number>();
    let next = 0;
    const password = newPassword((bound) => {
      bounds.add(bound);
      return next++;
    });
    expect(password).toMatch(/^[a-hjkmnp-zA-HJ-NP-Z2-9]{20}$/);
    expect(new Set(password).size).toBe(20);
    expect([...bounds]).toEqual([55]);
    expect(newPassword()).not.toBe(newPassword());
  });
});
