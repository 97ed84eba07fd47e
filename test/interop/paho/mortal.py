"""Connects with a will for the topic that is its last argument, and waits to be killed."""
import signal
import sys

from connection import Connection

Connection("mortal", will={"topic": sys.argv[-1], "payload": "gone", "qos": 2, "retain": True}).open()
print("connected", flush=True)
signal.pause()
