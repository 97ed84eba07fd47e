import { LEVELS, type Level, STANDARD, STATEMENTS, type Statement, sidesOf } from '../statements/index.js';
import type { Untestable } from '../untestable.js';
import type { Instance, Outcome, Result } from './runner.js';

type Verdict = Outcome['kind'];

/** How a broker did, as it is kept for the document. */
export interface Verdicts {
  /** Name and version. */
  readonly broker: string;
  /** By `keyOf`. */
  readonly tests: Readonly<Record<string, Verdict>>;
}

const MARKS: Readonly<Record<Verdict, string>> = { passed: '✓', failed: '✗', skipped: '–' };

/** What stays the same for a test from run to run, and is its alone. */
export function keyOf({ level, side, section, title }: Instance): string {
  return `${STANDARD[level]} · ${section} · ${side} · ${title}`;
}

export function verdictsOf(broker: string, results: readonly Result[]): Verdicts {
  return { broker, tests: Object.fromEntries(results.map(({ instance, outcome }) => [keyOf(instance), outcome.kind])) };
}

/**
 * What is wrong with the catalogue: statements without a test or reason on a side that they bind, tests that name a
 * statement that does not exist or does not bind their side, reasons that are not needed, tests that cannot be told apart.
 */
export function gapsOf(instances: readonly Instance[], untestable: readonly Untestable[]): string[] {
  const gaps: string[] = [];
  for (const level of LEVELS) {
    for (const statement of STATEMENTS[level]) {
      for (const side of sidesOf(statement)) {
        const tests = provers(instances, level, statement).filter((instance) => instance.side === side);
        const reasons = untestable.filter((one) => one.level === level && one.id === statement.id && one.side === side);
        const where = `${STANDARD[level]} [${statement.id}], ${side}`;
        if (tests.length + reasons.length === 0) gaps.push(`${where}: neither a test nor a reason why there is none`);
        if (tests.length > 0 && reasons.length > 0) gaps.push(`${where}: has a test, and a reason why there is none`);
      }
    }
  }
  const keys = new Set<string>();
  for (const instance of instances) {
    const key = keyOf(instance);
    if (keys.has(key)) gaps.push(`${key}: there are two of these`);
    keys.add(key);
    for (const id of instance.statements) {
      const statement = STATEMENTS[instance.level].find((one) => one.id === id);
      if (statement === undefined) gaps.push(`${key}: there is no statement [${id}]`);
      else if (!sidesOf(statement).includes(instance.side))
        gaps.push(`${key}: [${id}] does not bind the ${instance.side}`);
    }
  }
  for (const { level, id, side } of untestable) {
    const statement = STATEMENTS[level].find((one) => one.id === id);
    if (statement === undefined || !sidesOf(statement).includes(side)) {
      gaps.push(`${STANDARD[level]} [${id}], ${side}: a reason for a statement that is not`);
    }
  }
  return gaps;
}

/** The text of docs/conformance.md. The first broker is this product's, and has been judged as a client too. */
export function documentText(
  instances: readonly Instance[],
  untestable: readonly Untestable[],
  brokers: readonly Verdicts[],
): string {
  const parts = [
    introduction(brokers),
    totals(instances, untestable, brokers),
    ...LEVELS.map((level) => statementTable(level, instances, untestable, brokers)),
    untestableTable(untestable),
    edgeCaseTables(instances, brokers),
  ];
  return `${parts.join('\n\n')}\n`;
}

function introduction(brokers: readonly Verdicts[]): string {
  return `# Conformance
Every mandatory normative statement of MQTT 3.1.1 and MQTT 5.0 (their Appendix B), in our own short words, with the tests
that prove it over real sockets: on the broker where it binds the server, on the client library where it binds the client.
The tests are in [test/conformance](../test/conformance); this page is made by \`npm run conformance:document\`, and CI
fails when it is not up to date. Any broker can be judged in the same way:

\`\`\`
cauldron doctor conformance mqtt://localhost:1883
cauldron doctor conformance mqtt://localhost:1883 --version 5 --only 3.3.1 -v
\`\`\`

✓ passed · ✗ failed · – not applicable: the broker lacks what the test needs, or the test is one of the client. Brokers:
${brokers.map(({ broker }) => broker).join(', ')}.`;
}

