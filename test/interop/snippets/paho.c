#include <MQTTClient.h>
#include <stdio.h>

int main(void) {
    MQTTClient client;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_message *message = NULL;
    char *topic = NULL;
    int topic_length;

    MQTTClient_create(&client, "tcp://localhost:1883", "gardener", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    int result = MQTTClient_connect(client, &options);
    if (result != MQTTCLIENT_SUCCESS) {
        fprintf(stderr, "%s\n", MQTTClient_strerror(result));
        return 1;
    }
    MQTTClient_subscribe(client, "garden/#", 1);
    MQTTClient_publish(client, "garden/temperature", 4, "21.5", 1, 0, NULL);
    MQTTClient_receive(client, &topic, &topic_length, &message, 5000);
    if (message != NULL) {
        printf("%s %.*s\n", topic, message->payloadlen, (char *)message->payload);
        MQTTClient_free(topic);
        MQTTClient_freeMessage(&message);
    }
    MQTTClient_disconnect(client, 1000);
    MQTTClient_destroy(&client);
    return 0;
}
