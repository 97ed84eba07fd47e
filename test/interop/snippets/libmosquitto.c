#include <mosquitto.h>
#include <stdio.h>

static void on_connect(struct mosquitto *client, void *context, int result) {
    if (result != 0) fprintf(stderr, "%s\n", mosquitto_connack_string(result));
    mosquitto_subscribe(client, NULL, "garden/#", 1);
    mosquitto_publish(client, NULL, "garden/temperature", 4, "21.5", 1, false);
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    printf("%s %.*s\n", message->topic, message->payloadlen, (char *)message->payload);
    mosquitto_disconnect(client);
}

int main(void) {
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_message_callback_set(client, on_message);
    int result = mosquitto_connect(client, "localhost", 1883, 60);
    if (result == MOSQ_ERR_SUCCESS) result = mosquitto_loop_forever(client, -1, 1);
    if (result != MOSQ_ERR_SUCCESS) fprintf(stderr, "%s\n", mosquitto_strerror(result));
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    return result;
}
