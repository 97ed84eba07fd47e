import { type ConnectOptions, scramSha256, type WillOptions } from '@cauldron/client';
import {
  assertTopicFilter,
  assertTopicName,
  NEVER_EXPIRES,
  ProtocolError,
  type ProtocolVersion,
  type QoS,
} from '@cauldron/codec';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import { describeProperties, type PropertySets, parseProperties, propertyArity } from './property-arguments.js';
import { targetUrl } from './target-url.js';
import { checkTlsFlags, TLS_FLAGS, tlsOptionsOf } from './tls-flags.js';

const VERSIONS = ['31', '311', '5', 'mqttv31', 'mqttv311', 'mqttv5'];

/** The flags for reaching a broker, which all client tools have. */
export const CONNECTION_FLAGS = {
  host: {
    short: '-h',
    long: '--host',
    kind: 'text',
    value: 'HOST',
    group: 'connection',
    doc: 'Host of the broker. Default localhost.',
  },
  port: {
    short: '-p',
    long: '--port',
    kind: 'integer',
    value: 'PORT',
    lowest: 1,
    highest: 65_535,
    group: 'connection',
    doc: 'Port of the broker. Default 1883, with TLS 8883. 8883 means TLS.',
  },
  url: {
    short: '-L',
    long: '--url',
    kind: 'text',
    value: 'URL',
    group: 'connection',
    doc: 'Broker and topic: mqtt(s)|ws(s)://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC',
  },
  username: {
    short: '-u',
    long: '--username',
    kind: 'text',
    value: 'NAME',
    group: 'connection',
    doc: 'User name.',
  },
  password: { short: '-P', long: '--pw', kind: 'text', value: 'PASSWORD', group: 'connection', doc: 'Password.' },
  scram: {
    long: '--scram',
    kind: 'switch',
    group: 'connection',
    rare: true,
    doc: 'Proves the password by SCRAM-SHA-256 instead of sending it, and asks the broker for a proof. MQTT 5.',
  },
  id: {
    short: '-i',
    long: '--id',
    kind: 'text',
    value: 'ID',
    group: 'connection',
    doc: 'Client id. Default: one is made up.',
  },
  idPrefix: {
    short: '-I',
    long: '--id-prefix',
    kind: 'text',
    value: 'PREFIX',
    group: 'connection',
    rare: true,
    doc: 'Client id of this prefix and the process id.',
  },
  protocolVersion: {
    short: '-V',
    long: '--protocol-version',
    kind: 'choice',
    value: 'VERSION',
    choices: VERSIONS,
    group: 'connection',
    doc: 'MQTT version: 31, 311 or 5. Default 311.',
  },
  ws: { long: '--ws', kind: 'switch', group: 'connection', doc: 'Talks MQTT over WebSocket.' },
  unix: {
    long: '--unix',
    kind: 'text',
    value: 'PATH',
    group: 'connection',
    doc: 'Unix socket of the broker, instead of -h and -p.',
  },
  srv: {
    short: '-S',
    kind: 'switch',
    group: 'connection',
    rare: true,
    doc: '-h is a domain, whose DNS names the brokers: SRV records of _mqtt._tcp, with TLS of _secure-mqtt._tcp.',
  },
  proxy: {
    long: '--proxy',
    kind: 'text',
    value: 'URL',
    group: 'connection',
    rare: true,
    doc: 'Connects through a SOCKS5 proxy: socks5h://[USER[:PASSWORD]@]HOST[:PORT]. Default port 1080.',
  },
  localAddress: {
    short: '-A',
    kind: 'text',
    value: 'ADDRESS',
    group: 'connection',
    rare: true,
    doc: 'Address of this machine to connect from.',
  },
  noDelay: {
    long: '--nodelay',
    kind: 'switch',
    group: 'connection',
    rare: true,
    doc: 'Sends what is small at once, whatever is still on its way.',
  },
  keepAlive: {
    short: '-k',
    long: '--keepalive',
    kind: 'integer',
    value: 'SECONDS',
    lowest: 5,
    highest: 65_535,
    group: 'connection',
    rare: true,
    doc: 'Time without traffic after which the connection is probed. Default 60.',
  },
  maximumInflight: {
    short: '-M',
    long: '--max-inflight',
    kind: 'integer',
    value: 'COUNT',
    lowest: 1,
    highest: 65_535,
    group: 'connection',
    rare: true,
    doc: 'Messages with QoS 1 and 2 that may be on their way at once. Default 20.',
  },
  properties: {
    short: '-D',
    long: '--property',
    kind: 'group',
    value: 'PACKET PROPERTY VALUE',
    arity: propertyArity,
    group: 'connection',
    rare: true,
    doc: 'A property, such as publish content-type text/plain, or PACKET user-property NAME VALUE. Can be repeated. MQTT 5.',
  },
  keepSession: {
    short: '-c',
    long: '--disable-clean-session',
    kind: 'switch',
    group: 'session',
    doc: 'The broker keeps the session, and goes on with it. Needs -i.',
  },
  sessionExpiry: {
    short: '-x',
    long: '--session-expiry-interval',
    kind: 'text',
    value: 'SECONDS',
    group: 'session',
    rare: true,
    doc: 'Time that the broker keeps the session, -1 or inf for ever. MQTT 5. Default 0, with -c for ever.',
  },
  willTopic: {
    long: '--will-topic',
    kind: 'text',
    value: 'TOPIC',
    group: 'will',
    rare: true,
    doc: 'Topic of the will, which the broker publishes if the connection ends without a goodbye.',
  },
  willPayload: {
    long: '--will-payload',
    kind: 'text',
    value: 'TEXT',
    group: 'will',
    rare: true,
    doc: 'Payload of the will. Default empty.',
  },
  willQos: {
    long: '--will-qos',
    kind: 'integer',
    value: 'QOS',
    lowest: 0,
    highest: 2,
    group: 'will',
    rare: true,
    doc: 'QoS of the will. Default 0.',
  },
  willRetain: { long: '--will-retain', kind: 'switch', group: 'will', rare: true, doc: 'The will is retained.' },
  ...TLS_FLAGS,
  debug: {
    short: '-d',
    long: '--debug',
    kind: 'switch',
    group: 'general',
    doc: 'Shows each packet on the standard output.',
  },
  quiet: { long: '--quiet', kind: 'switch', group: 'general', doc: 'No error messages.' },
} as const satisfies FlagTable;

