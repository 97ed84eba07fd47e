import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const packages = fileURLToPath(new URL('./packages', import.meta.url));

export default defineConfig({
  resolve: {
    // Tests read the sources, not the build: a test never runs against yesterday's code.
    alias: [
      {
        find: '@cauldron/conformance',
        replacement: fileURLToPath(new URL('./test/conformance/index.ts', import.meta.url)),
      },
      { find: /^@cauldron\/(\w+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: /^@cauldron\/(\w+)\/([\w-]+)$/, replacement: `${packages}/$1/src/$2.ts` },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    // Brokers that root's tests start in processes of their own stay root, who alone can reach root's temporary folders.
    env: { PUID: '0' },
    // Bounds for a machine that has much else to do; what hangs is found all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Of tests that may run at the same time in one file: those of conformance mostly wait.
    maxConcurrency: 16,
    // On two processors, too: much of the time is waiting for processes that were started.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
