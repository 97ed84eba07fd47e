import { isIP } from 'node:net';
import { nearestName } from '@cauldron/broker/nearest-name';
import type { TlsOptions } from '@cauldron/client';
import { UsageError } from '../command-line/arguments.js';
import { asksForTls, type TlsValues, tlsOptionsOf } from '../connection/tls-flags.js';

/** What is examined, and as whom. */
export interface Target {
  /** As the person may write it again. Without password. */
  readonly url: string;
  /** A name or an address; empty for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket. */
  readonly path: string | null;
  readonly isTls: boolean;
  /** The path of the URL that becomes a WebSocket; null: no WebSocket. */
  readonly webSocketPath: string | null;
  readonly tls: TlsOptions;
  /** Whether the CAs to trust were named. */
  readonly hasOwnAuthority: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Client ids begin with it. */
  readonly clientId: string;
  /** All topics that are used lie beneath it. */
  readonly prefix: string;
  /** For every answer. */
  readonly timeoutMs: number;
}

export interface TargetValues extends TlsValues {
  readonly username?: string;
  readonly password?: string;
  readonly id?: string;
  readonly topic?: string;
  readonly timeout?: number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'tcp:': 1883,
  'mqtts:': 8883,
  'ssl:': 8883,
  'ws:': 80,
  'wss:': 443,
};
const TLS_PORT = 8883;
const DEFAULT_WEBSOCKET_PATH = '/mqtt';
const DEFAULT_PREFIX = 'cauldron/doctor';
const DEFAULT_TIMEOUT_S = 5;

/**
 * @param address a URL, or a host with or without a port
 * @param random letters and digits that nobody else uses
 * @throws UsageError
 */
export function targetFrom(address: string, values: TargetValues, random: string): Target {
  const url = urlOf(address, values);
  const isUnix = url.protocol === 'unix:';
  const isTls = ['mqtts:', 'ssl:', 'wss:'].includes(url.protocol);
  const isWebSocket = url.protocol === 'ws:' || url.protocol === 'wss:';
  const path = url.pathname === '' || url.pathname === '/' ? null : `${url.pathname}${url.search}`;
  if (!isUnix && !isWebSocket && path !== null) {
    throw new UsageError(`An address of a broker has no path, but for WebSockets: what is '${path}'? -t takes a topic`);
  }
  if (!isTls && asksForTls(values)) {
    throw new UsageError(`The flags ask for TLS, but ${address} has none: mqtts:// or wss://`);
  }
  const username = values.username ?? decoded(url.username);
  const password = values.password ?? decoded(url.password);
  const shown = new URL(url);
  shown.username = shown.password = '';
  return {
    url: shown.href.replace(/\/$/, ''),
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port),
    path: isUnix ? decodeURIComponent(url.pathname) : null,
    isTls,
    webSocketPath: isWebSocket ? (path ?? DEFAULT_WEBSOCKET_PATH) : null,
    tls: isTls ? tlsOptionsOf(values) : {},
    hasOwnAuthority: values.cafile !== undefined || values.capath !== undefined,
    username,
    password,
    clientId: values.id ?? `doctor${random}`,
    prefix: `${values.topic ?? DEFAULT_PREFIX}/${random}`,
    timeoutMs: (values.timeout ?? DEFAULT_TIMEOUT_S) * 1000,
  };
}

function urlOf(address: string, values: TargetValues): URL {
  const isUrl = /^[a-z]+:\/\//i.test(address);
  const secure = asksForTls(values) || address.endsWith(`:${TLS_PORT}`) ? 'mqtts' : 'mqtt';
  const text = isUrl ? address : isIP(address) === 6 ? `${secure}://[${address}]` : `${secure}://${address}`;
  if (!URL.canParse(text)) {
    throw new UsageError(`'${address}' is no address of a broker; one looks like mqtts://broker.example.org:8883`);
  }
  const url = new URL(text);
  const known = [...Object.keys(DEFAULT_PORTS), 'unix:'];
  if (!known.includes(url.protocol)) {
    const near = nearestName(url.protocol, known);
    const hint = near === undefined ? '' : ` Did you mean ${near}//?`;
    throw new UsageError(
      `An address begins with mqtt://, mqtts://, ws://, wss:// or unix://, not ${url.protocol}//.${hint}`,
    );
  }
  if (url.hostname === '' && url.protocol !== 'unix:') throw new UsageError(`'${address}' names no host`);
  return url;
}

function decoded(part: string): string | undefined {
  return part === '' ? undefined : decodeURIComponent(part);
}

/** Whether only this machine can be meant. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}
