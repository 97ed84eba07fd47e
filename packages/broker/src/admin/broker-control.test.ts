import { describe, expect, it } from 'vitest';
import { BrokerControl } from './broker-control.js';

const CLIENT = { clientId: 'console', username: undefined, address: '' };

describe('questions about the broker', () => {
  const lines: string[] = [];
  const control = new BrokerControl({
    listeners: () => [{ port: 1883, protocol: 'mqtt', tls: false }],
    plugins: () => [{ name: 'dynamic-security', 'control-endpoints': ['$CONTROL/dynamic-security/v1'] }],
    log: { types: 0xff, write: (_type, line) => void lines.push(line) },
  });
  const ask = (name: string) => control.run({ name, fields: { command: name } }, CLIENT);

  it('are answered with what there is at the moment, and logged', () => {
    expect(ask('listListeners')).toEqual({
      command: 'listListeners',
      data: { listeners: [{ port: 1883, protocol: 'mqtt', tls: false }] },
    });
    expect(ask('LISTPLUGINS')).toMatchObject({
      command: 'listPlugins',
      data: { plugins: [{ name: 'dynamic-security' }] },
    });
    expect(lines).toEqual(['Broker: console/(null) | listListeners', 'Broker: console/(null) | listPlugins']);
  });

  it('that nobody knows are no commands', () => {
    expect(ask('shutdown')).toEqual({ error: 'Unknown command' });
  });
});
