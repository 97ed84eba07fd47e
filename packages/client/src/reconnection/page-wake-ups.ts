/** What a page has for hearing that it was away. */
interface PageEvents {
  addEventListener(name: string, listener: () => void): void;
  removeEventListener(name: string, listener: () => void): void;
}

interface Page extends PageEvents {
  readonly document?: PageEvents & { readonly visibilityState: string };
}

/**
 * Calls `wake` when the page is seen again, comes back from the browser's memory, or the machine has a network again: the
 * moments at which a connection may be long dead without anybody having noticed, and at which a new one may come about.
 * @returns a function that ends it
 */
export function pageWakeUps(wake: () => void, page: Page = globalThis as unknown as Page): () => void {
  const { document } = page;
  if (document === undefined) return () => {};
  const seen = () => {
    if (document.visibilityState === 'visible') wake();
  };
  document.addEventListener('visibilitychange', seen);
  for (const name of ['online', 'pageshow']) page.addEventListener(name, wake);
  return () => {
    document.removeEventListener('visibilitychange', seen);
    for (const name of ['online', 'pageshow']) page.removeEventListener(name, wake);
  };
}
