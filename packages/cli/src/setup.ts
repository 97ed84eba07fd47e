import type { Action } from './command-line/action-group.js';

export const ACTIONS: Readonly<Record<string, Action>> = {
  client: {
    summary: 'Makes what a client needs: a password or a certificate, and a file and a QR code for OwnTracks',
    run: async (args) => (await import('./setup/client.js')).runSetupClient(args),
  },
  renew: {
    summary: 'Renews the certificate of the broker, if it is time, or those of clients',
    run: async (args) => (await import('./setup/renew.js')).runSetupRenew(args),
  },
  revoke: {
    summary: 'Takes back the certificates of a client',
    run: async (args) => (await import('./setup/revoke.js')).runSetupRevoke(args),
  },
  show: {
    summary: 'Lists the certificates, and how long they are good for',
    run: async (args) => (await import('./setup/show.js')).runSetupShow(args),
  },
};

/** Shown by the help of `cauldron setup`, which does something without one of them, too. */
export const SETUP_ACTIONS = Object.entries(ACTIONS)
  .map(([name, { summary }]) => `  cauldron setup ${name.padEnd(7)} ${summary}\n`)
  .join('');

/** `cauldron setup`, and `cauldron setup ACTION`: a broker with TLS, users and rights. Resolves with the exit status. */
export async function runSetup(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name !== undefined && Object.hasOwn(ACTIONS, name)) return ACTIONS[name].run(rest);
  return (await import('./setup/server.js')).runSetupServer(argv);
}
