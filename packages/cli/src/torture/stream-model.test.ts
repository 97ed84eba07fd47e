import { beforeEach, describe, expect, it } from 'vitest';
import { Model } from './model.js';
import type { StreamModel, StreamQoS } from './stream-model.js';

const TOPIC = 'm/publisher/x';
const FILTER = 'm/#';
const READER = 'reader';

let ms: number;
let model: Model;

beforeEach(() => {
  ms = 0;
  model = new Model(() => ms++);
});

function subscribe(clientId = READER): void {
  model.session(clientId).subscribing(FILTER);
  model.session(clientId).subscribed(FILTER);
}

function unsubscribe(clientId = READER): void {
  model.session(clientId).unsubscribing(FILTER);
  model.session(clientId).unsubscribed(FILTER, undefined);
}

function connect(clientId = READER, sessionPresent = false): void {
  model.session(clientId).connecting(false);
  model.connected(clientId, sessionPresent);
}

function kill(): void {
  model.timeline.killing();
  model.timeline.killed();
}

function publisherOf(qos: StreamQoS): { readonly stream: StreamModel; publish(): number } {
  const stream = model.stream(TOPIC, qos, 'publisher');
  const publish = (): number => {
    const number = stream.publishing();
    stream.accepted(number);
    stream.finished(number);
    return number;
  };
  return { stream, publish };
}

