import type { ConfigDraft } from './draft.js';
import { broker, type Option } from './option.js';
import { integer, type OptionType, oneOf, path, text } from './option-types.js';

/** A service that is asked about clients. */
export interface HttpAccessConfig {
  /** Null: it is not asked who gets in. */
  readonly authUrl: string | null;
  /** Null: it is not asked about topics. */
  readonly aclUrl: string | null;
  readonly format: 'json' | 'form';
  /** Lines `Name: value` that go with each request, such as a secret. */
  readonly headersFile: string | null;
  /** Null: the CAs that Node.js knows. */
  readonly caFile: string | null;
  readonly timeoutMs: number;
  /** 0: nothing is remembered. */
  readonly cacheMs: number;
  readonly maxRequests: number;
}

export type HttpAccessDraft = { -readonly [Key in keyof HttpAccessConfig]: HttpAccessConfig[Key] };

export function newHttpAccessDraft(): HttpAccessDraft {
  return {
    authUrl: null,
    aclUrl: null,
    format: 'json',
    headersFile: null,
    caFile: null,
    timeoutMs: 5000,
    cacheMs: 30_000,
    maxRequests: 16,
  };
}

/** Null: nobody is asked. */
export function httpAccessOf({ httpAccess }: ConfigDraft): HttpAccessConfig | null {
  return httpAccess.authUrl === null && httpAccess.aclUrl === null ? null : httpAccess;
}

const URL_TYPE: OptionType<string> = {
  ...text,
  kind: 'address',
  range: 'http:// or https://',
  expects: 'an address that begins with http:// or https://, without a user name and a password',
  example: 'https://localhost:8443/mqtt/auth',
  read(value) {
    if (!URL.canParse(value)) return undefined;
    const { protocol, username, password } = new URL(value);
    // They would be seen wherever the configuration is shown.
    return /^https?:$/.test(protocol) && username === '' && password === '' ? value : undefined;
  },
};

/** Who gets in and what they may do, decided by a program of the user's own. */
export const httpOptions: readonly Option[] = [
  broker('http_auth_url', URL_TYPE, {
    isOwn: true,
    default: 'none',
    doc: 'Asked by POST whether a client gets in: user name, password, client id and address. docs/ways-in.md has the form of questions and answers.',
    set: ({ httpAccess }, url) => {
      httpAccess.authUrl = url;
    },
  }),
  broker('http_acl_url', URL_TYPE, {
    isOwn: true,
    default: 'none',
    doc: 'Asked by POST whether a client may publish to a topic, or subscribe to a filter. What a subscription brings follows the answer for it.',
    set: ({ httpAccess }, url) => {
      httpAccess.aclUrl = url;
    },
  }),
  broker('http_format', oneOf('json', 'form'), {
    isOwn: true,
    default: 'json',
    doc: 'How questions are written: as a JSON object, or as the fields of a form.',
    set: ({ httpAccess }, format) => {
      httpAccess.format = format;
    },
  }),
  broker('http_headers_file', path('/etc/cauldron/http-headers'), {
    isOwn: true,
    default: 'none',
    doc: 'A file of lines `Name: value` that go with each question as HTTP headers, such as a secret by which the service knows the broker.',
    set: ({ httpAccess }, file) => {
      httpAccess.headersFile = file;
    },
  }),
  broker('http_cafile', path('/etc/cauldron/http-ca.crt'), {
    isOwn: true,
    default: 'the CAs of Node.js',
    doc: 'Certificates (PEM) of the CAs that may have issued that of an https service. It is always verified.',
    set: ({ httpAccess }, file) => {
      httpAccess.caFile = file;
    },
  }),
  broker('http_timeout', integer(1, 60, 'seconds'), {
    isOwn: true,
    default: '5',
    doc: 'How long an answer may take. Without one, the client is not let in, or may not do what it wants; nobody else waits.',
    set: ({ httpAccess }, seconds) => {
      httpAccess.timeoutMs = seconds * 1000;
    },
  }),
  broker('http_cache_seconds', integer(0, 3600, 'seconds'), {
    isOwn: true,
    default: '30',
    doc: 'How long answers are remembered: those about topics, and those that let somebody in; 0: not at all.',
    set: ({ httpAccess }, seconds) => {
      httpAccess.cacheMs = seconds * 1000;
    },
  }),
  broker('http_max_requests', integer(1, 1000, 'requests'), {
    isOwn: true,
    default: '16',
    doc: 'Questions that are under way at once; further ones wait for them.',
    set: ({ httpAccess }, count) => {
      httpAccess.maxRequests = count;
    },
  }),
];
