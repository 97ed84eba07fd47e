// temp/celsius in, temp/fahrenheit and temp/kelvin out, on an ESP32 with the library PubSubClient.
#include <PubSubClient.h>
#include <WiFi.h>

const char *NETWORK = "network";
const char *PASSWORD = "password";
const char *HOST = "192.168.1.10";

WiFiClient network;
PubSubClient client(network);

void publish(const char *topic, double value) {
  char text[32];
  snprintf(text, sizeof text, "%g", value);
  client.publish(topic, text);
}

void convert(char *topic, byte *payload, unsigned int length) {
  char text[32] = "";
  memcpy(text, payload, min(length, (unsigned int)sizeof text - 1));
  double celsius = atof(text);
  publish("temp/fahrenheit", celsius * 1.8 + 32);
  publish("temp/kelvin", celsius + 273.15);
}

void setup() {
  WiFi.begin(NETWORK, PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(100);
  client.setServer(HOST, 1883);
  client.setCallback(convert);
}

void loop() {
  if (!client.connected()) {
    if (client.connect("converter")) client.subscribe("temp/celsius");
    else delay(1000);
  }
  client.loop();
}
