import { describe, expect, it } from 'vitest';
import type { Finding } from './finding.js';
import { verdictOn } from './verdict.js';

const TLS: Finding = { area: 'tls', check: 'version', mark: 'ok', text: 'TLSv1.3' };
const CLOSED: Finding = { area: 'access', check: 'anonymous', mark: 'ok', text: 'Strangers are refused' };
const SLOW: Finding = { area: 'speed', check: 'ping', mark: 'warning', text: 'PING: slow' };
const NOTE: Finding = { area: 'limits', check: 'features', mark: 'note', text: 'No wildcards' };

describe('the verdict', () => {
  it('is good for the internet with TLS, where strangers are refused', () => {
    expect(verdictOn([TLS, CLOSED, NOTE], false)).toEqual({
      exitStatus: 0,
      text: 'Good for use on the internet.',
      reasons: [],
    });
  });

  it.each([
    [[CLOSED], 'TLS:'],
    [[TLS], 'users with passwords:'],
    [[NOTE], 'TLS and users with passwords:'],
  ])('names what is missing for others than this machine', (findings, missing) => {
    const { exitStatus, text } = verdictOn(findings, false);
    expect([exitStatus, text.endsWith(`it would need ${missing} cauldron setup`)]).toEqual([0, true]);
  });

  it('lists what is not well', () => {
    expect(verdictOn([TLS, CLOSED, SLOW], false)).toEqual({
      exitStatus: 1,
      text: 'Works, but:',
      reasons: ['PING: slow'],
    });
  });

  it('says that it cannot be used when the examination came to an early end', () => {
    expect(verdictOn([TLS, SLOW], true)).toMatchObject({ exitStatus: 2, reasons: ['PING: slow'] });
  });
});
