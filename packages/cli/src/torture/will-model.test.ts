import { beforeEach, describe, expect, it } from 'vitest';
import { Model } from './model.js';
import type { Ending } from './session-model.js';
import type { WillModel } from './will-model.js';

const TOPIC = 'w/mortal';
const READERS = ['reader', 'other'];

let ms: number;
let model: Model;

beforeEach(() => {
  ms = 0;
  model = new Model(() => ms);
  for (const reader of READERS) {
    model.session(reader).connecting(false);
    model.connected(reader, false);
    model.session(reader).subscribing('w/#');
    model.session(reader).subscribed('w/#');
  }
});

/** A client with a will at QoS 2, which has connected. @returns the number of its will as well */
function mortal(delayMs = 0): { readonly will: WillModel; readonly number: number } {
  const will = model.will('mortal', TOPIC, 2, delayMs);
  return { will, number: connect(will) };
}

function connect(will: WillModel): number {
  const number = ask(will);
  model.connected('mortal', number > 1);
  return number;
}

function ask(will: WillModel): number {
  model.session('mortal').connecting(false);
  return will.connecting();
}

function end(how: Ending): void {
  model.ended('mortal', how, true);
}

function kill(): void {
  model.timeline.killing();
  model.timeline.killed();
}

function texts(): string[] {
  return model.findings.first.map(({ kind, text }) => `${kind}: ${text}`);
}

const WITHDRAWN = `which the client had withdrawn`;

describe('a will', () => {
  it.each(['drop', 'kill'] as const)('has to come to all after the connection has ended by %s', (how) => {
    const { will, number } = mortal();
    end(how);
    expect(will.isDue).toBe(true);
    model.arrived('reader', TOPIC, number);
    expect(will.hasArrived).toBe(true);
    model.settle();
    model.judge();
    expect(texts()).toEqual([`will: other never got message 1 of ${TOPIC} (QoS 2), which was acknowledged`]);
  });

  it('that came to one has to come to all, also when the client is back', () => {
    const { will, number } = mortal();
    end('drop');
    model.arrived('reader', TOPIC, number);
    connect(will);
    model.judge();
    expect(model.findings.count('will')).toBe(1);
  });

  it('that came just before a kill may come to one only, if the client returns', () => {
    const { will, number } = mortal();
    end('drop');
    model.arrived('reader', TOPIC, number);
    kill();
    connect(will);
    model.judge();
    expect(texts()).toEqual([]);
  });

  it('need not have come when the client returns, and may', () => {
    const { will, number } = mortal();
    end('drop');
    connect(will);
    model.judge();
    model.arrived('reader', TOPIC, number);
    expect(texts()).toEqual([]);
  });

  it('must not come while the client is connected', () => {
    const { number } = mortal();
    model.arrived('reader', TOPIC, number);
    expect(texts()).toEqual([`will: reader got will 1 of mortal, while the client is connected`]);
  });

  it('must not come after DISCONNECT', () => {
    const { number } = mortal();
    end('disconnect');
    model.arrived('reader', TOPIC, number);
    expect(texts()).toEqual([`will: reader got will 1 of mortal, ${WITHDRAWN}`]);
  });

  it('must not come after DISCONNECT and the next CONNACK, whatever is killed later', () => {
    const { will, number } = mortal();
    end('disconnect');
    connect(will);
    kill();
    model.arrived('reader', TOPIC, number);
    expect(texts()).toEqual([`will: reader got will 1 of mortal, ${WITHDRAWN}, or returned in time for`]);
  });

  it('may come or not after DISCONNECT that a kill follows, because nothing says that the broker has read it', () => {
    const { will, number } = mortal();
    end('disconnect');
    kill();
    expect(will.isDue).toBe(false);
    model.arrived('reader', TOPIC, number);
    connect(will);
    model.judge();
    expect(texts()).toEqual([]);
  });

  it('must not come when the client returned before the delay was over', () => {
    const { will, number } = mortal(1000);
    end('drop');
    ms += 700;
    connect(will);
    model.arrived('reader', TOPIC, number);
    expect(texts()).toEqual([`will: reader got will 1 of mortal, ${WITHDRAWN}, or returned in time for`]);
  });

  it('must not come before the delay is over, and may from then on', () => {
    const { number } = mortal(1000);
    end('drop');
    ms += 700;
    model.arrived('reader', TOPIC, number);
    expect(texts()).toEqual([`will: reader got will 1 of mortal, before its delay was over`]);
    ms += 300;
    model.arrived('other', TOPIC, number);
    expect(model.findings.count('will')).toBe(1);
  });

  it('may come or not when the client returned after the delay', () => {
    const { will, number } = mortal(1000);
    end('drop');
    ms += 1000;
    connect(will);
    model.arrived('reader', TOPIC, number);
    model.judge();
    expect(texts()).toEqual([]);
  });

  it('may come or not when another connection took over, or CONNECT was not answered', () => {
    const { will, number } = mortal();
    end('take-over');
    const next = ask(will);
    model.ended('mortal', 'kill', false);
    model.arrived('reader', TOPIC, number);
    model.arrived('reader', TOPIC, next);
    model.settle();
    model.judge();
    expect(texts()).toEqual([]);
  });
});
