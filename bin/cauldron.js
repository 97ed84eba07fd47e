#!/usr/bin/env node
// The `cauldron` command. What it does stands in packages/cli.
import { runCauldron } from './run.js';

await runCauldron();
