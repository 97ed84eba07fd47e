import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configurationText } from './configuration-document.js';
import { OPTIONS } from './options.js';

const document = new URL('../../../../docs/configuration.md', import.meta.url);

describe('docs/configuration.md', () => {
  it('says what the table of options says now', () => {
    const isCurrent = readFileSync(document, 'utf8') === configurationText();
    expect(isCurrent, 'docs/configuration.md is out of date: npm run docs:configuration').toBe(true);
  });

  it('has every option, with a link that leads to it', () => {
    const text = configurationText();
    for (const { name } of OPTIONS) expect(text).toContain(`### \`${name}\`\n`);
    const anchors = new Set([...text.matchAll(/^#{2,3} (.*)$/gm)].map(([, heading]) => anchorOf(heading)));
    const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor);
    expect(links.length).toBeGreaterThan(OPTIONS.length);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});

/** As Markdown makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
