"""A second client with the same id takes over: the first one is disconnected, and told so with MQTT 5."""
from connection import TOPIC, VERSION, Connection

first = Connection("twin")
first.open()
second = Connection("twin")
second.open()
reason = first.disconnected()
if VERSION == 5:
    assert reason == 0x8E, reason
second.subscribe(TOPIC, 1)
second.publish(TOPIC, b"still here", 1)
second.expect(TOPIC, b"still here", 1)
second.close()
