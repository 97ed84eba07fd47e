import type { Authorizer } from '@cauldron/broker';
import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const NO = { allowed: false, rule: 'acl:7: topic deny #' };
const nothing: Authorizer = {
  unrestricted: false,
  version: 1,
  mayPublish: () => NO,
  maySubscribe: () => NO,
  mayReceive: () => NO,
};

describe.each([
  ['none', undefined],
  ['short', 'not authorised'],
  ['full', 'not authorised: acl:7: topic deny #'],
] as const)('with access_reasons %s', (accessReasons, reasonString) => {
  const started = () => new TestBroker({ authorizer: nothing, settings: { accessReasons } });

  it(`a 5.0 client that may not is told the reason code and ${reasonString ?? 'nothing else'}`, async () => {
    const client = await started().connected('client', 5);
    client.publish('t', 'x', { qos: 1 });
    const puback = await client.expect(PacketType.PUBACK);
    client.publish('t', 'x', { qos: 2 });
    const pubrec = await client.expect(PacketType.PUBREC);
    const suback = await client.subscribe('t');
    for (const { reasonCode } of [puback, pubrec]) expect(reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
    expect(suback.reasonCodes).toEqual([ReasonCode.NOT_AUTHORIZED]);
    for (const { properties } of [puback, pubrec, suback]) expect(properties?.reasonString).toBe(reasonString);
  });

  it('a 3.1.1 client gets its acknowledgements, and the failure in SUBACK', async () => {
    const test = started();
    const client = await test.connected('client', 4);
    client.publish('t', 'x', { qos: 1 });
    expect((await client.expect(PacketType.PUBACK)).reasonCode).toBe(0);
    client.publish('t', 'x', { qos: 2 });
    expect((await client.expect(PacketType.PUBREC)).reasonCode).toBe(0);
    expect((await client.subscribe('t')).reasonCodes).toEqual([0x80]);
    expect(test.log.lines.filter((line) => line.includes('acl:7'))).toHaveLength(3);
  });

  it('of several refusals, one that is no secret is told', async () => {
    const test = new TestBroker({ authorizer: nothing, settings: { accessReasons, maxTopicLevels: 3 } });
    const client = await test.connected('client', 5);
    const { properties } = await client.subscribe([{ filter: 't' }, { filter: 'a/b/c/d' }]);
    expect(properties?.reasonString).toBe(reasonString ?? 'the filter has 4 levels, max_topic_levels is 3');
  });
});
