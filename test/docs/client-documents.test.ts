import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunningProgram } from '../support/running-program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENTS = ['docs/client.md', 'docs/client-from-mqtt-js.md'];

interface Block {
  /** Document, heading, and the number of the block below it. */
  readonly name: string;
  readonly file: string;
  readonly code: string;
  /** Whether the document says that it is run: "```ts run". */
  readonly isRun: boolean;
  /** What the block that follows shows of its output; null: nothing follows. */
  readonly output: string | null;
}

function blocksOf(document: string): Block[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const blocks: Block[] = [];
  let heading = '';
  let number = 0;
  for (const match of text.matchAll(/^#+ (.*)|^```ts( run)?\n([\s\S]*?)^```$(?:\n```text\n([\s\S]*?)^```$)?/gm)) {
    const [, title, run, code, output] = match;
    if (title !== undefined) {
      heading = title;
      number = 0;
      continue;
    }
    const name = `${document}: ${heading}, ${++number}`;
    const file = `${document.replace(/\W/g, '-')}-${blocks.length + 1}.ts`;
    blocks.push({ name, file, code, isRun: run !== undefined, output: output ?? null });
  }
  return blocks;
}

const BLOCKS = DOCUMENTS.flatMap(blocksOf);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-documents-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('programs in the documents of the client', () => {
  it('are found', () => {
    for (const document of DOCUMENTS) {
      const found = BLOCKS.filter(({ name }) => name.startsWith(document));
      expect(found.filter(({ isRun }) => isRun).length).toBeGreaterThan(5);
    }
  });

  it('have right types', async () => {
    for (const { file, code } of BLOCKS) writeFileSync(join(folder, file), code);
    const config = {
      extends: join(ROOT, 'tsconfig.test.json'),
      compilerOptions: {
        moduleDetection: 'force',
        // What is shown is what matters, not that it is used.
        noUnusedLocals: false,
        lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules/@types')],
        paths: {
          '@cauldron/client': [join(ROOT, 'packages/client/src/index.ts')],
          '@cauldron/codec': [join(ROOT, 'packages/codec/src/index.ts')],
          mqtt: [join(ROOT, 'node_modules/mqtt/build/index.d.ts')],
        },
      },
      include: ['*.ts'],
      exclude: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout, exitCode } = await new RunningProgram(process.execPath, [compiler, '-p', folder], '').ended;
    expect(stdout.toString()).toBe('');
    expect(exitCode).toBe(0);
  });

  describe('that are run', () => {
    let server: Server;

    beforeEach(async () => {
      server = await startServer(readConfig('listener 0 127.0.0.1\nallow_anonymous true\nlog_dest none', 'documents'));
    });
    afterEach(async () => {
      vi.restoreAllMocks();
      await server.stop();
    });

    it.each(BLOCKS.filter(({ isRun }) => isRun))('show what they say: $name', async ({ file, code, output }) => {
      const [{ port }] = server.endpoints;
      const path = join(folder, `run-${file}`);
      writeFileSync(path, code.replaceAll('localhost:1883', `127.0.0.1:${port}`));
      const lines: string[] = [];
      vi.spyOn(console, 'log').mockImplementation((...values) => {
        lines.push(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '));
      });
      await import(pathToFileURL(path).href);
      expect(lines.map((line) => `${line}\n`).join('')).toBe(output ?? '');
    });
  });
});
