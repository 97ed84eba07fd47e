#!/usr/bin/env node
// The `cauldron` command. What it does stands in packages/cli; this file only says what to do when that is not built.
import { existsSync } from 'node:fs';

const entry = new URL('../packages/cli/dist/index.js', import.meta.url);
if (existsSync(entry)) {
  const { runCommand } = await import(entry.href);
  process.exitCode = await runCommand(process.argv.slice(2));
} else {
  console.error('cauldron is not built yet: run `npm ci && npm run build`, or `npm start`, which does both.');
  process.exitCode = 1;
}
