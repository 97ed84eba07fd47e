import { ConnectReturnCode, type Properties, type ProtocolVersion, type ReasonCode, reasonName } from '@cauldron/codec';

/** Whatever goes wrong between this client and its server. What goes wrong in the caller is a TypeError or RangeError. */
export class ClientError extends Error {
  override readonly name: string = 'ClientError';
}

/** No stream to the server came about; `cause` is the system's error, with its `code`. */
export class ConnectionFailed extends ClientError {
  override readonly name = 'ConnectionFailed';
}

/** The server was not reached, or did not answer CONNECT, within `connectTimeoutMs`. */
export class ConnectTimeout extends ClientError {
  override readonly name = 'ConnectTimeout';
}

/**
 * The client ended the connection because of its own `authentication`: that failed, or it found that the server is not the
 * right one. `cause` is what it threw.
 */
export class AuthenticationFailed extends ClientError {
  override readonly name = 'AuthenticationFailed';
}

/** Whatever the server says with a reason code. */
class ServerError<Code extends ReasonCode | ConnectReturnCode = ReasonCode> extends ClientError {
  readonly reasonCode: Code;
  /** The code in words. */
  readonly reason: string;
  /** What the server added for people, 5.0 only. */
  readonly reasonString: string | undefined;

  constructor(message: string, reasonCode: Code, reason: string, properties?: Properties) {
    super(withDetail(`${message}: ${reason}`, properties?.reasonString));
    this.reasonCode = reasonCode;
    this.reason = reason;
    this.reasonString = properties?.reasonString;
  }
}

/**
 * The server answered CONNECT with a refusal. The reason code is as the CONNACK carried it: a `ReasonCode` in 5.0, a
 * `ConnectReturnCode` in 3.1 and 3.1.1.
 */
export class ConnectionRefused extends ServerError<ReasonCode | ConnectReturnCode> {
  override readonly name = 'ConnectionRefused';
  readonly protocolVersion: ProtocolVersion;
  /** Another server to use, with the codes USE_ANOTHER_SERVER and SERVER_MOVED, 5.0 only. */
  readonly serverReference: string | undefined;

  constructor(protocolVersion: ProtocolVersion, reasonCode: ReasonCode | ConnectReturnCode, properties?: Properties) {
    const reason = protocolVersion === 5 ? reasonName(reasonCode) : returnCodeName(reasonCode);
    super('The server refused the connection', reasonCode, reason, properties);
    this.protocolVersion = protocolVersion;
    this.serverReference = properties?.serverReference;
  }
}

/** The stream ended without a DISCONNECT; `cause` is the system's error, if there was one. */
export class ConnectionLost extends ClientError {
  override readonly name = 'ConnectionLost';
}

/** The server did not answer a PINGREQ within `pingTimeoutMs`. */
export class KeepAliveTimeout extends ClientError {
  override readonly name = 'KeepAliveTimeout';
}

/** The server ended the connection with a DISCONNECT (5.0 only). */
export class ServerDisconnected extends ServerError {
  override readonly name = 'ServerDisconnected';
  /** Another server to use, with the codes USE_ANOTHER_SERVER and SERVER_MOVED. */
  readonly serverReference: string | undefined;

  constructor(reasonCode: ReasonCode, properties?: Properties) {
    super('The server disconnected', reasonCode, reasonName(reasonCode), properties);
    this.serverReference = properties?.serverReference;
  }
}

/** The server broke the protocol, and the client ended the connection; `cause` is the codec's ProtocolError. */
export class ProtocolViolation extends ClientError {
  override readonly name = 'ProtocolViolation';
  readonly reasonCode: ReasonCode;

  constructor(reasonCode: ReasonCode, message: string, options?: ErrorOptions) {
    super(`The server broke the protocol: ${message}`, options);
    this.reasonCode = reasonCode;
  }
}

/** Asked of a client that has been disconnected, or outstanding when it was. */
export class ConnectionClosed extends ClientError {
  override readonly name = 'ConnectionClosed';
}

/** The server acknowledged a message with a refusal (5.0 only). It is not sent again [MQTT-4.4.0-2]. */
export class PublishRefused extends ServerError {
  override readonly name = 'PublishRefused';

  constructor(topic: string, reasonCode: ReasonCode, properties?: Properties) {
    super(`The server refused the message to ${topic}`, reasonCode, reasonName(reasonCode), properties);
  }
}

/** The server said in its CONNACK that it does not do what was asked (5.0 only), or that packets must be smaller. */
export class NotSupportedByServer extends ClientError {
  override readonly name = 'NotSupportedByServer';
}

/** More waits to be sent than `maximumBufferedBytes` allows: the caller publishes faster than the server takes. */
export class OutboxFull extends ClientError {
  override readonly name = 'OutboxFull';
}

/** There is no connection, and `offline` of the connect options is `fail`. */
export class Offline extends ClientError {
  override readonly name = 'Offline';
}

/** A message waited for a connection, or for its turn, for longer than its message expiry interval. It was not sent. */
export class MessageExpired extends ClientError {
  override readonly name = 'MessageExpired';
}

/** The server refused all filters of a SUBSCRIBE. */
export class SubscribeRefused extends ClientError {
  override readonly name = 'SubscribeRefused';
  readonly filters: readonly string[];
  /** One for each filter; 0x80 is all that a server can say before 5.0. */
  readonly reasonCodes: readonly ReasonCode[];
  readonly reasonString: string | undefined;

  constructor(filters: readonly string[], reasonCodes: readonly ReasonCode[], properties?: Properties) {
    const reasons = [...new Set(reasonCodes)].map(reasonName).join(', ');
    super(
      withDetail(`The server refused the subscription to ${filters.join(', ')}: ${reasons}`, properties?.reasonString),
    );
    this.filters = filters;
    this.reasonCodes = reasonCodes;
    this.reasonString = properties?.reasonString;
  }
}

/** The outbox could not be written; `cause` is what it said. What was not written still waits, to be tried again. */
export class OutboxFailed extends ClientError {
  override readonly name = 'OutboxFailed';
}

/** The return codes of 3.1 and 3.1.1 in words (MQTT 3.1.1, table 3.1). */
function returnCodeName(code: number): string {
  const key = Object.entries(ConnectReturnCode).find(([, value]) => value === code)?.[0];
  return key === undefined ? `return code ${code}` : key.toLowerCase().replaceAll('_', ' ');
}

function withDetail(message: string, reasonString: string | undefined): string {
  return reasonString === undefined ? message : `${message} (${reasonString})`;
}