/** What the help of all client tools says below their options. */
export const CLIENT_TOOL_DETAILS = `Packets and their properties, for -D:
${describeProperties()}
An options file has one option in each line, such as "-h broker.example"; lines that begin with #
are comments. It is read before the command line. Without -o it is that of Mosquitto's tool of this
kind, such as mosquitto_pub, in $XDG_CONFIG_HOME, else in ~/.config.

Exit status: 0 done; the code of CONNACK if the broker refuses the connection; else the error number
of Mosquitto's library: 1 the broker is not reached, or the command line makes no sense; 2 the
broker broke the protocol; 7 the connection was lost; 8 TLS; 10 the broker does not support it;
11 the broker did not prove itself; 12 not allowed; 16 the proxy; 19 no answer to a probe; 27 -W.`;

type ConnectionValues = Values<typeof CONNECTION_FLAGS>;

export interface ConnectionTarget {
  /** Without user name and password: they are in `options`. */
  readonly url: URL;
  /** The host of the URL is a domain, for which the DNS names brokers (-S). */
  readonly isDomain: boolean;
  /** The path of `-L`; null without one. */
  readonly topic: string | null;
  readonly options: ConnectOptions;
  /** Those of CONNECT and of the will are in `options` already. */
  readonly properties: PropertySets;
}

/** Where to connect to, and how. @throws UsageError */
export function connectionTarget(values: ConnectionValues): ConnectionTarget {
  const properties = parseProperties(values.properties ?? []);
  checkTlsFlags(values);
  const { url, topic } = targetUrl(values);
  const { scram, sessionExpiry: expiry } = values;
  const needsVersion5 = values.properties !== undefined || expiry !== undefined || scram === true;
  const protocolVersion = needsVersion5 ? 5 : versionOf(values.protocolVersion ?? '311');
  const { requestProblemInformation, requestResponseInformation, ...withProof } = properties.connect;
  const { authenticationMethod, authenticationData, ...connect } = withProof;
  const options: ConnectOptions = {
    reconnect: false,
    ...connect,
    protocolVersion,
    clean: values.keepSession !== true,
    keepAliveSeconds: values.keepAlive ?? 60,
    maximumInflight: values.maximumInflight ?? 20,
    ...clientId(values),
    ...(requestProblemInformation === 0 && { requestProblemInformation: false }),
    ...(requestResponseInformation === 1 && { requestResponseInformation: true }),
    ...credentials(values, url, protocolVersion),
    ...givenProof(authenticationMethod, authenticationData),
    ...networkOf(values),
  };
  url.username = url.password = '';
  if (expiry !== undefined) options.sessionExpiryInterval = sessionExpiry(expiry);
  if (url.protocol === 'mqtts:' || url.protocol === 'wss:') options.tls = tlsOptionsOf(values);
  const will = willOf(values, properties);
  if (will !== null) options.will = will;
  return { url, isDomain: values.srv === true, topic, options, properties };
}

