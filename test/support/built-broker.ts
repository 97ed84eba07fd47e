import { existsSync } from 'node:fs';

export const BUILT_BROKER = new URL('../../packages/broker/dist/index.js', import.meta.url);

/**
 * The package as it is built, for tests of what starts programs of its own: those are beside the compiled files only.
 * @throws (rejects) Error: there is no build
 */
export async function builtBroker(): Promise<typeof import('@cauldron/broker')> {
  if (!existsSync(BUILT_BROKER)) throw new Error('There is no build: npm run build');
  return await import(BUILT_BROKER.href);
}
