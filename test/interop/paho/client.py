"""Paho for Python, made usable by lines of text: client.py HOST PORT VERSION CLIENT_ID. The lines: ../line-client.ts"""
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

HOST, PORT, VERSION, CLIENT_ID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
TIMEOUT_S = 15
KEPT_S = 3600
PROPERTY_NAMES = {3: "ContentType", 8: "ResponseTopic", 9: "CorrelationData", 38: "UserProperty"}


def tell(*words):
    """Prints a line in one piece: two threads do so."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def new_client(clean, transport, ca_file):
    version = {"protocol": VERSION} if VERSION == 5 else {"protocol": VERSION, "clean_session": clean}
    client = mqtt.Client(CLIENT_ID, transport="websockets" if transport == "ws" else "tcp", **version)
    if transport == "tls":
        client.tls_set(ca_file)
    client.on_connect = on_connect
    client.on_disconnect = on_disconnect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    return client


def connect(client, clean):
    options = {}
    if VERSION == 5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else KEPT_S
        options = {"clean_start": clean, "properties": properties}
    client.connect(HOST, PORT, **options)
    client.loop_start()


def on_connect(_client, _data, flags, code, *_properties):
    tell("connected", flags["session present"]) if code == 0 else tell("refused", code)


def on_disconnect(client, _data, code, *_properties):
    if code == 0:
        tell("disconnected")
    else:
        client.disconnect()  # it would connect again
        tell("lost")


def on_subscribe(_client, _data, _mid, granted, *_properties):
    tell("subscribed", granted[0].value if VERSION == 5 else granted[0])


def on_message(_client, _data, message):
    if VERSION == 5:
        for identifier, name in PROPERTY_NAMES.items():
            value = getattr(message.properties, name, None)
            if name == "UserProperty":
                for pair in value or []:
                    tell("property", identifier, *pair)
            elif value is not None:
                tell("property", identifier, value.decode() if isinstance(value, bytes) else value)
    tell("received", message.topic, message.qos, int(message.retain), message.payload.decode())


def add_property(properties, identifier, value):
    name = PROPERTY_NAMES[identifier]
    if name == "UserProperty":
        value = tuple(value.split(" ", 1))
    setattr(properties, name, value.encode() if name == "CorrelationData" else value)


def main():
    client, will = None, None
    properties = Properties(PacketTypes.PUBLISH)
    for line in sys.stdin:
        command, _, rest = line.rstrip("\n").partition(" ")
        if command == "will":
            topic, qos, retain, text = rest.split(" ", 3)
            will = {"topic": topic, "payload": text, "qos": int(qos), "retain": retain == "1"}
        elif command == "connect":
            clean, transport, ca_file = rest.split(" ", 2)
            client = new_client(clean == "1", transport, ca_file)
            if will is not None:
                client.will_set(**will)
            connect(client, clean == "1")
        elif command == "subscribe":
            topic, qos = rest.rsplit(" ", 1)
            client.subscribe(topic, int(qos))
        elif command == "property":
            identifier, value = rest.split(" ", 1)
            add_property(properties, int(identifier), value)
        elif command == "publish":
            topic, qos, retain, text = rest.split(" ", 3)
            published = client.publish(topic, text, int(qos), retain == "1", properties if VERSION == 5 else None)
            published.wait_for_publish(TIMEOUT_S)
            if published.is_published():
                tell("published")
            properties = Properties(PacketTypes.PUBLISH)
        elif command == "disconnect":
            client.disconnect()
            client.loop_stop()
            return


main()
