import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests read the sources, not the build: a test never runs against yesterday's code.
const source = (name: string) => fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      '@cauldron/codec': source('codec'),
      '@cauldron/client': source('client'),
      '@cauldron/broker': source('broker'),
      '@cauldron/cli': source('cli'),
    },
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
