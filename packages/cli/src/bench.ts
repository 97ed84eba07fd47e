import { BenchFailure } from './bench/bench-failure.js';
import { BENCH_FLAGS } from './bench/bench-flags.js';
import { BenchRun } from './bench/bench-run.js';
import { outcomeJson, outcomeText } from './bench/outcome-text.js';
import { type BenchValues, planOf } from './bench/plan.js';
import { interruptible } from './command-line/interruption.js';
import { runTool, type Tool } from './command-line/tool.js';
import { connectionTarget } from './connection/connection-flags.js';

const ExitCode = { PASSED: 0, FAILED: 1, COULD_NOT_RUN: 2 } as const;

export const BENCH: Tool<typeof BENCH_FLAGS> = {
  name: 'bench',
  summary: `Puts a broker under load, measures rates and latencies, and checks that every message comes once and in
order. Ctrl-C ends it early, with the table.`,
  usage: '[-h HOST] [-p PORT] [options]',
  examples: [
    '-h broker.example -q 1',
    '--shape fan-out --subscribers 1000 --size 1024',
    '--rate 20000 --publishers 100 --duration 1m',
    '--idle 10000 --connect-rate 1000 --count 1',
  ],
  flags: BENCH_FLAGS,
  notes: `Exit status: 0 all is well; 1 messages were lost, duplicated or out of order where their QoS promises
otherwise, or something else went wrong; 2 it could not run.`,
  usageExitCode: ExitCode.COULD_NOT_RUN,
};

/** `cauldron bench`. @returns the exit status */
export function runBench(argv: readonly string[]): Promise<number> {
  return runTool(BENCH, argv, (values) => bench(values));
}

const VERSIONS = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;

async function bench(values: BenchValues): Promise<number> {
  const plan = planOf(values);
  const { url, options } = connectionTarget(values);
  const version = VERSIONS[options.protocolVersion ?? 5];
  try {
    const outcome = await interruptible(ExitCode.COULD_NOT_RUN, (signal) => new BenchRun(values, plan, signal).run());
    if (outcome === null) return ExitCode.COULD_NOT_RUN;
    process.stdout.write((values.json ? outcomeJson : outcomeText)(outcome, plan, url, version));
    return outcome.broken.length > 0 || outcome.errors.length > 0 ? ExitCode.FAILED : ExitCode.PASSED;
  } catch (error) {
    if (!(error instanceof BenchFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    return ExitCode.COULD_NOT_RUN;
  }
}
