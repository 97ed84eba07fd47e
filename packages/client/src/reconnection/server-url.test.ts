import { describe, expect, it } from 'vitest';
import { referredUrls } from './referral.js';
import { credentialsOf, serverUrls, webSocketUrl } from './server-url.js';

describe('the servers that are named', () => {
  it('are one or several', () => {
    expect(serverUrls('mqtt://a').map(String)).toEqual(['mqtt://a']);
    expect(serverUrls(new URL('mqtt://a')).map(String)).toEqual(['mqtt://a']);
    expect(serverUrls(['mqtt://a', new URL('ws://b/c')]).map(String)).toEqual(['mqtt://a', 'ws://b/c']);
  });

  it('are not none, and URLs', () => {
    expect(() => serverUrls([])).toThrow(TypeError);
    expect(() => serverUrls('there')).toThrow(TypeError);
  });
});

describe('a reference to another server', () => {
  it.each([
    ['mqtt://a', 'b.example', 'mqtt://b.example'],
    ['mqtt://a', 'b.example:8883', 'mqtt://b.example:8883'],
    ['mqtt://a:1884', 'b', 'mqtt://b:1884'],
    ['mqtts://me:secret@a:8884', '192.0.2.7:1883', 'mqtts://me:secret@192.0.2.7:1883'],
    ['mqtts://a', '[fe80::9610:3eff:fe1c]:1883', 'mqtts://[fe80::9610:3eff:fe1c]:1883'],
    ['mqtts://a', '[2001:db8::1]', 'mqtts://[2001:db8::1]'],
    ['mqtts://a', '2001:db8::1', 'mqtts://[2001:db8::1]'],
    ['wss://a:9001/mqtt?x=1', 'b:443', 'wss://b/mqtt?x=1'],
    ['wss://a:9001/mqtt', 'b', 'wss://b:9001/mqtt'],
  ])('%s says %s: %s', (from, reference, expected) => {
    expect(referredUrls(reference, new URL(from)).map(String)).toEqual([expected]);
  });

  it('may be a list', () => {
    expect(referredUrls('b  c:1884', new URL('mqtt://a')).map(String)).toEqual(['mqtt://b', 'mqtt://c:1884']);
  });

  it.each(['', 'mqtt://b', 'b:65536', 'b:', 'me@b', 'b/c', 'b?c', '[b]', '[::', 'b:1:2', 'b%41', 'b\u0000', 'b^'])(
    'is not %j',
    (reference) => {
      expect(referredUrls(reference, new URL('mqtts://a'))).toEqual([]);
    },
  );

  it('does not lead away from a Unix socket', () => {
    expect(referredUrls('b', new URL('unix:/run/mqtt'))).toEqual([]);
  });
});

describe('a URL', () => {
  it('may say who connects', () => {
    expect(credentialsOf(new URL('mqtt://a'))).toEqual({});
    expect(credentialsOf(new URL('mqtt://me@a'))).toEqual({ username: 'me' });
    expect(credentialsOf(new URL('mqtt://m%C3%A9:a%25b@a'))).toEqual({ username: 'mé', password: 'a%b' });
    expect(() => credentialsOf(new URL('mqtt://me:100%@a'))).toThrow(
      new TypeError('The password in the URL has a % that is not written as %25'),
    );
  });

  it('of a WebSocket has a path, and no credentials', () => {
    expect(webSocketUrl(new URL('wss://me:secret@a:1#b')).href).toBe('wss://a:1/mqtt');
    expect(webSocketUrl(new URL('ws://a/b?c')).href).toBe('ws://a/b?c');
  });
});
