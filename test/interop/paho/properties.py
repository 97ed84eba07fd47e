"""MQTT 5: properties arrive as they were published."""
from connection import TOPIC, Connection, PacketTypes, Properties

client = Connection("properties")
client.open()
client.subscribe(f"{TOPIC}/properties", 1)
sent = Properties(PacketTypes.PUBLISH)
sent.PayloadFormatIndicator = 1
sent.MessageExpiryInterval = 300
sent.ContentType = "text/plain"
sent.ResponseTopic = "answers"
sent.CorrelationData = bytes([0, 1, 255])
sent.UserProperty = [("colour", "grün"), ("colour", "blau")]
client.publish(f"{TOPIC}/properties", b"text", 1, properties=sent)
received = client.message().properties
assert received.json() == sent.json(), received.json()
client.close()
