import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const PROGRAM = fileURLToPath(new URL('./page-program.ts', import.meta.url));
/** From the sources, as all tests. */
const CODEC = fileURLToPath(new URL('../../packages/codec/src/index.ts', import.meta.url));

/** A web server with a page that has `pageProgram`, see page-program.ts. */
export async function servePage(): Promise<{ url: string; server: Server }> {
  const { output } = await build({
    input: PROGRAM,
    write: false,
    platform: 'browser',
    logLevel: 'silent',
    tsconfig: false,
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    plugins: [{ name: 'sources', resolveId: (id) => (id === '@cauldron/codec' ? CODEC : null) }],
    output: { codeSplitting: false },
  });
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Faults</title>
<script type="module" src="/program.js"></script>`;
  const server = createServer((request, response) => {
    if (request.url === '/program.js') response.setHeader('Content-Type', 'text/javascript').end(output[0].code);
    else response.setHeader('Content-Type', 'text/html').end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}
