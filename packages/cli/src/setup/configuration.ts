/** What the configuration of a setup says; paths are absolute. */
export interface SetupConfiguration {
  readonly madeAt: Date;
  /** Without TLS, for programs on this machine. */
  readonly port: number;
  /** With TLS, for everybody. */
  readonly tlsPort: number;
  /** With TLS, for clients with certificates; null: there is no such port. */
  readonly certificatePort: number | null;
  /** Whose rights the broker has; null: it is not started by root. */
  readonly user: string | null;
  readonly passwordFile: string;
  readonly aclFile: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly crlFile: string;
  readonly dataFolder: string;
  /** Null: the log goes to the standard error output. */
  readonly logFile: string | null;
}

/** The text of `mosquitto.conf`. */
export function configurationFor(setup: SetupConfiguration): string {
  const { certificatePort, user, logFile } = setup;
  const log = logFile === null ? 'log_dest stderr' : `log_dest file ${logFile}`;
  return `# Made by \`cauldron setup\` on ${setup.madeAt.toISOString().slice(0, 10)}.
# After a change: \`cauldron config check FILE\`, then \`cauldron reload\`.
${user === null ? '' : `\n# Whose rights the broker has, once root has started it.\nuser ${user}\n`}
# Who gets in, and what they may do then.
allow_anonymous false
password_file ${setup.passwordFile}
acl_file ${setup.aclFile}

# Without encryption, for programs on this machine only.
listener ${setup.port} localhost

# With TLS, for everybody: MQTT, and MQTT over WebSocket (wss).
listener ${setup.tlsPort}
certfile ${setup.certFile}
keyfile ${setup.keyFile}
${certificatePort === null ? '' : certificateListener(setup, certificatePort)}
# What has to survive a restart.
persistence true
persistence_location ${setup.dataFolder}

${log}
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages true
`;
}

function certificateListener({ certFile, keyFile, caFile, crlFile }: SetupConfiguration, port: number): string {
  return `
# With TLS, for clients with a certificate by the CA: its common name is the user name, and no password is asked for.
listener ${port}
certfile ${certFile}
keyfile ${keyFile}
cafile ${caFile}
crlfile ${crlFile}
require_certificate true
use_identity_as_username true
`;
}
