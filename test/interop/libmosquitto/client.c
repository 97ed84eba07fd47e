/* libmosquitto, made usable by lines of text: client HOST PORT VERSION CLIENT_ID. The lines: ../line-client.ts */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_ALIVE_S 60
#define NAME_LENGTH 256

static void check(int code, const char *what) {
    if (code == MOSQ_ERR_SUCCESS) return;
    fprintf(stderr, "%s: %s\n", what, mosquitto_strerror(code));
    exit(1);
}

/* What follows is called in the thread of mosquitto_loop_start. */

static void on_connect(struct mosquitto *client, void *context, int reason, int flags, const mosquitto_property *props) {
    (void)client;
    (void)context;
    (void)props;
    if (reason == 0) printf("connected %d\n", flags & 1);
    else fprintf(stderr, "connect: %d\n", reason);
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *granted) {
    (void)client;
    (void)context;
    (void)id;
    for (int i = 0; i < count; i++) printf("subscribed %d\n", granted[i]);
}

static void on_publish(struct mosquitto *client, void *context, int id) {
    (void)client;
    (void)context;
    (void)id;
    puts("published");
}

static void print_property(const mosquitto_property *property) {
    int identifier = mosquitto_property_identifier(property);
    char *name = NULL, *value = NULL;
    uint16_t length = 0;
    if (identifier == MQTT_PROP_USER_PROPERTY) {
        mosquitto_property_read_string_pair(property, identifier, &name, &value, false);
        printf("property %d %s %s\n", identifier, name, value);
    } else if (identifier == MQTT_PROP_CORRELATION_DATA) {
        mosquitto_property_read_binary(property, identifier, (void **)&value, &length, false);
        printf("property %d %.*s\n", identifier, length, value);
    } else {
        mosquitto_property_read_string(property, identifier, &value, false);
        printf("property %d %s\n", identifier, value);
    }
    free(name);
    free(value);
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message,
                       const mosquitto_property *properties) {
    (void)client;
    (void)context;
    for (; properties != NULL; properties = mosquitto_property_next(properties)) print_property(properties);
    printf("received %s %d %d %.*s\n", message->topic, message->qos, message->retain, message->payloadlen,
           (char *)message->payload);
}

static void on_disconnect(struct mosquitto *client, void *context, int reason) {
    (void)context;
    if (reason == 0) return; /* we wanted it */
    puts("lost");
    mosquitto_disconnect(client); /* else it would connect again */
}

static void connect_client(struct mosquitto *client, const char *host, int port, bool keep, const char *ca_file) {
    mosquitto_property *properties = NULL;
    if (ca_file[0] != '\0') check(mosquitto_tls_set(client, ca_file, NULL, NULL, NULL, NULL), "connect");
    if (keep) check(mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 3600), "connect");
    check(mosquitto_connect_bind_v5(client, host, port, KEEP_ALIVE_S, NULL, properties), "connect");
    check(mosquitto_loop_start(client), "connect");
    mosquitto_property_free_all(&properties);
}

static void add_property(mosquitto_property **properties, int identifier, char *value) {
    if (identifier == MQTT_PROP_USER_PROPERTY) {
        char *name = strsep(&value, " ");
        check(mosquitto_property_add_string_pair(properties, identifier, name, value), "property");
    } else if (identifier == MQTT_PROP_CORRELATION_DATA) {
        check(mosquitto_property_add_binary(properties, identifier, value, (uint16_t)strlen(value)), "property");
    } else {
        check(mosquitto_property_add_string(properties, identifier, value), "property");
    }
}

static struct mosquitto *create_client(const char *client_id, int version, bool clean) {
    struct mosquitto *client = mosquitto_new(client_id, clean, NULL);
    if (client == NULL) exit(1);
    check(mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, version), "create");
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_disconnect_callback_set(client, on_disconnect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_publish_callback_set(client, on_publish);
    mosquitto_message_v5_callback_set(client, on_message);
    return client;
}

int main(int argc, char *argv[]) {
    if (argc != 5) return 2;
    const int version = atoi(argv[3]);
    char *line = NULL, *will_text = NULL, will_topic[NAME_LENGTH] = "";
    int will_qos = 0, will_retain = 0;
    size_t capacity = 0;
    struct mosquitto *client = NULL;
    mosquitto_property *properties = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    mosquitto_lib_init();

    while (getline(&line, &capacity, stdin) > 0) {
        char name[NAME_LENGTH], other[NAME_LENGTH] = "";
        int number, flag, text = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "will %255s %d %d%n", will_topic, &will_qos, &will_retain, &text) == 3) {
            will_text = strdup(line + text + 1);
        } else if (sscanf(line, "connect %d %255s %255s", &flag, name, other) >= 2) {
            client = create_client(argv[4], version, flag);
            if (will_text != NULL) {
                check(mosquitto_will_set(client, will_topic, (int)strlen(will_text), will_text, will_qos, will_retain),
                      "will");
            }
            connect_client(client, argv[1], atoi(argv[2]), version == 5 && !flag, other);
        } else if (sscanf(line, "subscribe %255s %d", name, &number) == 2) {
            check(mosquitto_subscribe(client, NULL, name, number), "subscribe");
        } else if (sscanf(line, "property %d%n", &number, &text) == 1) {
            add_property(&properties, number, line + text + 1);
        } else if (sscanf(line, "publish %255s %d %d%n", name, &number, &flag, &text) == 3) {
            const char *payload = line + text + 1;
            check(mosquitto_publish_v5(client, NULL, name, (int)strlen(payload), payload, number, flag, properties),
                  "publish");
            mosquitto_property_free_all(&properties);
        } else if (strncmp(line, "disconnect", 10) == 0) {
            check(mosquitto_disconnect(client), "disconnect");
            check(mosquitto_loop_stop(client, false), "disconnect");
            puts("disconnected");
            break;
        }
    }
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    free(will_text);
    free(line);
    return 0;
}
