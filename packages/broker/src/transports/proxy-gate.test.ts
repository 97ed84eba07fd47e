import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client, Family, ipv4Ends, proxyHeader2, tlsAddition } from '../../../../test/support/proxy-headers.js';
import { PROXY_HEADER_TIMEOUT_MS, ProxyGate, type ProxyRules } from './proxy-gate.js';

const RULES: ProxyRules = { version: 2, requireTls: false, requireCertificate: false, timeoutMs: 30_000 };
const LOCAL = proxyHeader2({ command: 0x20, family: Family.UNSPECIFIED, ends: new Uint8Array(0) });
const PLAIN = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends() });
const WITH_TLS = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions: [tlsAddition(Client.TLS, 0)] });
const WITH_CERTIFICATE = proxyHeader2({
  family: Family.TCP4,
  ends: ipv4Ends(),
  additions: [tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0)],
});

/** Keeps how it was ended. */
class WaitingConnection {
  readonly endings: string[] = [];

  reject(reason: string): void {
    this.endings.push(reason);
  }

  destroy(): void {
    this.endings.push('destroyed');
  }
}

function preface() {
  return new ProxyGate(RULES).begin(new WaitingConnection());
}

/** Why rules do not let a connection in that begins so, or null. */
function objection(rules: Partial<ProxyRules>, bytes: Uint8Array): string | null {
  const gate = new ProxyGate({ ...RULES, ...rules });
  const taken = gate.begin(new WaitingConnection()).take(Buffer.concat([bytes, Buffer.of(1)]));
  if (taken === null) throw new Error('there is no header');
  return gate.objectionTo(taken.header);
}

describe('connections that wait for their PROXY header', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    [30_000, PROXY_HEADER_TIMEOUT_MS],
    [2000, 2000],
  ])('have the time that is given for CONNECT (%i ms), and not more than some seconds', (timeoutMs, limitMs) => {
    const gate = new ProxyGate({ ...RULES, timeoutMs });
    const link = new WaitingConnection();
    gate.begin(link);
    vi.advanceTimersByTime(limitMs - 1);
    expect(link.endings).toEqual([]);
    vi.advanceTimersByTime(1001);
    expect(link.endings).toEqual([expect.stringContaining(`within ${limitMs / 1000} s`)]);
    expect(gate.waiting).toBe(0);
  });

  it('are not ended once they are finished', () => {
    const gate = new ProxyGate(RULES);
    const link = new WaitingConnection();
    gate.begin(link);
    gate.finish(link);
    vi.advanceTimersByTime(60_000);
    expect(link.endings).toEqual([]);
  });

  it('give way to new ones when there are too many, the oldest first', () => {
    const gate = new ProxyGate(RULES, 2);
    const links = [new WaitingConnection(), new WaitingConnection(), new WaitingConnection()];
    for (const link of links) gate.begin(link);
    expect(gate.waiting).toBe(2);
    expect(links.map(({ endings }) => endings)).toEqual([[expect.stringContaining('2 connections')], [], []]);
  });

  it('are ended without a word when their listener is closed', () => {
    const gate = new ProxyGate(RULES);
    const link = new WaitingConnection();
    gate.begin(link);
    gate.close();
    expect(link.endings).toEqual(['destroyed']);
    expect(gate.waiting).toBe(0);
  });
});

describe('the beginning of a connection through a proxy', () => {
  it('gives the header and what is behind it, however it is cut', () => {
    const bytes = Buffer.concat([PLAIN, Buffer.from('rest')]);
    for (let cut = 1; cut < PLAIN.length; cut++) {
      const begun = preface();
      expect(begun.isPartial).toBe(false);
      const first = Buffer.from(bytes.subarray(0, cut));
      expect(begun.take(first)).toBe(null);
      first.fill(0); // it was lent
      expect(begun.isPartial).toBe(true);
      const taken = begun.take(bytes.subarray(cut));
      expect(Buffer.from(taken?.rest ?? []).toString()).toBe('rest');
      expect(taken?.header.source?.port).toBe(40_000);
    }
  });

  it('is accepted with the header alone when the proxy speaks for a client', () => {
    expect(preface().take(PLAIN)?.rest).toHaveLength(0);
  });

  it('is accepted with the first byte behind the header when the proxy speaks for itself', () => {
    const begun = preface();
    expect(begun.take(LOCAL)).toBe(null);
    expect(begun.isPartial).toBe(false);
    expect(Buffer.from(begun.take(Buffer.from('x'))?.rest ?? []).toString()).toBe('x');
    expect(preface().take(Buffer.concat([LOCAL, Buffer.from('y')]))?.header.isLocal).toBe(true);
  });

  it('is refused without TLS where that is required', () => {
    const rules = { requireTls: true };
    expect(objection(rules, PLAIN)).toContain('proxy_protocol_v2_require_tls');
    expect(objection(rules, LOCAL)).toContain('the proxy, which speaks for itself');
    expect(objection(rules, WITH_TLS)).toBe(null);
  });

  it('is refused without a certificate where that is required', () => {
    const rules = { requireCertificate: true };
    expect(objection(rules, WITH_TLS)).toContain('require_certificate');
    expect(objection(rules, LOCAL)).toContain('the proxy, which speaks for itself');
    expect(objection(rules, WITH_CERTIFICATE)).toBe(null);
  });

  it('asks nothing of TLS in version 1, which has no word for it', () => {
    const rules = { version: 1, requireTls: true, requireCertificate: true } as const;
    expect(objection(rules, Buffer.from('PROXY UNKNOWN\r\n'))).toBe(null);
  });
});
