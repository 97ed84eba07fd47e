import { bridge, type Option } from './option.js';
import { flag, type OptionType, oneOf, path, text } from './option-types.js';

const TLS_VERSIONS = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const;

const hexKey: OptionType<string> = {
  kind: 'text',
  unit: '',
  range: 'hexadecimal digits',
  expects: 'a key of hexadecimal digits, two for each byte, without 0x',
  example: '0123456789abcdef0123456789abcdef',
  read: (value) => (/^([\da-f]{2})+$/i.test(value) ? value : undefined),
};

/** How a bridge speaks TLS. What makes it do so says that itself. */
export const bridgeTlsOptions: readonly Option[] = [
  bridge('bridge_cafile', path('/etc/cauldron/ca.crt'), {
    default: 'none',
    doc: 'CA certificates in PEM that the certificate of the other broker has to be issued by. Makes the bridge speak TLS.',
    set: ({ tls }, file) => {
      tls.caFile = file;
    },
  }),
  bridge('bridge_capath', path('/etc/ssl/certs'), {
    default: 'none',
    doc: 'Folder with such certificates.',
    set: ({ tls }, folder) => {
      tls.caPath = folder;
    },
  }),
  bridge('bridge_tls_use_os_certs', flag, {
    default: 'false',
    doc: 'Whether the CAs of the system are trusted. Makes the bridge speak TLS.',
    set: ({ tls }, uses) => {
      tls.usesSystemCas = uses;
    },
  }),
  bridge('bridge_certfile', path('/etc/cauldron/bridge.crt'), {
    default: 'none',
    doc: 'Certificate of the bridge in PEM, if the other broker asks for one.',
    set: ({ tls }, file) => {
      tls.certFile = file;
    },
  }),
  bridge('bridge_keyfile', path('/etc/cauldron/bridge.key'), {
    default: 'none',
    doc: 'The private key of bridge_certfile.',
    set: ({ tls }, file) => {
      tls.keyFile = file;
    },
  }),
  bridge('bridge_identity', text, {
    default: 'none',
    example: 'home',
    doc: 'Name of the pre-shared key, instead of certificates.',
    set: ({ tls }, identity) => {
      tls.pskIdentity = identity;
    },
  }),
  bridge('bridge_psk', hexKey, {
    isSecret: true,
    default: 'none',
    doc: 'The pre-shared key of bridge_identity.',
    set: ({ tls }, key) => {
      tls.psk = key;
    },
  }),
  bridge('bridge_alpn', text, {
    default: 'none',
    example: 'mqtt',
    doc: 'Application protocol to ask for in TLS, where several share a port.',
    set: ({ tls }, protocol) => {
      tls.alpn = protocol;
    },
  }),
  bridge('bridge_tls_version', oneOf('tlsv1.2', 'tlsv1.3'), {
    default: 'tlsv1.2',
    doc: 'The lowest version of TLS that the bridge speaks.',
    set: ({ tls }, version) => {
      tls.minVersion = TLS_VERSIONS[version];
    },
  }),
  bridge('bridge_ciphers', text, {
    default: 'those of Node',
    example: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    doc: 'Ciphers for TLS 1.2, as OpenSSL names them.',
    set: ({ tls }, ciphers) => {
      tls.ciphers = ciphers;
    },
  }),
  bridge('bridge_ciphers_tls1.3', text, {
    default: 'those of Node',
    example: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256',
    doc: 'Ciphers for TLS 1.3.',
    set: ({ tls }, ciphers) => {
      tls.ciphersOfTls13 = ciphers;
    },
  }),
  bridge('bridge_insecure', flag, {
    default: 'false',
    doc: 'Whether the certificate of the other broker may be for another name. Only for trying things out.',
    set: ({ tls }, isInsecure) => {
      tls.isInsecure = isInsecure;
    },
  }),
  bridge('bridge_require_ocsp', flag, {
    default: 'false',
    doc: 'Whether the other broker has to prove by OCSP that its certificate is not revoked.',
    set: ({ tls }, isRequired) => {
      tls.requiresOcsp = isRequired;
    },
  }),
];
