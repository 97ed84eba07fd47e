/* temp/celsius in, temp/fahrenheit and temp/kelvin out: cc -o converter converter.c -lmosquitto; converter [HOST [PORT]] */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>

static void on_connect(struct mosquitto *client, void *context, int result) {
    if (result == 0) mosquitto_subscribe(client, NULL, "temp/celsius", 0);
}

static void publish(struct mosquitto *client, const char *topic, double value) {
    char text[32];
    mosquitto_publish(client, NULL, topic, snprintf(text, sizeof text, "%g", value), text, 0, false);
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    /* The library puts a null character behind each payload. */
    double celsius = message->payloadlen > 0 ? atof(message->payload) : 0;
    publish(client, "temp/fahrenheit", celsius * 1.8 + 32);
    publish(client, "temp/kelvin", celsius + 273.15);
}

int main(int argc, char *argv[]) {
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_message_callback_set(client, on_message);
    int result = mosquitto_connect(client, argc > 1 ? argv[1] : "localhost", argc > 2 ? atoi(argv[2]) : 1883, 60);
    if (result == MOSQ_ERR_SUCCESS) result = mosquitto_loop_forever(client, -1, 1);
    fprintf(stderr, "%s\n", mosquitto_strerror(result));
    return 1;
}
