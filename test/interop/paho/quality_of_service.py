"""Messages arrive as they were published, with the lower QoS of publication and subscription."""
from connection import TOPIC, Connection

subscriber = Connection("subscriber")
publisher = Connection("publisher")
subscriber.open()
publisher.open()
for granted in (0, 1, 2):
    base = f"{TOPIC}/qos{granted}"
    assert subscriber.subscribe(f"{base}/+", granted) == granted
    for qos in (0, 1, 2):
        topic = f"{base}/größe"
        for payload in ("grüße".encode(), b"", bytes(range(256))):
            publisher.publish(topic, payload, qos)
            subscriber.expect(topic, payload, min(qos, granted))
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
