import { describe, expect, it } from 'vitest';
import { HttpSubscribers } from './http-subscribers.js';

const client = (clientId: string, username = 'u') => ({ clientId, username, address: '' });

describe('what clients were allowed to subscribe to', () => {
  it('is known by client id, user and topic', () => {
    const subscribers = new HttpSubscribers();
    expect(subscribers.add(client('c'), 'a/#')).toBe('filter');
    expect(subscribers.add(client('c'), 'a/#')).toBe('nothing');
    expect(subscribers.find('c', 'u', 'a/b')).toBe('yes');
    expect(subscribers.find('c', 'u', 'b')).toBe('no');
    expect(subscribers.find('d', 'u', 'a/b')).toBe('no');
    expect(subscribers.find('c', 'v', 'a/b')).toBe('other user');
    expect(subscribers.add(client('c', 'v'), 'b')).toBe('user');
    expect(subscribers.find('c', 'v', 'a/b')).toBe('no');
  });

  it('is bounded for each client: what it subscribed to first is forgotten, and nothing of others', () => {
    const subscribers = new HttpSubscribers();
    subscribers.add(client('other'), 'kept');
    const filter = (n: number) => `${n}/${'x'.repeat(60_000)}`;
    for (let n = 0; n < 2000; n++) subscribers.add(client('greedy'), filter(n));
    expect(subscribers.find('greedy', 'u', filter(0))).toBe('no');
    expect(subscribers.find('greedy', 'u', filter(1999))).toBe('yes');
    expect(subscribers.find('other', 'u', 'kept')).toBe('yes');
  });

  it('is bounded for all: who subscribed first is forgotten', () => {
    const subscribers = new HttpSubscribers();
    const long = 'x'.repeat(60_000);
    for (let n = 0; n < 1200; n++) subscribers.add(client(`c${n}`), long);
    expect(subscribers.find('c0', 'u', long)).toBe('no');
    expect(subscribers.find('c1199', 'u', long)).toBe('yes');
  });
});
