"""A retained message waits for subscribers, is replaced, and is cleared by an empty one."""
from connection import TOPIC, Connection

topic = f"{TOPIC}/retained"
publisher = Connection("publisher")
publisher.open()
for text in (b"old", b"new"):
    publisher.publish(topic, text, 1, retain=True)
late = Connection("late")
late.open()
late.subscribe(f"{TOPIC}/retained/#", 2)
late.expect(topic, b"new", 1, retain=True)
publisher.publish(topic, b"", 1, retain=True)
late.expect(topic, b"", 1)
late.close()
later = Connection("later")
later.open()
later.subscribe(topic, 1)
publisher.publish(topic, b"live", 1)
later.expect(topic, b"live", 1)
later.close()
publisher.close()
