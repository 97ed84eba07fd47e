"""Messages that are published at once arrive in order, as long as they are wanted."""
from connection import TOPIC, Connection

subscriber = Connection("subscriber")
publisher = Connection("publisher")
subscriber.open()
publisher.open()
for granted in (0, 1, 2):
    base = f"{TOPIC}/qos{granted}"
    assert subscriber.subscribe(f"{base}/+", granted) == granted
    texts = [str(i).encode() for i in range(500)]
    sent = [publisher.client.publish(f"{base}/many", text, 2) for text in texts]
    for text in texts:
        subscriber.expect(f"{base}/many", text, granted)
    for each in sent:
        each.wait_for_publish(15)
    subscriber.unsubscribe(f"{base}/+")
    publisher.publish(f"{base}/after", b"nobody gets it", 1)
publisher.close()
subscriber.close()
