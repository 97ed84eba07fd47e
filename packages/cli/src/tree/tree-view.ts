import { countText, sizeText } from '../command-line/units.js';
import { visible } from '../decode/json-text.js';
import { fitted, widthOf } from './text-width.js';
import type { LastMessage, TopicNode } from './topic-node.js';

/** A line of the tree: a level, or several of which each has nothing but the next one. */
interface Row {
  /** The last of them. */
  readonly node: TopicNode;
  readonly first: TopicNode;
  readonly depth: number;
}

export interface TreeSummary {
  readonly title: string;
  readonly topics: number;
  readonly bytes: number;
  /** Empty: none. */
  readonly note: string;
}

/** How long a row stands out after a message. */
const FRESH_MS = 800;
const RATE_COLUMNS = 9;
const COUNT_COLUMNS = 10;
const NARROWEST_VALUE = 10;
const KEYS = 'q quit   ↑ ↓ PgUp PgDn move   ← → fold   Enter open or close';

const RESET = '\u001b[0m';
const Style = { BOLD: '\u001b[1m', DIM: '\u001b[2m', GREEN: '\u001b[32m', YELLOW: '\u001b[33m', INVERSE: '\u001b[7m' };

/** Draws a tree of topics: what fits the screen around the marked row. */
export class TreeView {
  readonly #root: TopicNode;
  readonly #textOf: (last: LastMessage, topic: string) => string;
  readonly #hasColors: boolean;
  /** The marked row; null until a key was pressed. */
  #marked: TopicNode | null = null;
  /** The first row on the screen: what comes above it does not push it away. */
  #top: TopicNode | null = null;
  /** It only grows, so that columns stand still. */
  #labelColumns = 12;

  constructor(root: TopicNode, textOf: (last: LastMessage, topic: string) => string, hasColors: boolean) {
    this.#root = root;
    this.#textOf = textOf;
    this.#hasColors = hasColors;
  }

