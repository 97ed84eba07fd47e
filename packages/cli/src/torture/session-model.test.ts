import { beforeEach, describe, expect, it } from 'vitest';
import { Findings } from './findings.js';
import { SessionModel } from './session-model.js';
import { Timeline } from './timeline.js';

let ms: number;
let timeline: Timeline;
let findings: Findings;
let session: SessionModel;

beforeEach(() => {
  ms = 0;
  timeline = new Timeline(() => ms++);
  findings = new Findings();
  session = new SessionModel('reader', timeline, findings);
});

function connect(sessionPresent: boolean, clean = false): void {
  session.connecting(clean);
  session.connected(sessionPresent);
}

function subscribe(filter: string): void {
  session.subscribing(filter);
  session.subscribed(filter);
}

function unsubscribe(filter: string, existed: boolean | undefined): void {
  session.unsubscribing(filter);
  session.unsubscribed(filter, existed);
}

function texts(): string[] {
  return findings.first.map(({ text }) => text);
}

describe('a session', () => {
  it('is new at first, and there from then on', () => {
    connect(false);
    connect(true);
    expect(texts()).toEqual([]);
    expect(findings.checks.sessions).toBe(2);
  });

  it('is found lost when CONNACK says that there is none', () => {
    connect(false);
    connect(false);
    expect(texts()).toEqual(['reader has lost its session']);
    expect(findings.count('session')).toBe(1);
  });

  it('is found lost each time', () => {
    for (let i = 0; i < 3; i++) connect(false);
    expect(findings.count('session')).toBe(2);
  });

  it('is found where none can be', () => {
    connect(true);
    expect(texts()).toEqual(['reader is told of a session that never was']);
  });

  it('may be there or not after a first CONNECT that was not answered', () => {
    session.connecting(false);
    session.ended('kill', false);
    connect(true);
    expect(texts()).toEqual([]);
    expect(findings.checks.sessions).toBe(0);
  });

  it('is not lost by a later CONNECT that was not answered', () => {
    connect(false);
    session.connecting(false);
    session.ended('kill', false);
    connect(false);
    expect(texts()).toEqual(['reader has lost its session']);
  });

  it('is found undead when a clean start gets the old one', () => {
    connect(false);
    connect(true, true);
    expect(texts()).toEqual(['reader asked for a clean start, and got an old session']);
  });

  it('is there after a clean start', () => {
    connect(false);
    connect(false, true);
    connect(true);
    expect(texts()).toEqual([]);
  });
});

describe('a subscription', () => {
  beforeEach(() => connect(false));

  it('is found lost when UNSUBACK says that there is none', () => {
    subscribe('a');
    unsubscribe('a', false);
    expect(texts()).toEqual(['reader has lost its subscription to a']);
    expect(findings.count('subscription')).toBe(1);
  });

  it('is found undead when UNSUBACK says that it was there after its end', () => {
    subscribe('a');
    unsubscribe('a', true);
    unsubscribe('a', true);
    expect(texts()).toEqual(['reader still has its subscription to a, which was ended']);
  });

  it('is found undead when a clean start has not ended it', () => {
    subscribe('a');
    connect(false, true);
    unsubscribe('a', true);
    expect(texts()).toEqual(['reader still has its subscription to a, which was ended']);
  });

  it('is what it was asked to be', () => {
    subscribe('a');
    unsubscribe('a', true);
    unsubscribe('a', false);
    subscribe('a');
    connect(true);
    unsubscribe('a', true);
    expect(texts()).toEqual([]);
    expect(findings.checks.subscriptions).toBe(3);
  });

  it.each([true, false])('may be there or not after a clean start that was not answered (it is: %s)', (existed) => {
    subscribe('a');
    session.connecting(true);
    session.ended('kill', false);
    connect(true);
    unsubscribe('a', existed);
    expect(texts()).toEqual([]);
  });

  it('may have ended already when UNSUBSCRIBE was sent again', () => {
    subscribe('a');
    session.unsubscribing('a');
    session.ended('kill', true);
    connect(true);
    session.unsubscribing('a');
    session.unsubscribed('a', false);
    expect(texts()).toEqual([]);
  });

  it('says nothing where UNSUBACK says nothing', () => {
    subscribe('a');
    unsubscribe('a', undefined);
    expect(texts()).toEqual([]);
    expect(findings.checks.subscriptions).toBe(0);
  });

  it('was there throughout, never, or nobody knows, between two moments', () => {
    const before = timeline.now();
    session.subscribing('a');
    const asking = timeline.now();
    session.subscribed('a');
    const during = timeline.now();
    session.unsubscribing('a');
    const ending = timeline.now();
    session.unsubscribed('a', true);
    const after = timeline.now();
    expect(session.subscribedOver('a', before, before)).toBe('never');
    expect(session.subscribedOver('a', before, asking)).toBe('unknown');
    expect(session.subscribedOver('a', asking, during)).toBe('unknown');
    expect(session.subscribedOver('a', during, during)).toBe('throughout');
    expect(session.subscribedOver('a', during, ending)).toBe('unknown');
    expect(session.subscribedOver('a', after, timeline.now())).toBe('never');
    expect(session.subscribedOver('b', before, after)).toBe('never');
  });

  it('is gone after the session is, without having been left', () => {
    subscribe('a');
    const during = timeline.now();
    connect(false);
    const after = timeline.now();
    expect(session.subscribedOver('a', after, after)).toBe('never');
    expect(session.hasLeft('a', during)).toBe(false);
    connect(false, true);
    expect(session.hasLeft('a', during)).toBe(true);
    expect(session.hasLeft('a', timeline.now())).toBe(false);
  });
});

describe('interruptions', () => {
  it('are kills and ends without DISCONNECT', () => {
    connect(false);
    for (const how of ['drop', 'take-over', 'disconnect', 'kill'] as const) session.ended(how, true);
    expect(session.interruptions).toBe(2);
    timeline.killing();
    expect(session.interruptions).toBe(2);
    timeline.killed();
    expect(session.interruptions).toBe(3);
  });
});
