"""A paho client whose events can be waited for. A scenario is called with port, MQTT version (3, 4, 5) and transport."""
import pathlib
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PORT = int(sys.argv[1])
VERSION = int(sys.argv[2])
TRANSPORT = sys.argv[3]
SCENARIO = pathlib.Path(sys.argv[0]).stem
# Below it, scenarios that run at the same time do not meet.
TOPIC = f"paho/{VERSION}/{TRANSPORT}/{SCENARIO}"

TIMEOUT_S = 15


class Connection:
    def __init__(self, name, clean=True, transport=TRANSPORT):
        client_id = f"{SCENARIO}-{VERSION}-{transport}-{name}"
        self.messages = queue.Queue()
        self._clean = clean
        self._events = {kind: queue.Queue() for kind in ("connect", "disconnect", "subscribe", "unsubscribe")}
        clean_session = {} if VERSION == 5 else {"clean_session": clean}
        self.client = mqtt.Client(client_id, protocol=VERSION, transport=transport, **clean_session)
        self.client.on_message = lambda _client, _data, message: self.messages.put(message)
        self.client.on_connect = self._put("connect")
        self.client.on_disconnect = self._put("disconnect")
        self.client.on_subscribe = self._put("subscribe")
        self.client.on_unsubscribe = self._put("unsubscribe")

    def _put(self, kind):
        return lambda _client, _data, *details: self._events[kind].put(details)

    def open(self):
        """Connects. Returns whether the broker has kept the session."""
        options = {}
        if VERSION == 5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if self._clean else 3600
            options = {"clean_start": self._clean, "properties": properties}
        self.client.connect("127.0.0.1", PORT, **options)
        self.client.loop_start()
        flags, code = self._events["connect"].get(timeout=TIMEOUT_S)[:2]
        assert code == 0, code
        return flags["session present"] == 1

    def subscribe(self, topic, qos):
        """Returns what the broker has granted."""
        self.client.subscribe(topic, qos)
        granted = self._events["subscribe"].get(timeout=TIMEOUT_S)[1][0]
        return granted.value if VERSION == 5 else granted

    def unsubscribe(self, topic):
        self.client.unsubscribe(topic)
        self._events["unsubscribe"].get(timeout=TIMEOUT_S)

    def publish(self, topic, payload, qos):
        """Returns when the QoS is fulfilled."""
        published = self.client.publish(topic, payload, qos)
        published.wait_for_publish(TIMEOUT_S)
        assert published.is_published(), topic

    def message(self):
        return self.messages.get(timeout=TIMEOUT_S)

    def expect(self, topic, payload, qos):
        message = self.message()
        seen = (message.topic, message.payload, message.qos)
        assert seen == (topic, payload, qos), seen

    def close(self):
        self.client.disconnect()
        self._events["disconnect"].get(timeout=TIMEOUT_S)
        self.client.loop_stop()
        assert self.messages.empty(), self.messages.get().payload

    def abandon(self):
        """Ends the network connection without a word."""
        self.client.loop_stop()
        self.client.socket().close()
