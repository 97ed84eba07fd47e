import { ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import type { Admission, Credentials, Decision, Principal } from '../core/ports/access.js';
import { DEFAULT_LISTENER, type ListenerPolicy } from '../core/settings.js';
import { memoryLinkPair } from '../transports/memory.js';
import { AccessControl, type AccessSet } from './access-control.js';
import type { Gate } from './gate.js';
import type { TopicRules } from './topic-rules.js';

const YES: Decision = { allowed: true, rule: 'yes' };
const NO: Decision = { allowed: false, rule: 'no' };
const CLIENT: Principal = { clientId: 'client', username: 'user', address: '127.0.0.1', access: '' };

function gate(name: string, answers: Record<string, boolean>, isSlow = false): Gate {
  const answerTo = ({ username = '' }: Credentials): Admission | null => {
    const isIn = answers[username];
    if (isIn === undefined) return null;
    if (isIn) return { admitted: true, username, rule: name };
    return { admitted: false, reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD, reason: 'no', rule: name };
  };
  return {
    name,
    authenticate: (credentials) => (isSlow ? Promise.resolve(answerTo(credentials)) : answerTo(credentials)),
  };
}

function rules(name: string, answers: Record<string, Decision>): TopicRules {
  const answer = (_: Principal, topic: string): Decision | null => answers[topic] ?? null;
  return {
    name,
    answersAtOnce: true,
    onChange: () => {},
    mayPublish: answer,
    maySubscribe: answer,
    mayReceive: answer,
  };
}

function control(set: Partial<AccessSet>, access = ''): AccessControl {
  const made = new AccessControl();
  made.replace(new Map([[access, { gates: [], rules: [], exchanges: [], ...set }]]));
  return made;
}

function credentials(username: string | undefined, listener: Partial<ListenerPolicy> = {}): Credentials {
  return {
    link: memoryLinkPair(() => ({ onRead() {}, onDrain() {}, onClose() {} })).link,
    listener: { ...DEFAULT_LISTENER, allowAnonymous: false, ...listener },
    protocolVersion: 5,
    clientId: 'client',
    username,
    provenBy: null,
    password: undefined,
  };
}

describe('who gets in', () => {
  const files = [
    gate('first', { anna: true, bob: false }),
    gate('second', { anna: false, bob: true, carl: true }, true),
  ];

  it.each([
    ['anna', true, 'first'],
    ['bob', false, 'first'],
    ['carl', true, 'second'],
  ])('%s: the first gate that knows the client decides', async (username, admitted, rule) => {
    expect(await control({ gates: files }).authenticate(credentials(username))).toMatchObject({ admitted, rule });
  });

  it('is nobody with a name that no gate knows, whatever allow_anonymous says', async () => {
    const unknown = credentials('dora', { allowAnonymous: true });
    expect(await control({ gates: files }).authenticate(unknown)).toMatchObject({
      admitted: false,
      reasonCode: ReasonCode.NOT_AUTHORIZED,
      rule: 'no user is called dora',
    });
  });

  it('is who has no name where allow_anonymous is true', async () => {
    const anonymous = control({ gates: files });
    expect(await anonymous.authenticate(credentials(undefined, { allowAnonymous: true }))).toMatchObject({
      admitted: true,
      username: undefined,
    });
    expect(await anonymous.authenticate(credentials(undefined))).toMatchObject({
      admitted: false,
      reasonCode: ReasonCode.NOT_AUTHORIZED,
    });
  });

  it('is everybody that the listener lets in where there is no gate', () => {
    const open = control({});
    expect(open.authenticate(credentials('dora', { allowAnonymous: true }))).toMatchObject({ admitted: true });
    expect(open.authenticate(credentials('dora'))).toMatchObject({ admitted: false });
    expect(open.authenticate({ ...credentials('dora'), provenBy: 'psk' })).toMatchObject({ admitted: true });
  });

  it('is decided for each listener by its own gates', () => {
    const own = control({ gates: [gate('own', { anna: true })] }, '* 1883');
    expect(own.authenticate(credentials('anna', { access: '* 1883' }))).toMatchObject({ admitted: true });
    expect(own.authenticate(credentials('anna', { access: '* 1884' }))).toMatchObject({ admitted: false });
  });
});

describe('who may do what', () => {
  const inRow = [rules('first', { a: YES, b: NO }), rules('second', { a: NO, b: YES, c: YES })];

  it.each([
    ['a', YES],
    ['b', NO],
    ['c', YES],
    ['d', { allowed: false, rule: 'no rule allows it' }],
  ])('%s: the first rules that know the topic decide', (topic, decision) => {
    const access = control({ rules: inRow });
    expect(access.unrestricted).toBe(false);
    expect(access.mayPublish(CLIENT, topic)).toEqual(decision);
    expect(access.maySubscribe(CLIENT, topic, 0)).toEqual(decision);
    expect(access.mayReceive(CLIENT, topic)).toEqual(decision);
  });

  it('is everything for everybody where there are no rules', () => {
    const open = control({});
    expect(open.unrestricted).toBe(true);
    expect(open.mayPublish(CLIENT, 'a')).toMatchObject({ allowed: true });
  });

  it('waits for rules that take their time', async () => {
    const slow: TopicRules = { ...rules('slow', {}), mayPublish: () => Promise.resolve(null) };
    const access = control({ rules: [slow, ...inRow] });
    expect(await access.mayPublish(CLIENT, 'b')).toEqual(NO);
  });

  it('is asked anew when rules change, and when others take their place; those that are gone have no say', () => {
    const first = rules('first', {});
    const access = control({ rules: [first] });
    const before = access.version;
    first.onChange();
    expect(access.version).toBe(before + 1);
    access.replace(new Map());
    expect(access.version).toBe(before + 2);
    expect(access.unrestricted).toBe(true);
    first.onChange();
    expect(access.version).toBe(before + 2);
  });

  it('everybody may unsubscribe, unless rules that ask about it say no, or nothing', () => {
    const asking = (answers: Record<string, Decision>): TopicRules => ({
      ...rules('asks', {}),
      mayUnsubscribe: (_, filter) => answers[filter] ?? null,
    });
    const free = rules('does not ask', {});
    const judge = (list: readonly TopicRules[], filter: string) =>
      control({ rules: list }).mayUnsubscribe(CLIENT, filter).allowed;
    expect(judge([], 'a')).toBe(true);
    expect(judge([free], 'a')).toBe(true);
    expect(judge([asking({ a: NO, b: YES }), free], 'a')).toBe(false);
    expect(judge([asking({ a: NO, b: YES })], 'b')).toBe(true);
    expect(judge([asking({ a: NO })], 'c')).toBe(false);
    expect(judge([asking({ a: NO }), free], 'c')).toBe(true);
  });
});
