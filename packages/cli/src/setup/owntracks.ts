/** What an OwnTracks app has to know to reach this broker. */
export interface OwnTracksClient {
  readonly user: string;
  /** Distinguishes the devices of a user. */
  readonly device: string;
  /** Two characters that the app shows on the map. */
  readonly trackerId: string;
  readonly host: string;
  readonly port: number;
  /** Null: the client has a certificate. */
  readonly password: string | null;
  readonly certificate: OwnTracksCertificate | null;
}

export interface OwnTracksCertificate {
  /** What iOS calls it: the name of the file with it. */
  readonly fileName: string;
  /** PKCS #12. */
  readonly bytes: Uint8Array;
  readonly passphrase: string;
}

/** MQTT; 3 would be HTTP. */
const MODE_MQTT = 0;

/**
 * The configuration of an OwnTracks app (https://owntracks.org/booklet/tech/json/, `_type=configuration`).
 * @param caCertificate in DER; null: the app is not to be given it
 */
export function ownTracksConfiguration(client: OwnTracksClient, caCertificate: Uint8Array | null): object {
  const { user, device, trackerId, host, port, password, certificate } = client;
  return {
    _type: 'configuration',
    mode: MODE_MQTT,
    host,
    port,
    tls: true,
    mqttProtocolLevel: 4,
    auth: password !== null,
    username: user,
    ...(password === null ? {} : { password }),
    clientId: `${user}-${device}`,
    deviceId: device,
    tid: trackerId,
    cleanSession: false,
    keepalive: 3600,
    pubQos: 1,
    subQos: 1,
    pubRetain: true,
    ...(caCertificate === null ? {} : { tlsCaCrt: base64(caCertificate) }),
    ...(certificate === null ? {} : certificateKeys(certificate)),
  };
}

/** For iOS, which knows the file by its name, and for Android apps that take it along with the configuration. */
function certificateKeys({ fileName, bytes, passphrase }: OwnTracksCertificate): object {
  return {
    clientpkcs: fileName,
    passphrase,
    tlsClientCrt: base64(bytes),
    tlsClientCrtPassword: passphrase,
  };
}

/** A link that the app opens, and takes its configuration from. */
export function ownTracksLink(configuration: object): string {
  return `owntracks:///config?inline=${base64(Buffer.from(JSON.stringify(configuration)))}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
