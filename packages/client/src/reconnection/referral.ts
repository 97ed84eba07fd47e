/** One of the references that MQTT 5.0, 4.11, gives as examples: a name or an address, perhaps with a port. */
const REFERENCE = /^(\[[\da-f:.]+\]|[^\s\p{Cc}[\]:/?#@%]+)(?::(\d{1,5}))?$/iu;
/** An IPv6 address that somebody forgot to put into brackets. */
const BARE_IPV6 = /^[\da-f]*:[\da-f:.]*:[\da-f:.]*$/i;

/**
 * The servers that one server refers to with "use another server" and "server moved", for whoever reached it by `url`:
 * everything but host and port stays as it was, so that TLS is not lost and credentials go with it. Without a port of its
 * own a reference is to the port that was used. What is no reference is left out; a Unix socket leads nowhere else.
 * @param references a list with spaces in between [MQTT 5.0, 4.11]
 */
export function referredUrls(references: string, url: URL): readonly URL[] {
  if (url.protocol === 'unix:') return [];
  return references.split(' ').flatMap((reference) => {
    const [, host, port = url.port] = REFERENCE.exec(BARE_IPV6.test(reference) ? `[${reference}]` : reference) ?? [];
    if (host === undefined || Number(port) > 65_535 || !URL.canParse(`http://${host}`)) return [];
    const referred = new URL(url);
    referred.hostname = host;
    referred.port = port;
    return [referred];
  });
}
