// docs/performance.md, made from a file of results.
import { describeCommits } from './disk.js';
import { formatMicro } from './micro/table.js';
import { formatLegend, formatNodeTable, formatTable, READING } from './report.js';

const INTRODUCTION = `# Performance
Made by \`npm run docs:performance\` from [bench/results.json](../bench/results.json); not to be edited.

Broker and load generator have a processor core each, on one machine, over loopback. The brokers take turns, in each round
of each scenario anew, so what disturbs the machine disturbs all of them; a ratio counts, an absolute figure does not.
Cauldron and Mosquitto read the same configuration: a password file of 1,000 users, an ACL file of 200 lines, \`$SYS\`, and
persistence, with which Cauldron syncs what it acknowledges, and Mosquitto writes its file now and then. The yardstick is a
prototype of 250 lines, [bench/hot-path.mjs](../bench/hot-path.mjs), which moves bytes and checks nothing. Other brokers
are as they come.`;

const AGAIN = `## Again
\`\`\`
npm run bench -- --json results.json
npm run bench -- --micro --json results.json
npm run docs:performance -- results.json
\`\`\`
\`npm run bench -- --help\` tells what else there is. On Debian it needs
\`apt install mosquitto gcc libc6-dev libssl-dev openssl\`.`;

/**
 * @param {import('./results.js').Results} results
 * @returns {string} Markdown
 */
export function performanceDocument({ machine, versions, disk, rows, micro }) {
  const titles = Object.entries(versions).map(([name, version]) => `- ${name}: ${version}`);
  const isSmall = rows.some(({ scale }) => scale !== 1);
  const isUnpinned = rows.some(({ isPinned }) => !isPinned);
  const warnings = [
    ...(isSmall ? ['**Measured with `--scale`: these figures only show that everything works.**'] : []),
    ...(isUnpinned ? ['**Broker and generator shared their cores: these figures mean little.**'] : []),
  ];
  const groups = [...new Set(rows.map(({ group }) => group))];
  const tables = groups.map((group) => `## ${group}\n${formatTable(rows.filter((row) => row.group === group))}`);
  const onOtherNode = formatNodeTable(rows);
  const rounds = Math.max(0, ...rows.flatMap(({ values }) => Object.values(values).map((list) => list.length)));
  const seconds = [...new Set(rows.map((row) => row.seconds))].join(' or ');
  return `${[
    INTRODUCTION,
    ...warnings,
    [
      '## Measured on',
      `- ${machine.cpu}, ${machine.cores} cores, Linux ${machine.linux}`,
      ...(disk === undefined ? [] : [`- disk: ${describeCommits(disk)}`]),
      ...titles,
      ...(rounds > 0 ? [`- ${rounds} round${rounds > 1 ? 's' : ''} of ${seconds} s`] : []),
    ].join('\n'),
    `## How to read the tables\n${READING}`,
    formatLegend(rows)
      .map((line) => `- ${line}`)
      .join('\n'),
    ...tables,
    ...(onOtherNode === null ? [] : [`## On another Node\n${onOtherNode}`]),
    ...(micro.length === 0 ? [] : [`## Parts of the hot path\n${formatMicro(micro)}`]),
    AGAIN,
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}
