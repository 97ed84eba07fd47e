"""10 MB arrive whole."""
import hashlib

from connection import TOPIC, TRANSPORT, Connection

payload = hashlib.shake_256(b"payload").digest(10_000_000)
subscriber = Connection("subscriber")
subscriber.open()
subscriber.subscribe(f"{TOPIC}/large", 2)
# Over WebSocket, paho 1.6 cannot send what the socket does not take at once.
publisher = Connection(f"publisher-to-{TRANSPORT}", transport="tcp")
publisher.open()
for qos in (0, 1, 2):
    publisher.publish(f"{TOPIC}/large", payload, qos)
    message = subscriber.message()
    assert message.qos == qos
    assert message.payload == payload, len(message.payload)
if TRANSPORT == "websockets":
    subscriber.publish(f"{TOPIC}/large", payload[:1_000_000], 2)
    assert subscriber.message().payload == payload[:1_000_000]
publisher.close()
subscriber.close()
