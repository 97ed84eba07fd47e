import { describe, expect, it } from 'vitest';
import { UsageError } from '../command-line/arguments.js';
import { targetFrom } from './target.js';

const target = (address: string, values = {}) => targetFrom(address, values, 'r');

describe('the address of a broker', () => {
  it.each([
    ['localhost', 'mqtt://localhost', 'localhost', 1883],
    ['host.example.org:1884', 'mqtt://host.example.org:1884', 'host.example.org', 1884],
    ['host.example.org:8883', 'mqtts://host.example.org:8883', 'host.example.org', 8883],
    ['::1', 'mqtt://[::1]', '::1', 1883],
    ['mqtts://h', 'mqtts://h', 'h', 8883],
    ['mqtt://fry:sl%20urm@h:1', 'mqtt://h:1', 'h', 1],
  ])('%s is taken', (address, url, host, port) => {
    expect(target(address)).toMatchObject({ url, host, port });
  });

  it('has user name and password, which flags come before, and which are not shown', () => {
    expect(target('mqtt://fry:sl%20urm@h')).toMatchObject({ url: 'mqtt://h', username: 'fry', password: 'sl urm' });
    expect(target('mqtt://fry:slurm@h', { username: 'leela', password: 'nibbler' })).toMatchObject({
      username: 'leela',
      password: 'nibbler',
    });
  });

  it('has a path for WebSockets, /mqtt if it names none', () => {
    expect(target('ws://h').webSocketPath).toBe('/mqtt');
    expect(target('wss://h/a/b?c=d')).toMatchObject({ webSocketPath: '/a/b?c=d', isTls: true, port: 443 });
    expect(target('mqtt://h').webSocketPath).toBeNull();
  });

  it('names topics and client ids of its own', () => {
    expect(target('h')).toMatchObject({ prefix: 'cauldron/doctor/r', clientId: 'doctorr' });
    expect(target('h', { topic: 'a/b', id: 'me', timeout: 0.5 })).toMatchObject({
      prefix: 'a/b/r',
      clientId: 'me',
      timeoutMs: 500,
    });
  });

  it.each([
    ['mqt://h', 'Did you mean mqtt://?'],
    ['gopher://h', 'An address begins with mqtt://'],
    ['mqtt://h/topic', "what is '/topic'?"],
    ['mqtt://', "'mqtt://'"],
    ['mqtt://h:99999', 'is no address of a broker'],
  ])('%s is refused', (address, message) => {
    expect(() => target(address)).toThrow(UsageError);
    expect(() => target(address)).toThrow(message);
  });

  it('without TLS does not go with flags for it', () => {
    expect(() => target('mqtt://h', { osCertificates: true })).toThrow('mqtts:// or wss://');
    expect(target('h', { osCertificates: true }).url).toBe('mqtts://h');
  });
});
