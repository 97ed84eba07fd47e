import type { Option, Scope } from './option.js';
import { findOption } from './options.js';

/** Where a line has to stand: completes the sentence `It stands ...`. */
const PLACES: Readonly<Record<Scope, string>> = {
  file: 'anywhere; what follows belongs to it',
  broker: 'anywhere: it is for the whole broker',
  security: 'anywhere: it is for all listeners; with per_listener_settings true below the listener that it is for',
  listener: "below the 'listener' line that it is for",
  bridge: "below the 'connection' line of its bridge",
  plugin: "below the 'plugin' line of its plugin",
};

/** Where a line of the option has to stand, without a full stop. */
export function placeOf({ name, scope }: Option): string {
  if (name === 'include_dir') return 'anywhere in the main file';
  if (name === 'port' || name === 'bind_address') return 'anywhere: it is about the default listener';
  if (name === 'plugin_use') return PLACES.listener;
  return PLACES[scope];
}

/** What may be written behind the option's name: `a whole number of seconds from 1 to 3600`. */
export function valueWords({ expects, isRepeatable }: Option): string {
  return isRepeatable ? `${expects}; lines of it add up` : expects;
}

/** When a changed value takes effect. */
export function changeWords({ reloadable }: Option): string {
  return reloadable ? 'with a reload' : 'with a restart';
}

/** What becomes of the option, as a sentence; null: it does what it says. */
export function statusWords({ name, status, scope }: Option): string | null {
  switch (status.kind) {
    case 'works':
      return null;
    case 'ignored':
      return `Taken, without effect: ${status.why}.`;
    case 'planned':
      return scope === 'bridge' || name === 'connection'
        ? 'Checked, without effect yet: this version has no bridges.'
        : `Checked, without effect yet: this version has no ${status.part}.`;
    case 'refused':
      return `Refused: ${name} ${status.instead}`;
  }
}

/** How it differs from what Mosquitto does, as a sentence; null: not at all. */
export function mosquittoWords({ deviation, isOwn }: Option): string | null {
  return isOwn ? 'Does not have it.' : deviation;
}

const TLS = ['certfile', 'keyfile'];
const CLIENT_CERTIFICATES = [...TLS, 'cafile', 'require_certificate'];

/** Options that stand in the same block, because it would be refused or make no sense without them. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  certfile: ['keyfile'],
  keyfile: ['certfile'],
  cafile: [...TLS, 'require_certificate'],
  capath: [...TLS, 'require_certificate'],
  require_certificate: [...TLS, 'cafile'],
  crlfile: CLIENT_CERTIFICATES,
  disable_client_cert_date_checks: CLIENT_CERTIFICATES,
  use_identity_as_username: CLIENT_CERTIFICATES,
  use_subject_as_username: CLIENT_CERTIFICATES,
  tls_version: TLS,
  ciphers: TLS,
  'ciphers_tls1.3': TLS,
  dhparamfile: TLS,
  tls_keyform: TLS,
  proxy_protocol_v2_require_tls: ['enable_proxy_protocol'],
  psk_hint: ['psk_file'],
  psk_file: ['psk_hint'],
  bridge_certfile: ['bridge_cafile', 'bridge_keyfile'],
  bridge_keyfile: ['bridge_cafile', 'bridge_certfile'],
  bridge_identity: ['bridge_psk'],
  bridge_psk: ['bridge_identity'],
};

/** Lines of a configuration that shows the option at work. `written`: one name of a family. */
export function exampleLines(option: Option, written: string = option.name): string[] {
  const { name, scope } = option;
  const needed = (NEEDS[name] ?? []).flatMap((other) => lineOf(other) ?? []);
  const own = `${written} ${option.example}`;
  switch (scope) {
    case 'listener':
      return [
        `listener ${needed.some((line) => /^(certfile|keyfile|psk_file) /.test(line)) ? 8883 : 1883}`,
        ...needed,
        own,
      ];
    case 'bridge': {
      const bridge = ['connection', 'address', 'topic'].filter((other) => other !== name);
      return [...bridge.flatMap((other) => lineOf(other) ?? []), ...needed, own];
    }
    case 'plugin':
      return ['plugin /usr/lib/mosquitto_persist_sqlite.so', own];
    default:
      break;
  }
  if (name === 'connection') return [own, ...['address', 'topic'].flatMap((other) => lineOf(other) ?? [])];
  if (name === 'plugin_use') return [...(lineOf('plugin_load') ?? []), 'listener 1883', own];
  return needed.length > 0 ? ['listener 8883', ...needed, own] : [own];
}

function lineOf(name: string): string[] | undefined {
  const option = findOption(name);
  return option && [`${name} ${option.example}`];
}