/** The number that CONNECT has for a version. */
function versionOf(choice: string): ProtocolVersion {
  if (choice.endsWith('5')) return 5;
  return choice.endsWith('311') ? 4 : 3;
}

/** The flags -u and -P come before what -L says. */
function credentials(
  values: ConnectionValues,
  url: URL,
  protocolVersion: ProtocolVersion,
): Pick<ConnectOptions, 'username' | 'password' | 'authentication'> {
  const username = values.username ?? (url.username === '' ? undefined : decoded(url.username));
  const password = values.password ?? (url.password === '' ? undefined : decoded(url.password));
  if (values.scram) {
    if (username !== undefined && password !== undefined)
      return { authentication: scramSha256({ username, password }) };
    throw new UsageError('--scram needs -u and -P');
  }
  if (password !== undefined && username === undefined && protocolVersion < 5) {
    throw new UsageError('-P needs -u: before MQTT 5 there is no password without a user name');
  }
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

/** For methods that need no answer to what the broker may ask: the proof is complete with CONNECT. */
function givenProof(method: string | undefined, data: Uint8Array | undefined): Pick<ConnectOptions, 'authentication'> {
  if (method === undefined) {
    if (data !== undefined) throw new UsageError('authentication-data needs authentication-method');
    return {};
  }
  const respond = () => Promise.reject(new Error(`The broker asks for more, and ${method} is not known here`));
  return { authentication: { method, begin: async () => ({ data, respond }) } };
}

/** A part of a URL; what is no proper escape stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function networkOf({ proxy, localAddress, noDelay }: ConnectionValues): Pick<ConnectOptions, 'network'> {
  const network: ConnectOptions['network'] = {
    ...(proxy !== undefined && { proxy: proxyUrl(proxy) }),
    ...(localAddress !== undefined && { localAddress }),
    ...(noDelay && { noDelay }),
  };
  return Object.keys(network).length === 0 ? {} : { network };
}

function proxyUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^socks5h?:$/.test(url.protocol) || url.hostname === '') {
    throw new UsageError(`--proxy is socks5h://[USER[:PASSWORD]@]HOST[:PORT], not "${text}"`);
  }
  url.username = encodeURIComponent(decoded(url.username));
  url.password = encodeURIComponent(decoded(url.password));
  return url;
}

/** @throws UsageError when the number is none, which the table has ruled out already. */
export function qosOf(value: number | undefined): QoS {
  if (value === undefined) return 0;
  if (value === 0 || value === 1 || value === 2) return value;
  throw new UsageError(`A QoS is 0, 1 or 2, not ${value}`);
}

/** @throws UsageError that says what is wrong with it. */
export function checkedTopicName(topic: string): string {
  return checked(topic, assertTopicName);
}

/** @throws UsageError that says what is wrong with it. */
export function checkedTopicFilter(filter: string): string {
  return checked(filter, assertTopicFilter);
}

function checked(topic: string, assertValid: (topic: string) => void): string {
  try {
    assertValid(topic);
  } catch (error) {
    if (error instanceof ProtocolError) throw new UsageError(error.message);
    throw error;
  }
  return topic;
}

function clientId({ id, idPrefix, keepSession }: ConnectionValues): { clientId?: string } {
  if (id !== undefined && idPrefix !== undefined) throw new UsageError('-i and -I cannot be used together');
  if (id === '') throw new UsageError('-i is not empty; leave it out, and one is made up');
  if (keepSession && id === undefined) throw new UsageError('-c needs -i: the broker keeps the session under that id');
  if (id !== undefined) return { clientId: id };
  return idPrefix === undefined ? {} : { clientId: `${idPrefix}${process.pid}` };
}

function sessionExpiry(text: string): number {
  if (text === '-1' || text === 'inf' || text === '∞') return NEVER_EXPIRES;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds <= NEVER_EXPIRES) return seconds;
  throw new UsageError(`-x is a number of seconds up to ${NEVER_EXPIRES}, -1 or inf, not "${text}"`);
}

function willOf(values: ConnectionValues, { will: properties }: PropertySets): WillOptions | null {
  const { willTopic, willPayload, willQos, willRetain } = values;
  const given = [willPayload, willQos, willRetain, Object.keys(properties)[0]].some((one) => one !== undefined);
  if (willTopic === undefined) {
    if (given) throw new UsageError('A will needs --will-topic');
    return null;
  }
  return {
    topic: checkedTopicName(willTopic),
    payload: willPayload ?? '',
    qos: qosOf(willQos),
    retain: willRetain === true,
    properties,
  };
}
