"""The will is published when the connection breaks, not when the client leaves."""
from connection import TOPIC, Connection


def will(of):
    return {"topic": f"{TOPIC}/will/{of}", "payload": "gone", "qos": 2, "retain": True}


watcher = Connection("watcher")
watcher.open()
watcher.subscribe(f"{TOPIC}/will/+", 2)
leaving = Connection("leaving", will=will("left"))
leaving.open()
leaving.close()
dying = Connection("dying", will=will("died"))
dying.open()
dying.abandon()
watcher.expect(f"{TOPIC}/will/died", b"gone", 2)
late = Connection("late")
late.open()
late.subscribe(f"{TOPIC}/will/+", 2)
late.expect(f"{TOPIC}/will/died", b"gone", 2, retain=True)
late.close()
watcher.close()
