import paho.mqtt.client as mqtt


def on_connect(client, userdata, flags, reason_code):
    client.subscribe("garden/#", qos=1)
    client.publish("garden/temperature", "21.5", qos=1)


def on_message(client, userdata, message):
    print(message.topic, message.payload.decode())
    client.disconnect()


client = mqtt.Client()
client.on_connect = on_connect
client.on_message = on_message
client.connect("localhost", 1883)
client.loop_forever()
