"""A kept session gets what came after its connection broke, in order."""
from connection import TOPIC, VERSION, Connection

publisher = Connection("publisher")
publisher.open()
for qos in (1, 2):
    topic = f"{TOPIC}/{qos}"
    before = Connection(f"kept-{qos}", clean=False)
    assert not before.open()
    before.subscribe(topic, qos)
    before.abandon()
    texts = [f"text {i}".encode() for i in range(100)]
    for text in texts:
        publisher.publish(topic, text, qos)
    again = Connection(f"kept-{qos}", clean=False)
    assert again.open() or VERSION == 3  # 3.1 does not say
    for text in texts:
        again.expect(topic, text, qos)
    again.close()
publisher.close()
