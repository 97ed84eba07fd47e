import type { Broker } from './core/broker.js';

/** Where Mosquitto publishes it, too. */
const TOPIC = '$SYS/broker/publish/messages/dropped';

/**
 * Publishes, retained, how many messages were kept from clients since the broker started: each time that it looks and
 * finds another number. The function that is returned ends it.
 */
export function publishDrops(broker: Pick<Broker, 'counters' | 'publish'>, intervalMs: number): () => void {
  let published = 0;
  const timer = setInterval(() => {
    const { publishDropped } = broker.counters;
    if (publishDropped === published) return;
    const done = (): void => {
      published = publishDropped;
    };
    // While the store takes nothing new it is refused, and tried again.
    broker.publish(TOPIC, String(publishDropped), { retain: true }).then(done, () => {});
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
