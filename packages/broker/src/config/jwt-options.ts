import type { ConfigDraft } from './draft.js';
import { broker, type Option } from './option.js';
import { flag, integer, path, text } from './option-types.js';

/** Which tokens let clients in, and where the keys are that prove them. */
export interface JwtConfig {
  /** PEM: public keys and certificates. */
  readonly keyFiles: readonly string[];
  readonly secretFile: string | null;
  readonly jwksFile: string | null;
  /** What a token has to say about who made it, and for whom. Null and empty: anything. */
  readonly issuer: string | null;
  readonly audiences: readonly string[];
  readonly usernameClaim: string;
  /** By how much clocks may differ. */
  readonly toleranceS: number;
  readonly requiresExpiry: boolean;
}

export type JwtDraft = { -readonly [Key in keyof JwtConfig]: JwtConfig[Key] } & {
  keyFiles: string[];
  audiences: string[];
};

export function newJwtDraft(): JwtDraft {
  return {
    keyFiles: [],
    secretFile: null,
    jwksFile: null,
    issuer: null,
    audiences: [],
    usernameClaim: 'sub',
    toleranceS: 0,
    requiresExpiry: true,
  };
}

/** Null: no token lets anybody in, because there is no key. */
export function jwtOf({ jwt }: ConfigDraft): JwtConfig | null {
  return jwt.keyFiles.length === 0 && jwt.secretFile === null && jwt.jwksFile === null ? null : jwt;
}

/** JSON Web Tokens as passwords. */
export const jwtOptions: readonly Option[] = [
  broker('jwt_key_file', path('/etc/cauldron/jwt.pem'), {
    isOwn: true,
    isRepeatable: true,
    default: 'none',
    doc: 'Public keys or certificates (PEM) that prove JSON Web Tokens, which clients give as their password. The kind of the key decides which algorithms count.',
    set: ({ jwt }, file) => {
      jwt.keyFiles.push(file);
    },
  }),
  broker('jwt_secret_file', path('/etc/cauldron/jwt-secret'), {
    isOwn: true,
    default: 'none',
    doc: 'A file with the secret of tokens that are made with HS256, HS384 or HS512: at least 32 bytes; a line end behind it does not count.',
    set: ({ jwt }, file) => {
      jwt.secretFile = file;
    },
  }),
  broker('jwt_jwks_file', path('/etc/cauldron/jwks.json'), {
    isOwn: true,
    default: 'none',
    doc: 'A JSON Web Key Set with keys that prove tokens; read again with each reload.',
    set: ({ jwt }, file) => {
      jwt.jwksFile = file;
    },
  }),
  broker('jwt_issuer', text, {
    isOwn: true,
    default: 'any',
    example: 'https://login.example.org',
    doc: 'What the claim iss of a token has to be.',
    set: ({ jwt }, issuer) => {
      jwt.issuer = issuer;
    },
  }),
  broker('jwt_audience', text, {
    isOwn: true,
    isRepeatable: true,
    default: 'any',
    example: 'mqtt',
    doc: 'What the claim aud of a token has to be, or to have among others; of several lines, one is enough.',
    set: ({ jwt }, audience) => {
      jwt.audiences.push(audience);
    },
  }),
  broker('jwt_username_claim', text, {
    isOwn: true,
    default: 'sub',
    example: 'sub',
    doc: 'The claim with the user name. A client may leave its user name out; if it gives one, it has to be the same.',
    set: ({ jwt }, claim) => {
      jwt.usernameClaim = claim;
    },
  }),
  broker('jwt_clock_tolerance', integer(0, 3600, 'seconds'), {
    isOwn: true,
    default: '0',
    doc: 'By how much the clock of whoever makes tokens may differ from that of the broker.',
    set: ({ jwt }, seconds) => {
      jwt.toleranceS = seconds;
    },
  }),
  broker('jwt_require_expiry', flag, {
    isOwn: true,
    default: 'true',
    doc: 'Whether a token without an end (claim exp) is refused.',
    set: ({ jwt }, requires) => {
      jwt.requiresExpiry = requires;
    },
  }),
];
