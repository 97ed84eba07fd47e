import type { SrvRecord } from 'node:dns';
import { ConnectionFailed } from '@cauldron/client';

/** `resolveSrv` of `node:dns/promises`. */
export type SrvResolver = (name: string) => Promise<SrvRecord[]>;

/**
 * The brokers that the DNS names for a domain, in the order in which they are to be tried.
 * @param url its host is the domain; that and the port are replaced
 * @param random from 0 to below 1, as `Math.random`
 * @throws (rejects) ConnectionFailed when there are none
 */
export async function serversOf(url: URL, resolve: SrvResolver, random: () => number): Promise<URL[]> {
  const isSecure = url.protocol === 'mqtts:' || url.protocol === 'wss:';
  const name = `_${isSecure ? 'secure-mqtt' : 'mqtt'}._tcp.${url.hostname}`;
  let records: SrvRecord[];
  try {
    records = await resolve(name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectionFailed(`Lookup error: ${name} has no SRV records (${reason}). Check -h, or leave out -S.`);
  }
  // A dot says: this service does not exist here (RFC 2782).
  const servers = inOrder(records, random).filter((record) => record.name !== '.' && record.name !== '');
  if (servers.length === 0) throw new ConnectionFailed(`Lookup error: ${name} names no broker.`);
  return servers.map((record) => {
    const server = new URL(url);
    server.hostname = record.name;
    server.port = String(record.port);
    return server;
  });
}

/** The lowest priority first; of equal ones, each as often in front as its weight says (RFC 2782). */
function inOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight);
  const order: SrvRecord[] = [];
  while (left.length > 0) {
    const equals = left.filter(({ priority }) => priority === left[0].priority);
    const total = equals.reduce((sum, { weight }) => sum + weight, 0);
    let rest = random() * total;
    const at = equals.findIndex(({ weight }) => {
      rest -= weight;
      return rest < 0;
    });
    order.push(...left.splice(Math.max(at, 0), 1));
  }
  return order;
}
