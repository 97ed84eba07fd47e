import {
  AuthenticationFailed,
  ConnectionFailed,
  ConnectionLost,
  ConnectionRefused,
  ConnectTimeout,
  KeepAliveTimeout,
  NotSupportedByServer,
  OutboxFull,
  ProtocolViolation,
  ServerDisconnected,
} from '@cauldron/client';
import { ConnectReturnCode, ProtocolError, ReasonCode } from '@cauldron/codec';

/** The exit statuses of Mosquitto's tools, which are error numbers of its library. */
const ExitCode = {
  FAILURE: 1,
  PROTOCOL: 2,
  INVALID_INPUT: 3,
  CONNECTION_LOST: 7,
  TLS: 8,
  NOT_SUPPORTED: 10,
  AUTHENTICATION: 11,
  PROXY: 16,
  KEEP_ALIVE: 19,
} as const;

export interface Failure {
  /** One line for the person, with its end. */
  readonly text: string;
  readonly exitCode: number;
}

/**
 * What a tool says about an error from the client, and its exit status.
 * @throws the error itself when it is none that a tool can expect
 */
export function describeFailure(error: unknown, url: URL): Failure {
  if (error instanceof ConnectionRefused) {
    return { text: `Connection error: ${refusal(error)}\n`, exitCode: error.reasonCode };
  }
  if (error instanceof ConnectionFailed) return failure(unreachable(error, url), exitCodeOf(error));
  if (error instanceof AuthenticationFailed) return failure(error.message, ExitCode.AUTHENTICATION);
  if (error instanceof ConnectTimeout) {
    return failure(`${url.host} does not answer. Is it an MQTT broker? Check -h and -p.`, ExitCode.FAILURE);
  }
  if (error instanceof KeepAliveTimeout) return failure(error.message, ExitCode.KEEP_ALIVE);
  if (error instanceof ConnectionLost || error instanceof ServerDisconnected) {
    return failure(error.message, ExitCode.CONNECTION_LOST);
  }
  if (error instanceof ProtocolViolation) return failure(error.message, ExitCode.PROTOCOL);
  if (error instanceof NotSupportedByServer) return failure(error.message, ExitCode.NOT_SUPPORTED);
  if (error instanceof ProtocolError) return failure(error.message, ExitCode.INVALID_INPUT);
  if (error instanceof OutboxFull) return failure(error.message, ExitCode.FAILURE);
  throw error;
}

function failure(message: string, exitCode: number): Failure {
  return { text: `Error: ${message}${/[.?!]$/.test(message) ? '' : '.'}\n`, exitCode };
}

function refusal({ protocolVersion, reasonCode, reason, reasonString, serverReference }: ConnectionRefused): string {
  if (protocolVersion < 5) return `Connection Refused: ${returnCodeText(reasonCode)}.`;
  let text = reason;
  if (reasonString !== undefined) text += ` (${reasonString})`;
  if (serverReference !== undefined) text += `. The broker names another one: ${serverReference}`;
  if (reasonCode === ReasonCode.UNSUPPORTED_PROTOCOL_VERSION) text += '. Try -V 311.';
  return text;
}

/** In the words of Mosquitto's tools, which scripts look for. */
function returnCodeText(code: number): string {
  switch (code) {
    case ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION:
      return 'unacceptable protocol version';
    case ConnectReturnCode.IDENTIFIER_REJECTED:
      return 'identifier rejected';
    case ConnectReturnCode.SERVER_UNAVAILABLE:
      return 'broker unavailable';
    case ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD:
      return 'bad user name or password';
    case ConnectReturnCode.NOT_AUTHORIZED:
      return 'not authorised';
    default:
      return 'unknown reason';
  }
}

function exitCodeOf({ cause }: ConnectionFailed): number {
  switch (cause instanceof Error ? cause.name : undefined) {
    case 'TlsFailure':
      return ExitCode.TLS;
    case 'SocksFailure':
      return isOfSystem(cause) ? ExitCode.FAILURE : ExitCode.PROXY;
    default:
      return ExitCode.FAILURE;
  }
}

/** Whether the network is at the bottom of it: the proxy itself was not reached. */
function isOfSystem(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'syscall' in error || isOfSystem(error.cause);
}

function unreachable({ cause, message }: ConnectionFailed, url: URL): string {
  const { hostname, protocol } = url;
  if (protocol === 'unix:') return message;
  const port = url.port || { 'mqtts:': '8883', 'ws:': '80', 'wss:': '443' }[protocol] || '1883';
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'ECONNREFUSED':
      return `Connection refused: nothing listens on ${hostname}:${port}. Is the broker running there? Check -h and -p.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Lookup error: the host name ${hostname} is not known. Check -h.`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${hostname}:${port} cannot be reached. Check -h, the network, and a firewall in between.`;
    default:
      return message;
  }
}