  render(columns: number, rows: number, atMs: number, summary: TreeSummary): string[] {
    const all = this.#rows();
    const room = Math.max(1, rows - 3);
    const start = this.#startOf(all, room);
    const shown = all.slice(start, start + room);
    this.#top = start === 0 ? null : (shown[0]?.node ?? null);
    const labels = shown.map(labelOf);
    const widest = Math.max(0, ...labels.map(widthOf));
    this.#labelColumns = Math.min(Math.max(this.#labelColumns, widest), Math.floor(columns * 0.45));
    const lines = [
      this.#headLine(columns, atMs, summary),
      ...shown.map(({ node }, i) => this.#line(node, labels[i], columns, atMs)),
    ];
    while (lines.length < room + 1) lines.push('');
    const hidden = all.length - shown.length;
    const position =
      hidden === 0 ? '' : `   ${start + 1}-${start + shown.length} of ${all.length.toLocaleString('en')}`;
    lines.push(this.#detailLine(columns));
    lines.push(this.#styled(Style.DIM, fitted(summary.note === '' ? KEYS + position : summary.note, columns)));
    return lines.slice(0, rows);
  }

  move(by: number): void {
    const all = this.#rows();
    if (all.length === 0) return;
    const at = this.#marked === null ? (by > 0 ? -1 : 0) : indexOf(all, this.#marked);
    this.#marked = all[Math.min(Math.max(at + by, 0), all.length - 1)].node;
  }

  fold(): void {
    if (this.#marked === null) return;
    if (!this.#marked.isFolded && this.#marked.children.length > 0) this.#marked.isFolded = true;
    else if (this.#marked.parent !== null && this.#marked.parent !== this.#root) {
      const all = this.#rows();
      this.#marked = all[indexOf(all, this.#marked.parent)].node;
    }
  }

  unfold(): void {
    if (this.#marked === null) return;
    if (this.#marked.isFolded) this.#marked.isFolded = false;
    else if (this.#marked.children.length > 0) this.move(1);
  }

  toggle(): void {
    if (this.#marked !== null && this.#marked.children.length > 0) this.#marked.isFolded = !this.#marked.isFolded;
  }

  #rows(): Row[] {
    const rows: Row[] = [];
    const add = (node: TopicNode, depth: number): void => {
      let last = node;
      // Levels that are nothing but the way to one other share its row.
      while (last.last === null && last.children.length === 1 && !last.isFolded) last = last.children[0];
      rows.push({ node: last, first: node, depth });
      if (last.isFolded) return;
      for (const child of last.children) add(child, depth + 1);
    };
    for (const child of this.#root.children) add(child, 0);
    return rows;
  }

  /** The first row that is shown: the one that was, moved as far as the marked one needs it. */
  #startOf(all: readonly Row[], room: number): number {
    let start = this.#top === null ? 0 : indexOf(all, this.#top);
    if (this.#marked !== null) {
      const marked = indexOf(all, this.#marked);
      start = Math.max(Math.min(start, marked), marked - room + 1);
    }
    return Math.max(0, Math.min(start, all.length - room));
  }

  #line(node: TopicNode, label: string, columns: number, atMs: number): string {
    const { last, messages } = node;
    const below = node.isFolded ? `${node.children.length.toLocaleString('en')} below` : '';
    const value = last === null ? below : this.#textOf(last, node.topic);
    const figures =
      rateText(node.rateAt(atMs)).padStart(RATE_COLUMNS) + messages.toLocaleString('en').padStart(COUNT_COLUMNS);
    const valueColumns = columns - this.#labelColumns - figures.length - 3;
    const begin = `${fitted(label, this.#labelColumns)} ${last?.retain ? 'R' : ' '} `;
    // A narrow terminal shows topics and values.
    const end =
      valueColumns < NARROWEST_VALUE
        ? fitted(value, columns - this.#labelColumns - 3)
        : fitted(value, valueColumns) + figures;
    if (node === this.#marked) return `${Style.INVERSE}${begin}${end}${RESET}`;
    if (last === null) return this.#styled(Style.DIM, begin + end);
    return begin + (atMs - last.atMs < FRESH_MS ? this.#styled(Style.BOLD + Style.GREEN, end) : end);
  }

  #headLine(columns: number, atMs: number, { title, topics, bytes }: TreeSummary): string {
    const figures = [
      countText(topics, 'topic'),
      rateText(this.#root.rateAt(atMs)) || '0/s',
      countText(this.#root.messages, 'message'),
      sizeText(bytes),
    ].join('   ');
    const room = columns - widthOf(figures) - 3;
    return this.#styled(
      Style.BOLD,
      fitted(room > 8 ? `${fitted(visible(title), room)}   ${figures}` : figures, columns),
    );
  }

  /** What is known of the marked topic. */
  #detailLine(columns: number): string {
    const { last = null, topic = '' } = this.#marked ?? {};
    if (topic === '') return '';
    const details =
      last === null
        ? ''
        : [
            '',
            `QoS ${last.qos}${last.retain ? ', retained' : ''}`,
            countText(last.size, 'byte'),
            new Date(last.wallMs).toTimeString().slice(0, 8),
          ].join('   ');
    return this.#styled(Style.YELLOW, fitted(`${visible(topic)}${details}`, columns));
  }

  #styled(style: string, text: string): string {
    return this.#hasColors ? `${style}${text}${RESET}` : text;
  }
}

/** The row of a node, or of the nearest that stands for it: one that it shares the row with, or one above. */
function indexOf(rows: readonly Row[], node: TopicNode): number {
  for (let one: TopicNode | null = node; one !== null; one = one.parent) {
    const index = rows.findIndex((row) => row.node === one || isOnRow(row, one));
    if (index >= 0) return index;
  }
  return 0;
}

function isOnRow({ node, first }: Row, wanted: TopicNode | null): boolean {
  for (let one: TopicNode | null = node; one !== first && one !== null; ) {
    one = one.parent;
    if (one === wanted) return true;
  }
  return false;
}

function labelOf({ node, first, depth }: Row): string {
  let names = node.name;
  for (let one: TopicNode | null = node; one !== first && one !== null; ) {
    one = one.parent;
    names = `${one?.name}/${names}`;
  }
  const mark = node.children.length === 0 ? '  ' : node.isFolded ? '▸ ' : '▾ ';
  return `${'  '.repeat(depth)}${mark}${visible(names)}`;
}

function rateText(rate: number): string {
  if (rate < 0.05) return '';
  return `${rate < 100 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en')}/s`;
}