function totals(
  instances: readonly Instance[],
  untestable: readonly Untestable[],
  brokers: readonly Verdicts[],
): string {
  const rows = LEVELS.map((level) => {
    const statements = STATEMENTS[level];
    const proven = statements.filter((one) => provers(instances, level, one).length > 0).length;
    const reasons = untestable.filter((one) => one.level === level).length;
    const tests = instances.filter((instance) => instance.level === level);
    const counts = brokers.map(({ tests: verdicts }) => {
      const passed = tests.filter((one) => verdicts[keyOf(one)] === 'passed').length;
      const failed = tests.filter((one) => verdicts[keyOf(one)] === 'failed').length;
      return `${passed} ✓, ${failed} ✗, ${tests.length - passed - failed} –`;
    });
    return [STANDARD[level], statements.length, proven, reasons, tests.length, ...counts];
  });
  const heads = [
    'Standard',
    'Statements',
    'With a test',
    'Sides without',
    'Tests',
    ...brokers.map(({ broker }) => broker),
  ];
  return table(heads, rows);
}

function statementTable(
  level: Level,
  instances: readonly Instance[],
  untestable: readonly Untestable[],
  brokers: readonly Verdicts[],
): string {
  const rows = STATEMENTS[level].map((statement) => {
    const tests = provers(instances, level, statement);
    const reasons = untestable.filter((one) => one.level === level && one.id === statement.id);
    const names = [
      ...tests.map(({ side, title }) => (side === 'client' ? `client: ${title}` : title)),
      ...reasons.map(({ side, reason }) => `no test of the ${side}: ${reason}`),
    ];
    const marks = brokers.map((verdicts) => mark(tests, verdicts));
    return [statement.id, statement.binds, statement.wording, names.map(cell).join('<br>'), ...marks];
  });
  const heads = ['Statement', 'Binds', 'In short', 'Tests', ...brokers.map(({ broker }) => broker)];
  return `## ${STANDARD[level]}\n${table(heads, rows, new Set([3]))}`;
}

function untestableTable(untestable: readonly Untestable[]): string {
  const rows = untestable.map(({ level, id, side, reason }) => [STANDARD[level], id, side, reason]);
  const heading = '## Statements that cannot be tested from outside\n';
  return rows.length === 0 ? `${heading}None.` : heading + table(['Standard', 'Statement', 'Side', 'Reason'], rows);
}

/** Tests that go beyond the statements, by theme. */
function edgeCaseTables(instances: readonly Instance[], brokers: readonly Verdicts[]): string {
  const edges = instances.filter(({ statements }) => statements.length === 0);
  const rows = edges.map((one) => [
    one.section,
    STANDARD[one.level],
    one.title,
    ...brokers.map((by) => mark([one], by)),
  ]);
  return `## Beyond the statements\n${table(['Theme', 'Standard', 'Test', ...brokers.map(({ broker }) => broker)], rows)}`;
}

/** One mark for several tests: the worst verdict counts. */
function mark(tests: readonly Instance[], { tests: verdicts }: Verdicts): string {
  const found = tests.map((one) => verdicts[keyOf(one)]);
  if (found.includes('failed')) return MARKS.failed;
  return found.includes('passed') ? MARKS.passed : MARKS.skipped;
}

function provers(instances: readonly Instance[], level: Level, { id }: Statement): Instance[] {
  return instances.filter((instance) => instance.level === level && instance.statements.includes(id));
}

/** `ready` names the columns whose text is a cell's already. */
function table(
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  ready: ReadonlySet<number> = new Set(),
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map((row) => line(row.map((value, index) => (ready.has(index) ? String(value) : cell(String(value)))))),
  ].join('\n');
}

/** Text that stays in its cell and means itself. */
function cell(text: string): string {
  return text.replaceAll(/[|<>*_`\\[\]]/g, '\\$&').replaceAll('\n', ' ');
}