function counts(): Record<string, number> {
  const kinds = ['lost', 'duplicate', 'disorder', 'corrupt', 'subscription', 'session', 'will'] as const;
  const all = kinds.map((kind) => [kind, model.findings.count(kind)] as const);
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

describe.each([1, 2] as const)('at QoS %i', (qos) => {
  beforeEach(() => {
    connect();
    subscribe();
  });

  it('finds nothing when all comes once, in its order', () => {
    const { publish } = publisherOf(qos);
    for (let i = 0; i < 3; i++) model.arrived(READER, TOPIC, publish());
    expect(model.outstanding).toBe(0);
    model.judge();
    expect(counts()).toEqual({});
    expect(model.findings.checks.deliveries).toBe(3);
  });

  it('finds a message lost that was acknowledged and has not come at the end', () => {
    const { publish } = publisherOf(qos);
    model.arrived(READER, TOPIC, publish());
    publish();
    expect(model.outstanding).toBe(1);
    model.judge();
    expect(counts()).toEqual({ lost: 1 });
    const [{ text, history }] = model.findings.first;
    expect(text).toBe(`reader never got message 2 of ${TOPIC} (QoS ${qos}), which was acknowledged`);
    expect(history.join('\n')).toContain('publisher sends PUBLISH 2');
  });

  it('finds a message lost that is missing between others', () => {
    const { publish } = publisherOf(qos);
    publish();
    model.arrived(READER, TOPIC, publish());
    model.judge();
    expect(counts()).toEqual({ lost: 1 });
  });

  it('finds a message lost long before the end, once it is so old that it is forgotten', () => {
    const { publish } = publisherOf(qos);
    publish();
    for (let i = 0; i < 4_000; i++) model.arrived(READER, TOPIC, publish());
    expect(counts()).toEqual({ lost: 1 });
    model.judge();
    expect(counts()).toEqual({ lost: 1 });
  });

  it('does not miss a message that was in flight at the kill and was never acknowledged', () => {
    const { stream } = publisherOf(qos);
    stream.publishing();
    kill();
    expect(model.outstanding).toBe(0);
    model.judge();
    expect(counts()).toEqual({});
  });

  it('takes a message that was in flight at the kill all the same', () => {
    const { stream } = publisherOf(qos);
    const number = stream.publishing();
    kill();
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({});
  });

  it('finds a message out of order', () => {
    const { publish } = publisherOf(qos);
    const first = publish();
    model.arrived(READER, TOPIC, publish());
    model.arrived(READER, TOPIC, first);
    expect(counts()).toEqual({ disorder: 1 });
  });

  it('finds a message that comes again for no reason', () => {
    const { publish } = publisherOf(qos);
    const number = publish();
    model.arrived(READER, TOPIC, number);
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({ duplicate: 1 });
  });

  it('finds a message that nobody has published, and one whose contents are wrong', () => {
    publisherOf(qos).publish();
    model.arrived(READER, TOPIC, 2);
    model.arrived(READER, TOPIC, undefined);
    model.arrived(READER, 'elsewhere', 1);
    expect(counts()).toEqual({ corrupt: 3 });
  });

  it('finds a message that comes to somebody who has never subscribed', () => {
    const { publish } = publisherOf(qos);
    model.arrived('stranger', TOPIC, publish());
    expect(counts()).toEqual({ corrupt: 1 });
  });

  it('finds a subscription undead when what is published after its end comes', () => {
    const { publish } = publisherOf(qos);
    unsubscribe();
    model.arrived(READER, TOPIC, publish());
    expect(counts()).toEqual({ subscription: 1 });
  });

  it('takes what was published before the subscription ended, and does not ask for it', () => {
    const { publish } = publisherOf(qos);
    const first = publish();
    publish();
    unsubscribe();
    model.arrived(READER, TOPIC, first);
    model.judge();
    expect(counts()).toEqual({});
  });

  it('does not know about what is published while the end of the subscription is not acknowledged', () => {
    const { publish } = publisherOf(qos);
    model.session(READER).unsubscribing(FILTER);
    model.arrived(READER, TOPIC, publish());
    publish();
    kill();
    model.judge();
    expect(counts()).toEqual({});
  });

  it('finds what is older than a clean start and comes in the new session', () => {
    const { publish } = publisherOf(qos);
    const old = publish();
    model.session(READER).connecting(true);
    model.connected(READER, false);
    subscribe();
    model.arrived(READER, TOPIC, old);
    expect(counts()).toEqual({ session: 1 });
  });

  it('misses what a session had coming that the broker has forgotten', () => {
    const { publish } = publisherOf(qos);
    publish();
    connect(READER, false);
    subscribe();
    model.judge();
    expect(counts()).toEqual({ lost: 1, session: 1 });
  });

  it('judges each session by itself', () => {
    const { publish } = publisherOf(qos);
    connect('other');
    subscribe('other');
    const number = publish();
    model.arrived(READER, TOPIC, number);
    expect(model.outstanding).toBe(1);
    model.arrived('other', TOPIC, number);
    expect(model.outstanding).toBe(0);
    model.judge();
    expect(counts()).toEqual({});
  });
});

describe('at QoS 1', () => {
  beforeEach(() => {
    connect();
    subscribe();
  });

  it('takes a repetition after a kill, one for each', () => {
    const { publish } = publisherOf(1);
    const number = publish();
    model.arrived(READER, TOPIC, number);
    kill();
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({});
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({ duplicate: 1 });
  });

  it.each(['drop', 'take-over'] as const)('takes a repetition after the end of its connection by %s', (how) => {
    const { publish } = publisherOf(1);
    const number = publish();
    model.arrived(READER, TOPIC, number);
    model.ended(READER, how, true);
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({});
  });

  it('takes no repetition after DISCONNECT, which follows all acknowledgements', () => {
    const { publish } = publisherOf(1);
    const number = publish();
    model.arrived(READER, TOPIC, number);
    model.ended(READER, 'disconnect', true);
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({ duplicate: 1 });
  });

  it('takes what the publisher sent twice twice, and each of the two again after a kill', () => {
    const { stream } = publisherOf(1);
    const number = stream.publishing();
    stream.resending(number);
    stream.accepted(number);
    stream.finished(number);
    for (let i = 0; i < 2; i++) model.arrived(READER, TOPIC, number);
    kill();
    for (let i = 0; i < 2; i++) model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({});
    model.arrived(READER, TOPIC, number);
    expect(counts()).toEqual({ duplicate: 1 });
  });

  it('takes a message late that was sent again after the subscription, and before it the first time', () => {
    const { stream } = publisherOf(1);
    unsubscribe();
    const first = stream.publishing();
    subscribe();
    const second = stream.publishing();
    model.arrived(READER, TOPIC, second);
    stream.resending(first);
    stream.resending(second);
    model.arrived(READER, TOPIC, first);
    expect(counts()).toEqual({});
  });

  it('finds a message out of order that was sent again, too, if the subscription was there all the time', () => {
    const { stream } = publisherOf(1);
    const first = stream.publishing();
    const second = stream.publishing();
    model.arrived(READER, TOPIC, second);
    stream.resending(first);
    model.arrived(READER, TOPIC, first);
    expect(counts()).toEqual({ disorder: 1 });
  });
});

describe('at QoS 2', () => {
  beforeEach(() => {
    connect();
    subscribe();
  });

  it('finds a message that comes again after a kill, and one that the publisher sent again', () => {
    const { stream, publish } = publisherOf(2);
    const first = publish();
    const second = stream.publishing();
    stream.resending(second);
    model.arrived(READER, TOPIC, first);
    model.arrived(READER, TOPIC, second);
    kill();
    model.arrived(READER, TOPIC, first);
    model.arrived(READER, TOPIC, second);
    expect(counts()).toEqual({ duplicate: 2 });
  });

  it('misses a message after PUBREC, whether PUBCOMP comes or not', () => {
    const { stream } = publisherOf(2);
    stream.accepted(stream.publishing());
    model.judge();
    expect(counts()).toEqual({ lost: 1 });
  });

  it('does not miss a message of which the publisher lost the session before PUBREC', () => {
    const { stream } = publisherOf(2);
    stream.abandoned(stream.publishing());
    model.judge();
    expect(counts()).toEqual({});
  });
});
