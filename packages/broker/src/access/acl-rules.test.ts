import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainAcl } from './acl-explain.js';
import { parseAclFile } from './acl-file.js';
import { AclRules } from './acl-rules.js';

const rulesOf = (...lines: string[]) => new AclRules(parseAclFile('acl', lines.join('\n')));
const client = (username?: string, clientId = 'c1') => ({ username, clientId });

/** Which of the two rights there are, as r and w. */
function rights(rules: AclRules, who: ReturnType<typeof client>, topic: string): string {
  return `${rules.mayReceive(who, topic).allowed ? 'r' : ''}${rules.mayPublish(who, topic).allowed ? 'w' : ''}`;
}

describe('topic lines', () => {
  const rules = rulesOf(
    'topic read news/#',
    'user ann',
    'topic a/+/b',
    'topic write w',
    'topic read r',
    'topic deny a/secret/b',
    'topic readwrite deep/#',
    'topic deny deep/er/#',
    'user bob',
    'topic read a/secret/b',
    'user ann',
    'topic read late',
  );

  it.each([
    ['ann', 'a/x/b', 'rw'],
    ['ann', 'a//b', 'rw'],
    ['ann', 'a/x/y/b', ''],
    ['ann', 'a/secret/b', ''],
    ['bob', 'a/secret/b', 'r'],
    ['ann', 'w', 'w'],
    ['ann', 'r', 'r'],
    ['ann', 'deep', 'rw'],
    ['ann', 'deep/x/y', 'rw'],
    ['ann', 'deep/er', ''],
    ['ann', 'deep/er/still', ''],
    ['ann', 'late', 'r'],
    ['ann', 'news/today', ''],
    [undefined, 'news/today', 'r'],
    [undefined, 'r', ''],
    ['', 'news/today', ''],
    ['carl', 'r', ''],
  ])('give %s on %s: "%s"', (username, topic, expected) => {
    expect(rights(rules, client(username), topic)).toBe(expected);
  });

  it('are named by what they decide, with the file and the line', () => {
    expect(rules.mayPublish(client('ann'), 'w')).toEqual({ allowed: true, rule: 'acl:4: topic write w' });
    expect(rules.mayReceive(client('ann'), 'deep/er')).toEqual({ allowed: false, rule: 'acl:8: topic deny deep/er/#' });
    expect(rules.mayReceive(client('ann'), 'w')).toEqual({ allowed: false, rule: 'acl: no line allows it' });
  });

  it('take % as it stands', () => {
    expect(rights(rulesOf('user ann', 'topic home/%u'), client('ann'), 'home/ann')).toBe('');
    expect(rights(rulesOf('user ann', 'topic home/%u'), client('ann'), 'home/%u')).toBe('rw');
  });

  it('leave subscribing free: what comes is asked about message by message', () => {
    expect(rules.maySubscribe().allowed).toBe(true);
  });
});

describe('pattern lines', () => {
  const rules = rulesOf(
    'pattern read home/%u/#',
    'pattern write dev/%c',
    'pattern deny home/%u/safe',
    'pattern read all',
    'pattern both/%u/%c',
    'pattern read part/x-%u-%c',
    'user ann',
    'topic readwrite home/ann/safe',
    'topic deny all',
  );

  it.each([
    ['bob', 'c1', 'home/bob/x', 'r'],
    ['bob', 'c1', 'home/ann/x', ''],
    ['bob', 'c1', 'home/bob/safe', ''],
    ['bob', 'c1', 'dev/c1', 'w'],
    ['bob', 'c1', 'dev/c2', ''],
    ['bob', 'c1', 'all', 'r'],
    [undefined, 'c1', 'all', 'r'],
    [undefined, 'c1', 'dev/c1', 'w'],
    [undefined, 'c1', 'home/undefined/x', ''],
    [undefined, 'c1', 'home//x', ''],
    ['bob', 'c1', 'both/bob/c1', 'rw'],
    ['bob', 'c1', 'both/c1/bob', ''],
    ['bob', 'c1', 'part/x-bob-c1', 'r'],
    ['bob', 'c1', 'part/x-ann-c1', ''],
    ['ann', 'c1', 'home/ann/safe', 'rw'],
    ['ann', 'c1', 'all', ''],
  ])('give %s with the id %s on %s: "%s"', (username, clientId, topic, expected) => {
    expect(rights(rules, client(username, clientId), topic)).toBe(expected);
  });

  it.each(['+', '#', 'x+', 'a/#', 'ann/+'])('give nothing to a client that calls itself %s', (name) => {
    for (const topic of ['home/ann/x', `home/${name}/x`, 'home/x', 'all', 'dev/c1', `dev/${name}`]) {
      expect(rights(rules, client(name), topic)).toBe('');
      expect(rights(rules, client('bob', name), topic)).toBe('');
    }
    expect(rules.mayReceive(client(name), 'all').rule).toContain('not for a user name or client id with');
  });

  it('give nothing by a name that has several levels, and nothing else either if one of them would deny by it', () => {
    const slashed = client('bob', 'my/id');
    expect(rights(rulesOf('pattern dev/%c/#'), slashed, 'dev/my/id/x')).toBe('');
    expect(rights(rulesOf('pattern dev/%c/#', 'pattern home/%u'), slashed, 'home/bob')).toBe('rw');
    expect(rights(rulesOf('pattern deny dev/%c', 'pattern dev/#'), slashed, 'dev/my/id')).toBe('');
    expect(rights(rulesOf('pattern deny dev/%c', 'pattern dev/#'), slashed, 'dev/other')).toBe('');
  });

  it('do not put one name into the other', () => {
    expect(rights(rulesOf('pattern a/%u'), client('%c', 'c1'), 'a/c1')).toBe('');
    expect(rights(rulesOf('pattern a/%u'), client('%c', 'c1'), 'a/%c')).toBe('rw');
  });

  it('are the same for a name that means something to the program', () => {
    expect(rights(rulesOf('pattern a/%u'), client('__proto__'), 'a/__proto__')).toBe('rw');
    expect(rights(rulesOf('pattern a/x%u'), client('$&'), 'a/x$&')).toBe('rw');
    expect(rights(rulesOf('topic a'), client('constructor'), 'a')).toBe('');
  });
});

