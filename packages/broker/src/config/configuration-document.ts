import type { Option } from './option.js';
import { changeWords, mosquittoWords, placeOf, statusWords, valueWords } from './option-words.js';
import { OPTION_GROUPS, OPTIONS } from './options.js';

const INTRODUCTION = `# Configuration
\`cauldron broker -c FILE\` reads the format of mosquitto.conf, with the defaults of Mosquitto 2.1 unless
[the list below](#where-it-differs-from-mosquitto) says otherwise. Without a file, and with a file that opens no listener,
port 1883 is open to programs on this machine, which need no user name.

| command | what it tells |
|---|---|
| \`cauldron config check FILE\` | what is wrong with a file, and with the certificates and keys that it names |
| \`cauldron config show FILE\` | what holds in the end, and which line says so |
| \`cauldron config diff A B\` | in what two files differ |
| \`cauldron config explain OPTION\` | what stands here about an option |

## How a file is written
- One option to a line: its name, spaces, its value. The order of lines counts only for blocks, and where the last of
  several lines with one option wins.
- A \`#\` in the first column makes a comment. Behind numbers, \`true\` and \`false\`, and other single words, \` #\` begins one,
  too; in texts and paths it belongs to the value.
- **Blocks.** \`listener\`, \`connection\` (a bridge) and \`plugin\` begin a block. Each option belongs to the last block of its
  kind above it, so that blocks of different kinds may be mixed. Options of listeners before any \`listener\` line
  belong to a listener on port 1883, which is open to other machines only if \`port\`, \`bind_address\` or another listener
  is there.
- **\`per_listener_settings true\`** makes the options about access belong to the listener above them.
- **\`include_dir FOLDER\`** reads the files of a folder that end in \`.conf\`. Each begins without a block.
- **Units** stand with each option. Sizes may have a letter: K, M, G or T, of 1024. Times of sessions have one: s, h, d, w,
  m (30 days) or y (365 days).
- **A reload** (\`cauldron reload\`, SIGHUP) reads everything anew. A file with a fault changes nothing, and the log says
  what is wrong. What needs a restart stands with the option.
- What is asked for and not there yet is a warning at the start, unless it guards access: then the broker does not start.
`;

/** docs/configuration.md. */
export function configurationText(): string {
  const groups = OPTION_GROUPS.map(({ title, options }) => `## ${title}\n${options.map(optionText).join('\n')}`);
  return [INTRODUCTION, deviationsText(), contentsText(), ...groups].join('\n');
}

function deviationsText(): string {
  const rows = OPTIONS.filter(({ deviation }) => deviation !== null).map(
    ({ name, deviation }) => `- \`${name}\`: ${deviation}\n`,
  );
  const own = OPTIONS.filter(({ isOwn }) => isOwn).map(({ name }) => `\`${name}\``);
  return `## Where it differs from Mosquitto\n${rows.join('')}- Mosquitto does not have ${own.join(', ')}.\n`;
}

function contentsText(): string {
  const lines = OPTION_GROUPS.map(({ title, options }) => {
    const links = options.map(({ name }) => `[${name}](#${anchorOf(name)})`);
    return `**${title}**: ${links.join(', ')}\n`;
  });
  return `## All options\n${lines.join('\n')}`;
}

/** As Markdown makes it of a heading. */
function anchorOf(name: string): string {
  return name.replace(/[^\w-]/g, '');
}

function optionText(option: Option): string {
  const { name, aliases, default: defaultValue, deprecated, doc } = option;
  const facts: [string, string | null][] = [
    ['Value', valueWords(option)],
    ['Default', defaultValue],
    ['Stands', placeOf(option)],
    ['Changes', changeWords(option)],
    ['Also', aliases.length === 0 ? null : aliases.map((alias) => `\`${alias}\``).join(', ')],
    ['Deprecated', deprecated],
    ['Status', statusWords(option)],
    ['Mosquitto', mosquittoWords(option)],
  ];
  const lines = facts.filter(([, text]) => text !== null).map(([fact, text]) => `- ${fact}: ${text}`);
  return `### \`${name}\`\n${doc}\n${lines.join('\n')}\n`;
}
