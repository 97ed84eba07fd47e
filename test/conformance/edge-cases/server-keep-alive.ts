import { serverSection } from '../suite/section.js';

/** The longest keep alive that the arrangement allows, in seconds. */
const MAXIMUM_S = 60;

export const serverKeepAlive = serverSection('Server Keep Alive', (test) => {
  for (const keepAlive of [0, MAXIMUM_S + 1, 3600, 65_535]) {
    test(
      `who asks for a keep alive of ${keepAlive} is told the longest that the broker takes`,
      { 5: [] },
      async (t) => {
        const client = await t.open();
        const { properties } = await client.connect({ clientId: t.clientId(), keepAlive });
        t.equal(properties.serverKeepAlive, MAXIMUM_S, 'The Server Keep Alive');
        await client.isQuiet();
      },
      'maximum-keep-alive',
    );
  }

  for (const keepAlive of [1, MAXIMUM_S]) {
    test(
      `who asks for a keep alive of ${keepAlive} may keep it`,
      { 4: [], 5: [] },
      async (t) => {
        const client = await t.open();
        const { properties } = await client.connect({ clientId: t.clientId(), keepAlive });
        t.equal(properties.serverKeepAlive ?? keepAlive, keepAlive, 'The Server Keep Alive');
        await client.isQuiet();
      },
      'maximum-keep-alive',
    );
  }

  test('a client that is told no other keep alive is given the one it asked for', { 5: [] }, async (t) => {
    for (const keepAlive of [1, 60, 3600]) {
      const client = await t.open();
      const { properties } = await client.connect({ clientId: t.clientId(), keepAlive });
      t.equal(properties.serverKeepAlive ?? keepAlive, keepAlive, 'The Server Keep Alive');
    }
  });
});
