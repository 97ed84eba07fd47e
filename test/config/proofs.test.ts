import { readFileSync } from 'node:fs';
import { OPTIONS } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';

/** A test file, and how the title of the test, or the row of its table, begins that shows the effect of an option. */
type Proof = readonly [file: string, title: string];

const EFFECTS = 'test/config/effects.test.ts';
const TLS = 'test/config/effects-tls.test.ts';
const ACCESS = 'test/config/effects-access.test.ts';
const WAYS = 'test/config/effects-ways.test.ts';
const WAYS_OPTIONS = 'packages/broker/src/config/ways-options.test.ts';
const JWT = 'packages/broker/src/access/jwt/jwt-gate.test.ts';
const HTTP = 'packages/broker/src/access/http/http-access.test.ts';
const PLUGINS = 'packages/broker/src/config/plugin-options.test.ts';

/** For each option that does something: where it is seen to do it. */
const PROOFS: Readonly<Record<string, readonly Proof[]>> = {
  listener: [['packages/broker/src/server/server.test.ts', 'serves MQTT on each listener that is configured']],
  password_file: [[ACCESS, 'lets in its users by their passwords']],
  enable_control_api: [[ACCESS, 'enable_control_api %s: whether']],
  auth_plugin_deny_special_chars: [
    ['packages/broker/src/access/dynsec/dynsec-rules.test.ts', 'is a special character in a name, unless'],
  ],
  acl_file: [[ACCESS, 'says who may publish and receive what']],
  access_reasons: [[ACCESS, 'decides what a client is told of why it may not']],
  include_dir: [[EFFECTS, 'include_dir: at what the files of a folder say']],

  port: [[EFFECTS, 'port and bind_address: there']],
  bind_address: [[EFFECTS, 'port and bind_address: there']],
  socket_domain: [[EFFECTS, 'bind_interface and socket_domain: ']],
  bind_interface: [[EFFECTS, 'bind_interface and socket_domain: ']],
  max_connections: [[EFFECTS, 'max_connections 1: ']],
  listener_allow_anonymous: [[EFFECTS, 'listener_allow_anonymous: ']],
  listener_auto_id_prefix: [[EFFECTS, 'auto_id_prefix and listener_auto_id_prefix: ']],
  mount_point: [
    [EFFECTS, 'mount_point: other listeners see the prefix'],
    ['test/broker/mount-points.test.ts', 'without a slash at its end makes no filter of'],
  ],
  use_username_as_clientid: [[EFFECTS, 'use_username_as_clientid: the id is the user name']],
  accept_protocol_versions: [[EFFECTS, 'accept_protocol_versions 4: no others']],
  max_qos: [
    [EFFECTS, 'max_qos 1: who publishes with more'],
    [EFFECTS, 'max_qos 1'],
  ],
  max_topic_alias: [
    [EFFECTS, 'max_topic_alias 3'],
    ['test/broker/topic-aliases.test.ts', 'may not be above the maximum [MQTT-3.3.2-9]'],
  ],
  max_topic_alias_broker: [[EFFECTS, 'max_topic_alias_broker 1: one topic goes by an alias']],
  protocol: [[EFFECTS, 'protocol %s: both, by the first bytes']],
  unix_socket_mode: [[EFFECTS, 'unix_socket_mode: who may use a Unix socket']],
  enable_proxy_protocol: [
    [EFFECTS, 'enable_proxy_protocol 1: the address of the client'],
    ['test/interop/haproxy.test.ts', 'knows the address of a client that comes with a header of %s'],
  ],
  proxy_protocol_v2_require_tls: [[EFFECTS, 'proxy_protocol_v2_require_tls true: without TLS']],
  websockets_origin: [[EFFECTS, 'websockets_origin https://good.example']],
  websockets_path: [[EFFECTS, 'websockets_path /elsewhere']],
  packet_buffer_size: [[EFFECTS, 'packet_buffer_size 1024']],

  certfile: [[TLS, 'certfile and keyfile: a listener speaks TLS']],
  keyfile: [[TLS, 'certfile and keyfile: a listener speaks TLS']],
  cafile: [[TLS, 'require_certificate with %s: a client has to have one of that CA']],
  capath: [[TLS, 'require_certificate with %s: a client has to have one of that CA']],
  require_certificate: [[TLS, 'require_certificate with %s: a client has to have one of that CA']],
  crlfile: [
    [TLS, 'crlfile: a certificate that was revoked'],
    ['packages/broker/src/transports/tls-client-certificates.test.ts', 'of several lists, each counts'],
  ],
  disable_client_cert_date_checks: [[TLS, 'disable_client_cert_date_checks %s: whether one that has expired']],
  tls_version: [[TLS, 'tls_version tlsv1.3: nothing older']],
  ciphers: [[TLS, 'ciphers: of TLS 1.2, and no others']],
  'ciphers_tls1.3': [[TLS, 'ciphers_tls1.3: of TLS 1.3, and no others']],
  dhparamfile: [[TLS, 'dhparamfile: the group of DHE ciphers']],
  psk_hint: [
    [TLS, 'psk_hint and psk_file: a client with an identity'],
    ['packages/broker/src/transports/tls-psk.test.ts', 'tells clients of TLS 1.2 its hint'],
  ],
  psk_file: [[TLS, 'psk_hint and psk_file: a client with an identity']],
  tls_keyform: [[TLS, 'tls_keyform pem: keys in files']],
  use_identity_as_username: [[TLS, 'use_identity_as_username']],
  use_subject_as_username: [[TLS, 'use_subject_as_username']],

  allow_anonymous: [[EFFECTS, 'allow_anonymous false']],
  allow_zero_length_clientid: [[EFFECTS, 'allow_zero_length_clientid false: ']],
  auto_id_prefix: [[EFFECTS, 'auto_id_prefix and listener_auto_id_prefix: ']],
  clientid_prefixes: [[EFFECTS, 'clientid_prefixes: only ids that begin so']],
  per_listener_settings: [[EFFECTS, 'per_listener_settings true: ']],
  max_keepalive: [
    [EFFECTS, 'max_keepalive 7'],
    ['test/broker/connecting.test.ts', 'of %i s refuses a 3.1.1 client where max_keepalive is shorter'],
  ],
  persistent_client_expiration: [
    [EFFECTS, 'persistent_client_expiration 60s'],
    ['test/broker/limits-clients.test.ts', 'persistent_client_expiration'],
  ],
  connect_timeout: [[EFFECTS, 'connect_timeout 1: a connection that says nothing ends']],
  global_max_connections: [[EFFECTS, 'global_max_connections 1: ']],
  global_max_clients: [[EFFECTS, 'global_max_clients 1: ']],
  memory_limit: [
    ['packages/broker/src/server/server.test.ts', 'is refused with less memory_limit than is in use'],
    ['test/broker/limits-memory.test.ts', 'refuses new clients, whatever their session'],
  ],
  max_subscriptions: [[EFFECTS, 'max_subscriptions 1: no second one']],
  response_topic_prefix: [[EFFECTS, 'response_topic_prefix answers/']],

  jwt_key_file: [
    [JWT, 'lets in whom it names, by a public key: %s'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  jwt_secret_file: [[WAYS, 'jwt_secret_file: lets in who has a token']],
  jwt_jwks_file: [
    [JWT, 'is proven by the key of a set that it names'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  jwt_issuer: [
    [JWT, 'has to come from the issuer and to be for the audience'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  jwt_audience: [
    [JWT, 'has to come from the issuer and to be for the audience'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  jwt_username_claim: [
    [JWT, 'goes with no user name, and with its own'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  jwt_clock_tolerance: [
    [JWT, 'may be late by as much as the configuration says'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  jwt_require_expiry: [
    [JWT, 'may be late by as much as the configuration says'],
    [WAYS_OPTIONS, 'say where keys are, and what tokens have to have'],
  ],
  http_auth_url: [[WAYS, 'http_auth_url: is asked who gets in']],
  http_acl_url: [[WAYS, 'http_acl_url: is asked what clients may']],
  http_format: [
    [HTTP, 'is told the same as a form'],
    [WAYS_OPTIONS, 'say whom to ask, and how'],
  ],
  http_headers_file: [
    [HTTP, 'is told all that there is to know, as JSON'],
    [WAYS_OPTIONS, 'say whom to ask, and how'],
  ],
  http_cafile: [
    ['test/broker/http-service-tls.test.ts', 'is believed if its certificate'],
    [WAYS_OPTIONS, 'say whom to ask, and how'],
  ],
  http_timeout: [
    [HTTP, 'that does not answer in time lets nobody in'],
    [WAYS_OPTIONS, 'say whom to ask, and how'],
  ],
  http_cache_seconds: [
    [HTTP, 'is asked again about somebody whom it let in'],
    [WAYS_OPTIONS, 'say whom to ask, and how'],
  ],
  http_max_requests: [
    [HTTP, 'is asked so many questions at once'],
    [WAYS_OPTIONS, 'say whom to ask, and how'],
  ],
  auth_order: [[WAYS, 'auth_order http jwt: the service is asked first']],
  auth_lockout_failures: [[WAYS, 'auth_lockout_failures 2: an address']],
  auth_lockout_user_failures: [[WAYS, 'auth_lockout_user_failures 2: a user name']],
  auth_lockout_seconds: [[WAYS, 'auth_lockout_failures 2: an address']],
  auth_lockout_max_seconds: [
    ['packages/broker/src/access/abuse/lockouts.test.ts', 'has to wait after so many failures, and twice as long'],
    [WAYS_OPTIONS, 'say how many, how long, how often'],
  ],
  max_connect_rate: [[WAYS, 'max_connect_rate 1: ten connections']],
  abuse_exempt: [[WAYS, 'abuse_exempt: who is there never has to wait']],
  bans_file: [
    [WAYS, 'bans_file: who stands in it'],
    ['test/process/ban.test.ts', 'ends connections at once, keeps clients out after a restart'],
  ],
  max_publish_rate: [
    [WAYS, 'max_publish_rate 5'],
    ['test/broker/publish-rates.test.ts', 'counts the messages of a run one by one'],
  ],
  max_publish_bytes_rate: [
    [WAYS, 'max_publish_bytes_rate 60'],
    ['test/broker/publish-rates.test.ts', 'lets a client publish so many bytes in a second'],
  ],

  max_inflight_messages: [[EFFECTS, 'max_inflight_messages 1: so it does with one message']],
  max_inflight_bytes: [[EFFECTS, 'max_inflight_bytes: the next message waits']],
  message_size_limit: [[EFFECTS, 'message_size_limit 3: a longer payload goes nowhere']],
  max_packet_size: [
    [EFFECTS, 'max_packet_size 1000'],
    ['test/broker/packet-limits.test.ts', 'are bound by max_packet_size where that is less'],
  ],
  max_queued_messages: [[EFFECTS, 'max_queued_messages 2']],
  max_queued_bytes: [[EFFECTS, 'max_queued_bytes 10']],
  max_output_bytes: [
    [EFFECTS, 'max_output_bytes 4096'],
    ['test/broker/load.test.ts', 'with QoS 0 costs no more memory than max_output_bytes'],
  ],
  max_publisher_wait: [
    [EFFECTS, 'max_publisher_wait 7'],
    ['test/broker/load.test.ts', 'is waited for as long as max_publisher_wait says'],
  ],
  max_topic_levels: [[EFFECTS, 'max_topic_levels 2: no deeper filter']],
  queue_qos0_messages: [[EFFECTS, 'queue_qos0_messages true']],
  retain_available: [
    [EFFECTS, 'retain_available false'],
    ['test/broker/retained-messages.test.ts', 'may be refused altogether: 0x9A in DISCONNECT'],
  ],
  check_retain_source: [
    [EFFECTS, 'check_retain_source false'],
    ['test/broker/retained-source.test.ts', 'withholds what somebody published who may not write there any more'],
  ],
  retain_expiry_interval: [
    [EFFECTS, 'retain_expiry_interval 2'],
    ['test/broker/retained-expiry.test.ts', 'removes retained messages that have expired, for which nobody asks'],
  ],
  allow_duplicate_messages: [[EFFECTS, 'allow_duplicate_messages false']],
  upgrade_outgoing_qos: [[EFFECTS, 'upgrade_outgoing_qos true: as the subscription asks']],

  persistence: [
    [EFFECTS, 'persistence %s, in persistence_location: '],
    ['test/process/persistence.test.ts', 'has after SIGKILL what it acknowledged before'],
  ],
  persistence_location: [[EFFECTS, 'persistence %s, in persistence_location: ']],
  persistence_file: [[EFFECTS, "persistence_file: Mosquitto's, which is named"]],
  persistence_sync: [
    [EFFECTS, 'persistence_sync never'],
    ['test/process/torture.test.ts', 'finds what a broker that never syncs loses when the power is cut'],
  ],
  persistence_sync_interval: [
    [EFFECTS, 'persistence_sync_interval 5'],
    ['packages/broker/src/storage/lmdb-store-sync.test.ts', 'is written $'],
  ],
  persistence_max_bytes: [
    [EFFECTS, 'persistence_max_bytes 100M'],
    ['test/broker/full-disk.test.ts', 'publishers are refused when persistence_max_bytes is reached'],
  ],

  log_dest: [
    [EFFECTS, 'log_dest: in each of these places'],
    ['test/process/log-destinations.test.ts', 'has the same lines everywhere, and in topics'],
  ],
  log_facility: [
    ['packages/broker/src/config/read-config.test.ts', 'choose the facility of the system log'],
    ['packages/broker/src/admin/syslog-sink.test.ts', 'gets each line with its facility and severity'],
  ],
  log_type: [[EFFECTS, 'log_type: those lines and no others']],
  log_format: [[EFFECTS, 'log_format json']],
  log_timestamp: [[EFFECTS, 'log_timestamp false']],
  log_timestamp_format: [[EFFECTS, 'log_timestamp_format %Y']],
  connection_messages: [[EFFECTS, 'connection_messages false: nobody who comes or goes is logged']],

  pid_file: [
    ['test/broker/command.test.ts', 'stops cleanly at %s and removes its pid_file'],
    ['packages/broker/src/process/pid-file.test.ts', 'names this process, instead of whoever was in it'],
  ],
  user: [['test/process/privileges.test.ts', 'goes on as another user once it has what only root may have']],
  set_tcp_nodelay: [[EFFECTS, 'set_tcp_nodelay false']],
  sys_interval: [[EFFECTS, 'sys_interval 0']],

  plugin: [[EFFECTS, 'a plugin for SQLite: data are kept']],
  global_plugin: [[PLUGINS, 'belong to the listener above them with per_listener_settings, unless they are global']],
  plugin_load: [[PLUGINS, 'are loaded once and used by several listeners']],
  plugin_use: [[PLUGINS, 'are loaded once and used by several listeners']],
  'plugin_opt_*': [
    [EFFECTS, 'a plugin for SQLite: data are kept'],
    [PLUGINS, 'are told with their options, and for whom they are'],
  ],
};

const ROOT = new URL('../../', import.meta.url);

describe('the effect of each option', () => {
  it('is shown somewhere, for all that do something', () => {
    const withEffect = OPTIONS.filter(({ status }) => status.kind === 'works').map(({ name }) => name);
    expect(Object.keys(PROOFS).sort()).toEqual(withEffect.sort());
  });

  const proofs = Object.entries(PROOFS).flatMap(([name, list]) =>
    list.map(([file, title]) => [name, file, title] as const),
  );

  it.each(proofs)('%s: %s has the test', (_name, file, title) => {
    expect(title.length).toBeGreaterThan(5);
    const quoted = ["'", '"', '`'].map((quote) => `${quote}${title}`);
    const source = readFileSync(new URL(file, ROOT), 'utf8');
    expect(
      quoted.some((beginning) => source.includes(beginning)),
      title,
    ).toBe(true);
  });
});
