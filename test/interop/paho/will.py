"""The will is published when the program is killed, not when the client leaves."""
import pathlib
import subprocess
import sys

from connection import TOPIC, Connection

MORTAL = str(pathlib.Path(__file__).with_name("mortal.py"))

watcher = Connection("watcher")
watcher.open()
watcher.subscribe(f"{TOPIC}/+", 2)
leaving = Connection("leaving", will={"topic": f"{TOPIC}/left", "payload": "gone", "qos": 2})
leaving.open()
leaving.close()
mortal = subprocess.Popen(
    [sys.executable, "-B", MORTAL, *sys.argv[1:], f"{TOPIC}/killed"], stdout=subprocess.PIPE, text=True
)
assert mortal.stdout.readline() == "connected\n"
mortal.kill()
mortal.wait()
watcher.expect(f"{TOPIC}/killed", b"gone", 2)
late = Connection("late")
late.open()
late.subscribe(f"{TOPIC}/+", 2)
late.expect(f"{TOPIC}/killed", b"gone", 2, retain=True)
late.close()
watcher.close()
