# temp/celsius in, temp/fahrenheit and temp/kelvin out: converter.py [HOST [PORT]]
import sys
from paho.mqtt import subscribe


def convert(client, userdata, message):
    celsius = float(message.payload)
    client.publish("temp/fahrenheit", f"{celsius * 1.8 + 32:g}")
    client.publish("temp/kelvin", f"{celsius + 273.15:g}")


host, port = (sys.argv[1:] + ["localhost", "1883"][len(sys.argv) - 1 :])[:2]
subscribe.callback(convert, "temp/celsius", hostname=host, port=int(port))
