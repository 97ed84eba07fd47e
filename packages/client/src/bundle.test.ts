import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'rolldown';
import { describe, expect, it } from 'vitest';
import * as browser from './browser.js';
import * as node from './index.js';

const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));

interface Bundle {
  /** Bytes that a page loads first, minified and compressed. */
  readonly size: number;
  /** Bytes that it loads when they are needed. */
  readonly laterSize: number;
  /** The packages and modules of Node that it would have to find at run time. */
  readonly imports: readonly string[];
  /** Files of the product in it. */
  readonly files: readonly string[];
}

/** The source that a package has behind one of its doors. */
function entryOf(name: string, condition: 'browser' | 'default'): string {
  const { exports } = JSON.parse(readFileSync(`${PACKAGES}/${name}/package.json`, 'utf8'));
  const door = exports['.'];
  const { default: path }: { default: string } = condition === 'browser' ? (door.browser ?? door) : door;
  return `${PACKAGES}/${name}${path.replace('./dist/', '/src/').replace('.js', '.ts')}`;
}

/** What a bundler makes of a program that is written against the client. */
async function bundle(program: string, condition: 'browser' | 'default' = 'browser'): Promise<Bundle> {
  const { output } = await build({
    input: 'program',
    write: false,
    platform: condition === 'browser' ? 'browser' : 'node',
    logLevel: 'silent',
    tsconfig: false,
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    plugins: [
      {
        name: 'program',
        resolveId(id) {
          if (id === 'program') return 'program.js';
          const [, name] = /^@cauldron\/(\w+)$/.exec(id) ?? [];
          return name === undefined ? null : entryOf(name, condition);
        },
        load: (id) => (id === 'program.js' ? program : null),
      },
    ],
    output: { minify: true },
  });
  const chunks = new Map(output.filter((one) => one.type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
  const [entry] = chunks.keys();
  const first = new Set([entry]);
  for (const name of first) for (const id of chunks.get(name)?.imports ?? []) if (chunks.has(id)) first.add(id);
  const all = [...chunks.values()];
  const sizeOf = (those: typeof all) => gzipSync(those.map(({ code }) => code).join(''), { level: 9 }).length;
  return {
    size: sizeOf(all.filter(({ fileName }) => first.has(fileName))),
    laterSize: sizeOf(all.filter(({ fileName }) => !first.has(fileName))),
    imports: all
      .flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
      .filter((id) => !chunks.has(id)),
    files: all.flatMap(({ moduleIds }) => moduleIds).map((id) => id.replace(PACKAGES, '')),
  };
}

describe('the client in a browser', () => {
  it('needs nothing of Node, and no other package', async () => {
    const { imports, files } = await bundle("export * from '@cauldron/client'");
    expect(imports).toEqual([]);
    expect(files).toContain('client/src/transports/browser-websocket.ts');
    const ofNode = ['tcp', 'tls', 'websocket', 'socks', 'route'].map((name) => `client/src/transports/${name}.ts`);
    expect(files.filter((file) => ofNode.includes(file) || file.includes('node_modules'))).toEqual([]);
    expect(files).not.toContain('client/src/outboxes/file-outbox.ts');
  });

  it('is under 25 KB (of 1,024 bytes), minified and compressed', async () => {
    const { size, laterSize } = await bundle("import { connect } from '@cauldron/client'; connect(location.hash);");
    console.info(`The client in a browser: ${size} bytes at first, ${laterSize} when needed, minified and compressed`);
    expect(size).toBeLessThan(25 * 1024);
    expect(size).toBeGreaterThan(10_000); // it is all there
  });

  it('is nearly nothing for a program that takes one small part of it', async () => {
    const { size, files } = await bundle("import { json } from '@cauldron/client'; console.log(json());");
    expect(size).toBeLessThan(1_000);
    expect(files.filter((file) => file.startsWith('codec/'))).toEqual([]);
  });

  it('has what the client in Node has, but for the outbox, which is of its own kind', () => {
    const names = Object.keys(node).filter((name) => name !== 'fileOutbox');
    expect(Object.keys(browser).filter((name) => name !== 'indexedDbOutbox')).toEqual(names);
  });

  it('takes ws: and wss: only, and says so', async () => {
    for (const url of ['mqtt://there', 'mqtts://there', 'unix:/there']) {
      await expect(browser.connect(url)).rejects.toThrow(/^In a browser a URL begins with ws: or wss:, not /);
      expect(() => browser.startClient(url)).toThrow(TypeError);
      expect(() => browser.transportTo(new URL(url))).toThrow(TypeError);
    }
  });
});

describe('the client in Node', () => {
  it('is what a bundler finds where there is no browser', async () => {
    const { files, imports } = await bundle("export { connect } from '@cauldron/client'", 'default');
    expect(files).toContain('client/src/transports/socks.ts');
    expect(files).not.toContain('client/src/transports/browser-websocket.ts');
    expect(imports).toContain('node:net');
  });
});
