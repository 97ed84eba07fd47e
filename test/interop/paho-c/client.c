/* Paho C, made usable by lines of text: client HOST PORT VERSION CLIENT_ID. The lines: ../line-client.ts */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define NAME_LENGTH 256

static void check(int code, const char *what) {
    if (code == MQTTCLIENT_SUCCESS) return;
    fprintf(stderr, "%s: %s (%d)\n", what, MQTTClient_strerror(code), code);
    exit(1);
}

static void print_property(const MQTTProperty *property) {
    int identifier = property->identifier;
    MQTTLenString data = property->value.data, value = property->value.value;
    if (identifier != MQTTPROPERTY_CODE_USER_PROPERTY) printf("property %d %.*s\n", identifier, data.len, data.data);
    else printf("property %d %.*s %.*s\n", identifier, data.len, data.data, value.len, value.data);
}

/* Called in a thread of the library. Returns that the message is done with. */
static int on_message(void *context, char *topic, int topic_length, MQTTClient_message *message) {
    (void)context;
    (void)topic_length;
    for (int i = 0; i < message->properties.count; i++) print_property(&message->properties.array[i]);
    printf("received %s %d %d %.*s\n", topic, message->qos, message->retained, message->payloadlen,
           (char *)message->payload);
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

/* The same, for QoS 1 and 2. */
static void on_delivered(void *context, MQTTClient_deliveryToken token) {
    (void)context;
    (void)token;
    puts("published");
}

static void on_connection_lost(void *context, char *cause) {
    (void)context;
    (void)cause;
    puts("lost");
}

static int connect_client(MQTTClient client, int version, int clean, char *ca_file, MQTTClient_willOptions *will) {
    MQTTClient_connectOptions three = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions five = MQTTClient_connectOptions_initializer5;
    MQTTClient_connectOptions options = version == 5 ? five : three;
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    options.MQTTVersion = version;
    options.will = will;
    if (ca_file[0] != '\0') {
        tls.trustStore = ca_file;
        tls.verify = 1;
        options.ssl = &tls;
    }
    if (version < 5) {
        options.cleansession = clean;
        check(MQTTClient_connect(client, &options), "connect");
    } else {
        MQTTProperties properties = MQTTProperties_initializer;
        MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 3600};
        if (!clean) MQTTProperties_add(&properties, &expiry);
        options.cleanstart = clean;
        MQTTResponse response = MQTTClient_connect5(client, &options, &properties, NULL);
        check(response.reasonCode, "connect");
        MQTTResponse_free(response);
        MQTTProperties_free(&properties);
    }
    return options.returned.sessionPresent;
}

static void publish(MQTTClient client, const char *topic, int qos, int retain, char *text, MQTTProperties *properties) {
    MQTTClient_message message = MQTTClient_message_initializer;
    message.payload = text;
    message.payloadlen = (int)strlen(text);
    message.qos = qos;
    message.retained = retain;
    message.properties = *properties;
    MQTTResponse response = MQTTClient_publishMessage5(client, topic, &message, NULL);
    check(response.reasonCode, "publish");
    MQTTResponse_free(response);
    if (qos == 0) puts("published");
}

static void add_property(MQTTProperties *properties, int identifier, char *value) {
    MQTTProperty property = {.identifier = identifier};
    if (identifier == MQTTPROPERTY_CODE_USER_PROPERTY) {
        char *name = strsep(&value, " ");
        property.value.data = (MQTTLenString){.len = (int)strlen(name), .data = name};
        property.value.value = (MQTTLenString){.len = (int)strlen(value), .data = value};
    } else {
        property.value.data = (MQTTLenString){.len = (int)strlen(value), .data = value};
    }
    MQTTProperties_add(properties, &property);
}

int main(int argc, char *argv[]) {
    if (argc != 5) return 2;
    const int version = atoi(argv[3]);
    char *line = NULL, will_text[NAME_LENGTH] = "", will_topic[NAME_LENGTH] = "";
    size_t capacity = 0;
    MQTTClient client = NULL;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    setvbuf(stdout, NULL, _IOLBF, 0);

    while (getline(&line, &capacity, stdin) > 0) {
        char name[NAME_LENGTH], other[NAME_LENGTH] = "";
        int number, flag, text = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "will %255s %d %d%n", will_topic, &will.qos, &will.retained, &text) == 3) {
            snprintf(will_text, sizeof will_text, "%s", line + text + 1);
            will.topicName = will_topic;
            will.message = will_text;
        } else if (sscanf(line, "connect %d %255s %255s", &flag, name, other) >= 2) {
            char uri[3 * NAME_LENGTH];
            const char *scheme = strcmp(name, "tls") == 0 ? "ssl" : name;
            MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
            options.MQTTVersion = version;
            snprintf(uri, sizeof uri, "%s://%s:%s", scheme, argv[1], argv[2]);
            check(MQTTClient_createWithOptions(&client, uri, argv[4], MQTTCLIENT_PERSISTENCE_NONE, NULL, &options),
                  "create");
            check(MQTTClient_setCallbacks(client, NULL, on_connection_lost, on_message, on_delivered), "create");
            int present = connect_client(client, version, flag, other, will_topic[0] == '\0' ? NULL : &will);
            /* Paho C 1.3 knows it with 3.1.1 only. */
            if (version == 4) printf("connected %d\n", present);
            else puts("connected -");
        } else if (sscanf(line, "subscribe %255s %d", name, &number) == 2) {
            MQTTResponse response = MQTTClient_subscribe5(client, name, number, NULL, NULL);
            /* With 5.0 the reason code is the QoS; with 3.1.1 there is no more than success or failure. */
            if (version == 5) printf("subscribed %d\n", response.reasonCode);
            else puts(response.reasonCode == MQTTCLIENT_SUCCESS ? "subscribed -" : "subscribed 128");
            MQTTResponse_free(response);
        } else if (sscanf(line, "property %d%n", &number, &text) == 1) {
            add_property(&properties, number, line + text + 1);
        } else if (sscanf(line, "publish %255s %d %d%n", name, &number, &flag, &text) == 3) {
            publish(client, name, number, flag, line + text + 1, &properties);
            MQTTProperties_free(&properties);
            properties = (MQTTProperties)MQTTProperties_initializer;
        } else if (strncmp(line, "disconnect", 10) == 0) {
            check(MQTTClient_disconnect(client, TIMEOUT_MS), "disconnect");
            puts("disconnected");
            break;
        }
    }
    MQTTClient_destroy(&client);
    free(line);
    return 0;
}
