import { FLAG_GROUPS, type Flag, type FlagTable, groupFlags } from '../command-line/arguments.js';

/** A manual page, before it has a form. */
export interface Page {
  /** As it is called: `cauldron-store-backup`. */
  readonly title: string;
  readonly sections: readonly Section[];
}

export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  /** Lines as they are. */
  | { readonly kind: 'literal'; readonly lines: readonly string[] }
  | { readonly kind: 'subheading'; readonly text: string }
  /** What is explained, and its explanation. */
  | { readonly kind: 'entry'; readonly term: readonly Word[]; readonly text: string };

/** `strong` is typed as it stands, `variable` stands for something. */
export interface Word {
  readonly text: string;
  readonly style: 'plain' | 'strong' | 'variable';
}

/** What a page is made from. */
export interface Described {
  readonly name: string;
  readonly summary: string;
  readonly tool: {
    readonly summary: string;
    readonly usage: string;
    readonly examples: readonly string[];
    readonly flags: FlagTable;
    readonly notes?: string;
    readonly details?: string;
  } | null;
  readonly group: { readonly about: string; readonly examples: readonly string[]; readonly notes?: string } | null;
  readonly actions: readonly { readonly name: string; readonly summary: string }[];
}

/** The page of a command, or of an action. */
export function pageOf(described: Described): Page {
  const { name, summary, tool, group, actions } = described;
  const usage = tool === null ? 'ACTION [OPTIONS]' : tool.usage;
  const [first, ...others] = usage.split('\n').map((line) => line.trim());
  const synopsis = [`cauldron ${name} ${first}`.trim(), ...others];
  const examples =
    tool === null ? (group?.examples ?? []) : tool.examples.map((example) => `${name} ${example}`.trim());
  const below = tool === null ? [group?.notes] : [tool.notes, tool.details];
  return {
    title: titleOf(name),
    sections: [
      section('Name', [paragraph(`${titleOf(name)} - ${lowered(summary)}`)]),
      section('Synopsis', [literal(synopsis)]),
      section('Description', prose(tool === null ? (group?.about ?? summary) : tool.summary)),
      section('Examples', [literal(examples.map((example) => `cauldron ${example}`))]),
      section(
        'Actions',
        actions.map((action) => entry([strong(action.name)], action.summary)),
      ),
      section('Options', tool === null ? [] : optionBlocks(tool.flags)),
      section(
        'Notes',
        below.flatMap((text) => (text === undefined ? [] : prose(text))),
      ),
      section('See also', [paragraph(seeAlso(name, actions))]),
    ].filter(({ blocks }) => blocks.length > 0),
  };
}

/** The page of `cauldron` itself. @param commands without actions */
export function overview(commands: readonly Pick<Described, 'name' | 'summary'>[]): Page {
  return {
    title: 'cauldron',
    sections: [
      section('Name', [paragraph('cauldron - an MQTT broker, and what belongs to one')]),
      section('Synopsis', [literal(['cauldron COMMAND [OPTIONS]'])]),
      section(
        'Commands',
        commands.map(({ name, summary }) => entry([strong(name)], summary)),
      ),
      section('Notes', [
        paragraph('Each command has a page of its own, cauldron-COMMAND, and tells its options with --help.'),
      ]),
    ],
  };
}

export function titleOf(name: string): string {
  return `cauldron-${name.replaceAll(' ', '-')}`;
}

function seeAlso(name: string, actions: Described['actions']): string {
  const [command, action] = name.split(' ');
  const names = action === undefined ? ['cauldron'] : ['cauldron', titleOf(command)];
  return [...names, ...actions.map((one) => titleOf(`${name} ${one.name}`))].map((one) => `${one}(1)`).join(', ');
}

function optionBlocks(flags: FlagTable): Block[] {
  const groups = groupFlags(flags);
  return groups.flatMap(({ heading, flags: members }) => [
    // One group alone, or the first of all, stands beneath the heading of the section.
    ...(heading === FLAG_GROUPS.tool ? [] : [{ kind: 'subheading' as const, text: heading }]),
    ...members.map((flag) => entry(termOf(flag), flag.doc)),
  ]);
}

function termOf(flag: Flag): Word[] {
  const names = [flag.short, flag.long].filter((name) => name !== undefined);
  const words = names.flatMap((name, at) => [...(at === 0 ? [] : [plain(', ')]), strong(name)]);
  return flag.kind === 'switch' ? words : [...words, plain(' '), { text: flag.value, style: 'variable' }];
}

/**
 * Paragraphs are separated by empty lines. Within one, lines that are indented, or that stand below a line that ends with a
 * colon, stay as they are; the others flow.
 */
export function prose(text: string): Block[] {
  const blocks: Block[] = [];
  for (const part of text.trim().split(/\n\s*\n/)) {
    let flowing: string[] = [];
    let kept: string[] = [];
    const flush = (): void => {
      if (flowing.length > 0) blocks.push(paragraph(flowing.join(' ')));
      if (kept.length > 0) blocks.push(literal(kept));
      flowing = [];
      kept = [];
    };
    for (const line of part.split('\n')) {
      const isKept = /^\s/.test(line);
      if (isKept !== kept.length > 0) flush();
      if (isKept) kept.push(line.replace(/^ {1,2}/, ''));
      else flowing.push(line.trim());
    }
    flush();
  }
  return blocks;
}

function section(heading: string, blocks: readonly Block[]): Section {
  return { heading, blocks: blocks.filter((block) => block.kind !== 'literal' || block.lines.length > 0) };
}

function paragraph(text: string): Block {
  return { kind: 'paragraph', text };
}

function literal(lines: readonly string[]): Block {
  return { kind: 'literal', lines };
}

function entry(term: readonly Word[], text: string): Block {
  return { kind: 'entry', term, text };
}

function strong(text: string): Word {
  return { text, style: 'strong' };
}

function plain(text: string): Word {
  return { text, style: 'plain' };
}

/** The line of a page that says what it is about begins with a small letter. */
function lowered(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