describe('topics that begin with $', () => {
  const rules = rulesOf(
    'user ann',
    'topic #',
    'topic +/broker/#',
    'user bob',
    'topic $SYS/#',
    'topic $share/g/a',
    'topic $CONTROL/x',
    'pattern %u/#',
  );

  it.each([
    ['ann', '$SYS/broker/uptime', ''],
    ['ann', '$SYS/broker/connection/b/state', ''],
    ['bob', '$SYS/broker/uptime', 'r'],
    ['bob', '$SYS/broker/connection/b/state', 'rw'],
    ['bob', '$SYS/broker/connection/b/c/state', 'r'],
    ['bob', '$SYSTEM', ''],
    ['bob', '$share/g/a', 'r'],
    ['bob', '$CONTROL/x', 'rw'],
    ['$SYS', '$SYS/broker/uptime', ''],
    ['$SYS', 'x', ''],
  ])('are for %s on %s: "%s"', (username, topic, expected) => {
    expect(rights(rules, client(username), topic)).toBe(expected);
  });
});

describe('a decision', () => {
  const level = fc.constantFrom('a', 'b', '', '%u', '%c', 'x%u', '+', '$SYS', 'ann', 'c1');
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
    .filter((text) => text !== '');
  const access = fc.constantFrom('read ', 'write ', 'readwrite ', 'deny ', '');
  const line = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom('user ann', 'user bob') },
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.constantFrom('topic', 'pattern'), access, filter)
        .map(([kind, a, f]) => `${kind} ${a}${f}`),
    },
  );
  const name = fc.constantFrom('ann', 'bob', 'c1', 'a/b', '+', '', 'xann');
  const topic = fc
    .array(fc.constantFrom('a', 'b', '', 'ann', 'c1', 'xann', '$SYS'), { minLength: 1, maxLength: 4 })
    .map((levels) => levels.join('/'))
    .filter((text) => text !== '');

  it('is the one that looking at the lines one by one gives, and names the same line', () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.option(name, { nil: undefined }),
        name,
        fc.constantFrom('read' as const, 'write' as const),
        topic,
        (lines, username, clientId, action, asked) => {
          const file = parseAclFile('acl', lines.join('\n'));
          const { decision, candidates } = explainAcl(file, { username, clientId }, action, asked);
          const [first] = candidates;
          expect(decision.allowed).toBe(first?.says === 'yes');
          if (first !== undefined) expect(decision.rule).toBe(first.rule);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('takes about a microsecond with a thousand lines of one user, and ten thousand users', () => {
    const lines = ['user many'];
    for (let i = 0; i < 1000; i++) lines.push(`topic read house/${i}/+/state`);
    for (let i = 0; i < 10_000; i++) lines.push(`user u${i}`, `topic readwrite owntracks/u${i}/#`);
    lines.push('pattern write dev/%c/#', 'pattern read home/%u/#');
    const rules = rulesOf(...lines);
    const decide = (count: number): number => {
      const startedMs = performance.now();
      let allowed = 0;
      for (let i = 0; i < count; i++) {
        if (rules.mayReceive(client('many'), `house/${i % 1000}/lamp/state`).allowed) allowed++;
        if (rules.mayPublish(client(`u${i % 10_000}`), `owntracks/u${i % 10_000}/phone`).allowed) allowed++;
      }
      expect(allowed).toBe(count * 2);
      return ((performance.now() - startedMs) * 1000) / (count * 2);
    };
    decide(20_000);
    // Far from the microsecond that it takes alone, and far below what looking at each line would take: the machine may be busy.
    expect(Math.min(decide(20_000), decide(20_000), decide(20_000))).toBeLessThan(10);
  });
});
