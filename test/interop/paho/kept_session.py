"""A kept session gets what came while its client was away, in order, also after a broken connection."""
from connection import TOPIC, VERSION, Connection

publisher = Connection("publisher")
publisher.open()
for qos in (1, 2):
    topic = f"{TOPIC}/kept/{qos}"
    for leave in (Connection.close, Connection.abandon):
        name = f"kept-{qos}-{leave.__name__}"
        before = Connection(name, clean=False)
        assert not before.open()
        before.subscribe(topic, qos)
        leave(before)
        texts = [f"text {i}".encode() for i in range(100)]
        for text in texts:
            publisher.publish(topic, text, qos)
        again = Connection(name, clean=False)
        assert again.open() or VERSION == 3  # 3.1 does not say
        for text in texts:
            again.expect(topic, text, qos)
        again.close()
        Connection(name, clean=True).open()  # ends the session
publisher.close()
