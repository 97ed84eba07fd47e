import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from './config.js';
import { readConfig } from './read-config.js';

function configOf(...lines: readonly string[]) {
  return readConfig(['listener 1883', ...lines].join('\n'), 'test.conf');
}

function problemsOf(...lines: readonly string[]): readonly string[] {
  try {
    configOf(...lines);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

describe('the options of tokens', () => {
  it('are none without a key', () => {
    expect(configOf('jwt_issuer me').jwt).toBe(null);
  });

  it('say where keys are, and what tokens have to have', () => {
    const { jwt } = configOf(
      'jwt_key_file /a.pem',
      'jwt_key_file /b.pem',
      'jwt_secret_file /s',
      'jwt_jwks_file /j.json',
      'jwt_issuer https://id.example',
      'jwt_audience mqtt',
      'jwt_audience all',
      'jwt_username_claim name',
      'jwt_clock_tolerance 30',
      'jwt_require_expiry false',
    );
    expect(jwt).toEqual({
      keyFiles: ['/a.pem', '/b.pem'],
      secretFile: '/s',
      jwksFile: '/j.json',
      issuer: 'https://id.example',
      audiences: ['mqtt', 'all'],
      usernameClaim: 'name',
      toleranceS: 30,
      requiresExpiry: false,
    });
  });
});

describe('the options of an HTTP service', () => {
  it('are none without an address', () => {
    expect(configOf('http_timeout 3').httpAccess).toBe(null);
  });

  it('say whom to ask, and how', () => {
    const { httpAccess } = configOf(
      'http_auth_url https://id.example/auth',
      'http_acl_url http://localhost:8080/acl',
      'http_format form',
      'http_headers_file /h',
      'http_cafile /ca',
      'http_timeout 3',
      'http_cache_seconds 0',
      'http_max_requests 2',
    );
    expect(httpAccess).toEqual({
      authUrl: 'https://id.example/auth',
      aclUrl: 'http://localhost:8080/acl',
      format: 'form',
      headersFile: '/h',
      caFile: '/ca',
      timeoutMs: 3000,
      cacheMs: 0,
      maxRequests: 2,
    });
  });

  it.each(['ftp://a/', 'here', 'https://user:secret@host/'])('refuse the address %s', (url) => {
    const [problem] = problemsOf(`http_auth_url ${url}`);
    expect(problem).toMatch(/^test\.conf:2: http_auth_url must be an address that begins with http:\/\/ or https:\/\//);
  });
});

describe('auth_order', () => {
  it('has all ways, with those first that are named', () => {
    expect(configOf().authOrder).toEqual(['users', 'jwt', 'http']);
    expect(configOf('auth_order http').authOrder).toEqual(['http', 'users', 'jwt']);
    expect(configOf('auth_order jwt, http').authOrder).toEqual(['jwt', 'http', 'users']);
  });

  it.each(['jwt jwt', 'passwords', 'http,'])('%j is refused, or has nothing empty in it', (value) => {
    expect(problemsOf(`auth_order ${value}`)).toHaveLength(value === 'http,' ? 0 : 1);
  });
});

describe('the options against abuse', () => {
  it('lock out failures of addresses outside of this machine, and limit nothing else, if nothing is said', () => {
    const { abuse, settings } = configOf();
    expect(abuse).toEqual({
      addressFailures: 20,
      userFailures: 100,
      lockoutMs: 10_000,
      maxLockoutMs: 900_000,
      connectRate: Number.POSITIVE_INFINITY,
      exempt: ['127.0.0.0/8', '::1'],
      bansFile: null,
    });
    expect([settings.maxPublishRate, settings.maxPublishBytesRate]).toEqual([Infinity, Infinity]);
  });

  it('say how many, how long, how often, and for whom not', () => {
    const { abuse, settings } = configOf(
      'auth_lockout_failures 3',
      'auth_lockout_user_failures -1',
      'auth_lockout_seconds 5',
      'auth_lockout_max_seconds 50',
      'max_connect_rate 7',
      'abuse_exempt 10.0.0.0/8, fd00::/8',
      'bans_file bans',
      'max_publish_rate 100',
      'max_publish_bytes_rate 10K',
    );
    expect(abuse).toEqual({
      addressFailures: 3,
      userFailures: Number.POSITIVE_INFINITY,
      lockoutMs: 5000,
      maxLockoutMs: 50_000,
      connectRate: 7,
      exempt: ['10.0.0.0/8', 'fd00::/8'],
      bansFile: resolve('bans'),
    });
    expect([settings.maxPublishRate, settings.maxPublishBytesRate]).toEqual([100, 10_240]);
  });

  it('keep bans beside other data, where there are some', () => {
    expect(configOf('persistence true', 'persistence_location /data').abuse.bansFile).toBe(join('/data', 'bans.json'));
  });

  it.each(['here', '10.0.0.0/33', '::1/129', '10.0.0.0/'])('refuse %s among networks', (network) => {
    expect(problemsOf(`abuse_exempt 127.0.0.1 ${network}`)).toHaveLength(1);
    expect(configOf('abuse_exempt none').abuse.exempt).toEqual([]);
  });
});
