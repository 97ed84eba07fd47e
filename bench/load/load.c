/*
 * load: the MQTT load generator of `npm run bench`.
 *
 * One thread and one epoll set, so that it costs far less CPU than the broker that it drives. Loopback only. Everything
 * that comes back is checked: a broker that sends a wrong packet, refuses something or closes a connection ends the run
 * with a message that quotes what it answered.
 *
 *   cc -O2 -DWITH_TLS -o load load.c link.c -lssl -lcrypto && ./load --help
 *
 * How the load is bounded:
 *   --rate N       N messages a second in all, each sent alone and on time; publishers take turns.
 *   QoS 1 and 2    every publisher keeps --window messages unacknowledged.
 *   QoS 0          a flood, but a closed loop: publishers stop while --undelivered deliveries are missing. So a broker
 *                  that drops under overload is measured by what it delivers. --open takes the bound away.
 *   mixed          the same bound, but publishers take turns, and each has one message under way at most.
 * A publisher hands over its messages in batches (see build_batch), so the bound may be passed by one batch each.
 *
 * One run: connect everybody, warm up, measure, stop publishing, wait for what is still on its way. The last step tells
 * a late message from a lost one. One JSON line on stdout reports the measured window, except `lost`, which counts
 * the whole run.
 *
 * With --count the run is as long as so many messages take, and all of it is measured. Queues are measured with two such
 * runs: the first with --away fills the sessions of subscribers that left, the second with --return empties them, and
 * checks that nothing is missing, there twice or out of order.
 *
 * With --steps whoever started us says when to go on between the parts of a run, because it looks at the broker there:
 * each part ends with a JSON line, and the next begins with a line on stdin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "failure.h"
#include "link.h"

/* ---- Options ---------------------------------------------------------------------------------------------------- */

enum shape { PAIR, FANOUT, FANIN, IDLE, MIXED, SPREAD, SITE, STORM };
static const char *const shape_names[] = {"pair", "fanout", "fanin", "idle", "mixed", "spread", "site", "storm"};

#define MAX_PAYLOAD (1 << 20)
#define MAX_TOPICS 10000 /* a topic of many ends in four digits */
#define MAX_FILTERS 1000 /* of a subscriber that is spread: three digits */
#define MAX_SPREAD 100000
#define MAX_ACTIVE 4
#define SPREAD_PREFIX (sizeof "bench/00000/" - 1)
#define SITES 1000
#define USER_COUNT 1000
#define MIXED_WHOLE 2 /* mixed: subscribers that take everything */
#define MIXED_LEAST 20
#define MIXED_MOST 4096

static struct {
  enum shape shape;
  int port;
  int publishers;
  int subscribers;
  int qos;
  int payload_size;
  int topics;
  int window;
  int undelivered; /* deliveries that may be missing before a QoS 0 flood waits; 0: no bound */
  double rate;     /* messages a second in all; 0: as fast as the broker takes them */
  double seconds;
  double warm_seconds;
  int count;       /* messages in all; 0: --secs decides */
  bool v5;
  bool persistent;
  bool away;
  bool returning;
  bool retain;
  bool users;
  const char *user_domain; /* NULL: names without one */
  bool tls;
  bool websocket;
  bool alias;
  int user_properties;
  int filters;             /* spread: of each subscriber */
  int active[MAX_ACTIVE];  /* spread: how many of all filters get messages, one part of the run after the other */
  int active_count;
  const char *filter;      /* site */
  bool steps;
  int broker_pid; /* 0: the broker's CPU time is not reported */
} options = {
    .port = 1883,
    .publishers = 1,
    .subscribers = 1,
    .payload_size = 64,
    .topics = 1,
    .window = 100,
    .undelivered = 20000,
    .seconds = 5,
    .warm_seconds = 1,
    .filters = 1,
    .filter = "site/#",
};

static const char usage[] =
    "Usage: load [options]\n"
    "  -p, --port N        the broker's port on 127.0.0.1 (1883)\n"
    "  --shape NAME        pair    publisher i -> bench/i -> subscriber i (as many subscribers as publishers)\n"
    "                      fanout  every publisher -> bench/all -> every subscriber\n"
    "                      fanin   publisher i -> bench/i; every subscriber takes bench/#\n"
    "                      idle    --subs clients connect and stay silent for --secs\n"
    "                      mixed   publisher i -> i/0 to i/(--topics - 1), each message alone; a subscriber of +/t for\n"
    "                              each t, and two of #. QoS 0, 1 and 2, 20 B to 4 KB, MQTT 3.1.1 and 5\n"
    "                      spread  --subs clients with --filters different filters each, one in four with +, one in\n"
    "                              four with #; publishers rotate over topics each of which matches one\n"
    "                      site    with --retain and --count: publishers -> site/000/state to site/999/..., each topic\n"
    "                              once; subscribers take --filter\n"
    "                      storm   --subs clients with wills connect, then all of them again while they are connected;\n"
    "                              ends when all are, and a subscriber has all wills\n"
    "  --pubs N --subs N   clients of each kind (1, 1), one of which may be 0 with --count\n"
    "  -q, --qos N         0, 1 or 2, of messages and subscriptions (0)\n"
    "  --size N            payload bytes, up to 1048576 (64); from 8 on a message carries its time\n"
    "  --topics N          each publisher rotates over N topics, subscribers take them with /# (1)\n"
    "  --window N          QoS 1 and 2: unacknowledged messages of each publisher (100)\n"
    "  --rate N            messages a second in all; without it as many as the broker takes\n"
    "  --undelivered N     QoS 0 flood: deliveries that may be missing before publishers wait (20000)\n"
    "  --open              QoS 0 flood: never wait\n"
    "  --secs N --warm N   seconds measured (5), seconds before that (1)\n"
    "  --v5                MQTT 5 without properties; else 3.1.1\n"
    "  --count N           end when N messages are acknowledged, and received unless --away; without publishers,\n"
    "                      when subscribers have N. Or when nothing moved for 10 seconds. Not with QoS 0 or --rate\n"
    "  --persistent        sessions outlive their connections, under client identifiers that are the same in each run;\n"
    "                      they are left behind in the broker\n"
    "  --away              subscribers leave once they have subscribed; with --persistent and --count\n"
    "  --return            subscribers come back to what an earlier run with --away left, instead of subscribing;\n"
    "                      with --persistent, --count and --pubs 0\n"
    "  --retain            messages are retained; with --pubs 0, subscribers count retained messages\n"
    "  --users             client i of each kind is one of the users user0 to user999, whose password is the name\n"
    "  --users-of DOMAIN   the same, as useri@DOMAIN\n"
    "  --tls               TLS 1.3; the certificate is not looked at\n"
    "  --websocket         WebSocket, each packet in a frame of its own\n"
    "  --user-properties N with --v5: N user properties with each message\n"
    "  --alias             with --v5, and one topic each: after the first message its alias stands for the topic\n"
    "  --filters N         spread: filters of each subscriber, up to 1000 (1)\n"
    "  --active A,B...     spread: how many of all filters get messages (all); one measured window for each number\n"
    "  --filter TEXT       site: what subscribers take (site/#)\n"
    "  --steps             spread and storm: waits for a line on stdin after each part of the run\n"
    "  --broker-pid N      report the CPU seconds of this process in the measured window\n"
    "Exit codes: 1 system, 2 usage, 3 the broker refused or closed, 4 the broker broke the protocol,\n"
    "5 --return, and the broker does not know the session.\n";

static double parse_number(const char *name, const char *text, double least, double most) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least && value <= most))
    fail(EXIT_USAGE, "--%s takes a number from %.10g to %.10g, not '%s'", name, least, most, text);
  return value;
}

static int parse_integer(const char *name, const char *text, int least, int most) {
  double value = parse_number(name, text, least, most);
  if (value != (int)value) fail(EXIT_USAGE, "--%s takes a whole number, not '%s'", name, text);
  return (int)value;
}

static enum shape parse_shape(const char *text) {
  for (enum shape shape = PAIR; shape <= STORM; shape++)
    if (strcmp(text, shape_names[shape]) == 0) return shape;
  fail(EXIT_USAGE, "--shape does not take '%s'", text);
}

static void parse_active(char *text) {
  for (char *part = strtok(text, ","); part != NULL; part = strtok(NULL, ",")) {
    if (options.active_count == MAX_ACTIVE) fail(EXIT_USAGE, "--active takes %d numbers at most", MAX_ACTIVE);
    options.active[options.active_count++] = parse_integer("active", part, 1, MAX_SPREAD * MAX_FILTERS);
  }
}

/* Says which options do not go together. */
static void check_options(void) {
  bool counts = options.count > 0;
  if (options.publishers + options.subscribers == 0) fail(EXIT_USAGE, "a load without clients");
  if (counts && (options.shape == IDLE || options.shape >= MIXED) && options.shape != SITE)
    fail(EXIT_USAGE, "--count does not go with this shape");
  if (counts && (options.shape == IDLE || options.rate > 0 || (options.qos == 0 && options.publishers > 0)))
    fail(EXIT_USAGE, "--count goes with messages of QoS 1 and 2, as many as the broker takes");
  if (!counts && options.shape != IDLE && options.shape != STORM && (options.publishers == 0 || options.subscribers == 0))
    fail(EXIT_USAGE, "--pubs 0 and --subs 0 go with --count");
  if (options.away && !(options.persistent && counts && options.publishers > 0))
    fail(EXIT_USAGE, "--away goes with --persistent, --count and publishers");
  if (options.returning && !(options.persistent && counts && options.publishers == 0))
    fail(EXIT_USAGE, "--return goes with --persistent, --count and --pubs 0");
  if (options.tls && options.websocket) fail(EXIT_USAGE, "--tls and --websocket do not go together");
  if (options.away && (options.tls || options.websocket)) fail(EXIT_USAGE, "--away goes with plain TCP");
  if ((options.alias || options.user_properties > 0) && !options.v5) fail(EXIT_USAGE, "properties go with --v5");
  if (options.alias && options.topics > 1) fail(EXIT_USAGE, "--alias goes with one topic");
  if ((options.alias || options.user_properties > 0) && options.shape >= MIXED)
    fail(EXIT_USAGE, "properties do not go with this shape");
  if (options.shape == SITE && !(counts && options.retain)) fail(EXIT_USAGE, "site goes with --retain and --count");
  if (options.shape == SITE && options.count > SITES * 10000) fail(EXIT_USAGE, "site has %d topics", SITES * 10000);
  if (options.shape == SPREAD && (options.qos > 0 || options.subscribers > MAX_SPREAD))
    fail(EXIT_USAGE, "spread goes with QoS 0 and up to %d subscribers", MAX_SPREAD);
  for (int i = 0; i < options.active_count; i++)
    if (options.active[i] > options.subscribers * options.filters)
      fail(EXIT_USAGE, "--active %d is more than there are filters", options.active[i]);
}

static void parse_options(int argc, char **argv) {
  enum { SHAPE = 256, PUBS, SUBS, SIZE, TOPICS, WINDOW, RATE, UNDELIVERED, OPEN, SECS, WARM, COUNT, V5, PERSISTENT, AWAY,
         RETURN, RETAIN, USERS, USERS_OF, TLS, WEBSOCKET, USER_PROPERTIES, ALIAS, FILTERS, ACTIVE, FILTER, STEPS, PID, HELP };
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},
      {"shape", required_argument, NULL, SHAPE},
      {"pubs", required_argument, NULL, PUBS},
      {"subs", required_argument, NULL, SUBS},
      {"qos", required_argument, NULL, 'q'},
      {"size", required_argument, NULL, SIZE},
      {"topics", required_argument, NULL, TOPICS},
      {"window", required_argument, NULL, WINDOW},
      {"rate", required_argument, NULL, RATE},
      {"undelivered", required_argument, NULL, UNDELIVERED},
      {"open", no_argument, NULL, OPEN},
      {"secs", required_argument, NULL, SECS},
      {"warm", required_argument, NULL, WARM},
      {"v5", no_argument, NULL, V5},
      {"count", required_argument, NULL, COUNT},
      {"persistent", no_argument, NULL, PERSISTENT},
      {"away", no_argument, NULL, AWAY},
      {"return", no_argument, NULL, RETURN},
      {"retain", no_argument, NULL, RETAIN},
      {"users", no_argument, NULL, USERS},
      {"users-of", required_argument, NULL, USERS_OF},
      {"tls", no_argument, NULL, TLS},
      {"websocket", no_argument, NULL, WEBSOCKET},
      {"user-properties", required_argument, NULL, USER_PROPERTIES},
      {"alias", no_argument, NULL, ALIAS},
      {"filters", required_argument, NULL, FILTERS},
      {"active", required_argument, NULL, ACTIVE},
      {"filter", required_argument, NULL, FILTER},
      {"steps", no_argument, NULL, STEPS},
      {"broker-pid", required_argument, NULL, PID},
      {"help", no_argument, NULL, HELP},
      {NULL, 0, NULL, 0},
  };
  int name;
  while ((name = getopt_long(argc, argv, "p:q:", names, NULL)) != -1) {
    switch (name) {
      case 'p': options.port = parse_integer("port", optarg, 1, 65535); break;
      case 'q': options.qos = parse_integer("qos", optarg, 0, 2); break;
      case SHAPE: options.shape = parse_shape(optarg); break;
      case PUBS: options.publishers = parse_integer("pubs", optarg, 0, 1000000); break;
      case SUBS: options.subscribers = parse_integer("subs", optarg, 0, 1000000); break;
      case SIZE: options.payload_size = parse_integer("size", optarg, 0, MAX_PAYLOAD); break;
      case TOPICS: options.topics = parse_integer("topics", optarg, 1, MAX_TOPICS); break;
      case WINDOW: options.window = parse_integer("window", optarg, 1, 65535); break;
      case RATE: options.rate = parse_number("rate", optarg, 0.001, 1e8); break;
      case UNDELIVERED: options.undelivered = parse_integer("undelivered", optarg, 1, 1000000000); break;
      case OPEN: options.undelivered = 0; break;
      case SECS: options.seconds = parse_number("secs", optarg, 0.1, 1e6); break;
      case WARM: options.warm_seconds = parse_number("warm", optarg, 0, 1e6); break;
      case V5: options.v5 = true; break;
      case COUNT: options.count = parse_integer("count", optarg, 1, 1000000000); break;
      case PERSISTENT: options.persistent = true; break;
      case AWAY: options.away = true; break;
      case RETURN: options.returning = true; break;
      case RETAIN: options.retain = true; break;
      case USERS: options.users = true; break;
      case USERS_OF: options.users = true; options.user_domain = optarg; break;
      case TLS: options.tls = true; break;
      case WEBSOCKET: options.websocket = true; break;
      case USER_PROPERTIES: options.user_properties = parse_integer("user-properties", optarg, 0, 8); break;
      case ALIAS: options.alias = true; break;
      case FILTERS: options.filters = parse_integer("filters", optarg, 1, MAX_FILTERS); break;
      case ACTIVE: parse_active(optarg); break;
      case FILTER: options.filter = optarg; break;
      case STEPS: options.steps = true; break;
      case PID: options.broker_pid = parse_integer("broker-pid", optarg, 1, 1 << 30); break;
      case HELP: fputs(usage, stdout); exit(0);
      default: fputs(usage, stderr); exit(EXIT_USAGE);
    }
  }
  if (optind < argc) fail(EXIT_USAGE, "unexpected argument '%s'", argv[optind]);
  if (options.shape == PAIR) options.subscribers = options.publishers;
  if (options.shape == IDLE || options.shape == STORM) options.publishers = 0;
  if (options.shape == MIXED) options.subscribers = options.topics + MIXED_WHOLE;
  if (options.shape == SPREAD && options.active_count == 0)
    options.active[options.active_count++] = options.subscribers * options.filters;
  check_options();
}

/* How many deliveries one message causes. Without publishers it is deliveries that are counted. */
static int fan(void) {
  if (options.publishers == 0) return 1;
  if (options.shape == MIXED) return 1 + MIXED_WHOLE;
  return options.shape == PAIR || options.shape == SPREAD ? 1 : options.subscribers;
}

static bool is_flood(void) {
  return options.qos == 0 && options.rate == 0 && options.shape != MIXED;
}

/* A flood is built ahead of time, so its messages cannot say when they left. */
static bool messages_carry_time(void) {
  return options.shape == MIXED || (!is_flood() && options.payload_size >= (int)sizeof(uint64_t));
}

/* QoS 1 and 2: after their time, messages carry their number among those of their publisher. */
static bool messages_carry_number(void) {
  return messages_carry_time() && options.payload_size >= 2 * (int)sizeof(uint64_t);
}

/* ---- Clock and CPU time ----------------------------------------------------------------------------------------- */

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t nanoseconds(double seconds) {
  return (uint64_t)(seconds * 1e9);
}

static double own_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* User and system time of the whole broker process; the kernel counts it in ticks of 10 ms. */
static double broker_cpu_seconds(void) {
  char path[64], text[1024];
  unsigned long user, system;
  snprintf(path, sizeof path, "/proc/%d/stat", options.broker_pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  /* The second field is the program's name in brackets and may hold anything: count from its end. */
  const char *rest = strrchr(text, ')');
  if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    fail(EXIT_SYSTEM, "%s: cannot be read", path);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- Latency: a histogram with buckets 1/32 of their value wide, so memory does not grow with messages ---------- */

#define LATENCY_BUCKETS 1920
static uint64_t latency[LATENCY_BUCKETS];

static unsigned latency_bucket(uint64_t ns) {
  if (ns < 64) return (unsigned)ns;
  unsigned shift = 58u - (unsigned)__builtin_clzll(ns);
  return shift * 32 + (unsigned)(ns >> shift);
}

static double latency_bucket_us(unsigned bucket) {
  if (bucket < 64) return bucket / 1e3;
  unsigned shift = bucket / 32 - 1;
  return ((bucket % 32) + 32.5) * (double)(1ull << shift) / 1e3;
}

/* Prints the latency that the given share of the messages did not pass, or null if nothing was timed. */
static void print_latency(const char *name, double share) {
  uint64_t total = 0, seen = 0;
  for (unsigned i = 0; i < LATENCY_BUCKETS; i++) total += latency[i];
  if (total == 0) {
    printf(",\"%s\":null", name);
    return;
  }
  unsigned bucket = 0;
  while ((seen += latency[bucket]) < (uint64_t)((double)total * share) + 1 && seen < total) bucket++;
  printf(",\"%s\":%.1f", name, latency_bucket_us(bucket));
}

/* ---- State ------------------------------------------------------------------------------------------------------ */

enum role { SUBSCRIBER, PUBLISHER };

/* What a packet identifier is used for. */
enum id_state { ID_FREE, ID_AWAITS_ACK, ID_AWAITS_PUBCOMP, ID_AWAITS_PUBREL };

struct connection {
  struct link link;
  bool is_open;
  bool v5;
  int qos; /* of messages and subscriptions; mixed: the highest of them */
  bool is_left; /* storm: somebody else has its client identifier, so the broker will close it */
  int index; /* among the connections of its role */
  enum role role;
  uint32_t events; /* what epoll watches for */
  bool connected;  /* CONNACK seen */
  bool ready;      /* subscribers: SUBACK seen; others: CONNACK seen */

  uint8_t *tail; /* the incomplete packet at the end of the last read */
  size_t tail_length;
  uint8_t *out; /* what the socket has not taken yet */
  size_t out_length, out_sent, out_capacity;

  /* Packet identifiers: a publisher's own, or those of QoS 2 messages on their way to a subscriber. */
  uint8_t *id_states;
  uint16_t last_id;
  int in_flight;

  /* Publishers: one encoded PUBLISH, and where its changing parts are. */
  uint8_t *frame;
  size_t frame_length, id_at, payload_at, digits_at;
  size_t wire_length; /* of the frame as it travels */
  bool aliased;       /* the alias is known to the broker and stands for the topic */
  uint64_t next_number; /* of the next message */
  int64_t left;         /* messages that may still be sent */
  int next_topic;
  uint32_t chance; /* mixed: decides about QoS and size */
  uint8_t *batch; /* QoS 0 floods: many frames in one piece */
  size_t batch_length, batch_sent;
  bool parked; /* too much is undelivered: waits for unpark() */

  /* Subscribers: what every topic must look like. */
  uint64_t topic_start, topic_mask; /* its first bytes, up to eight */
  size_t topic_length;              /* 0: differs between topics */
  char prefix[16];                  /* spread: what distinguishes its topics from those of others */
  uint64_t *next_numbers;           /* with --return: of the next message of each publisher */
  unsigned publishers_seen;
};

enum phase { SETTING_UP, PUBLISHING, DRAINING };

struct totals {
  uint64_t sent, acked, received, received_bytes;
};

static struct connection *connections;
static int connection_count, ready_count, closed_count, parked_count, epoll;
static enum phase phase = SETTING_UP;
static struct totals totals;
static uint64_t subscribed_ns, last_received_ns; /* of the latest subscription and message */
static int subscriptions_left;                   /* spread: SUBACKs that are still missing */
static uint64_t written_off; /* deliveries that a flood no longer waits for */

static const char *role_name(const struct connection *c) {
  if (options.shape == IDLE || options.shape == STORM) return "client";
  return c->role == PUBLISHER ? "publisher" : "subscriber";
}

/* ---- Output ----------------------------------------------------------------------------------------------------- */

static void receive(struct connection *c);

static void watch(struct connection *c, uint32_t events) {
  if (c->events == events) return;
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(epoll, c->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->link.fd, &event) != 0)
    fail(EXIT_SYSTEM, "epoll_ctl: %s", strerror(errno));
  c->events = events;
}

/* Returns what the socket took; 0 if it is full. */
static size_t write_socket(struct connection *c, const uint8_t *bytes, size_t length) {
  ssize_t taken = link_write(&c->link, bytes, length);
  if (taken >= 0) return (size_t)taken;
  int error = errno;
  receive(c); /* the broker's last words explain more than errno does */
  fail(EXIT_REFUSED, "writing to the broker (%s %d): %s", role_name(c), c->index, strerror(error));
}

/* Takes a whole packet. */
static void append(struct connection *c, const uint8_t *packet, size_t length) {
  size_t most = c->out_length + length + LINK_OVERHEAD;
  if (most > c->out_capacity) {
    c->out_capacity = most * 2;
    c->out = reallocate(c->out, c->out_capacity);
  }
  c->out_length += link_frame(&c->link, c->out + c->out_length, packet, length);
}

/* Returns whether everything has left. */
static bool flush_output(struct connection *c) {
  while (c->out_sent < c->out_length) {
    size_t taken = write_socket(c, c->out + c->out_sent, c->out_length - c->out_sent);
    if (taken == 0) return false;
    c->out_sent += taken;
  }
  c->out_length = c->out_sent = 0;
  return true;
}

/* ---- Packets that we send --------------------------------------------------------------------------------------- */

#define MAX_TOPIC 64

struct packet {
  uint8_t bytes[512];
  size_t length;
};

static size_t put_varint(uint8_t *at, size_t value) {
  size_t length = 0;
  for (; value > 127; value >>= 7) at[length++] = (uint8_t)(value | 128);
  at[length++] = (uint8_t)value;
  return length;
}

static void put_byte(struct packet *packet, unsigned byte) {
  packet->bytes[packet->length++] = (uint8_t)byte;
}

static void put_string(struct packet *packet, const char *text) {
  size_t length = strlen(text);
  put_byte(packet, (unsigned)length >> 8);
  put_byte(packet, (unsigned)length & 255);
  memcpy(packet->bytes + packet->length, text, length);
  packet->length += length;
}

static void append_packet(struct connection *c, uint8_t first_byte, const struct packet *body) {
  uint8_t packet[5 + sizeof body->bytes] = {first_byte};
  size_t length = 1 + put_varint(packet + 1, body->length);
  memcpy(packet + length, body->bytes, body->length);
  append(c, packet, length + body->length);
}

static void append_ack(struct connection *c, uint8_t first_byte, unsigned id) {
  append(c, (uint8_t[]){first_byte, 2, (uint8_t)(id >> 8), (uint8_t)id}, 4);
}

static void append_connect(struct connection *c) {
  const uint32_t session_expiry_s = 3600;
  struct packet body = {.length = 0};
  char client_id[40];
  if (options.persistent) snprintf(client_id, sizeof client_id, "load-%s-%d", role_name(c), c->index);
  else snprintf(client_id, sizeof client_id, "load-%d-%s-%d", (int)getpid(), role_name(c), c->index);
  put_string(&body, "MQTT");
  put_byte(&body, c->v5 ? 5 : 4);
  /* Clean session or start; will; user, password. */
  bool has_will = options.shape == STORM && c != &connections[0];
  put_byte(&body, (options.persistent ? 0 : 2) | (has_will ? 4 : 0) | (options.users ? 0xc0 : 0));
  put_byte(&body, 0);                          /* keep-alive: none, so that an idle connection is silent */
  put_byte(&body, 0);
  if (c->v5 && options.persistent) {
    put_byte(&body, 5);
    put_byte(&body, 0x11);
    for (int shift = 24; shift >= 0; shift -= 8) put_byte(&body, (session_expiry_s >> shift) & 255);
  } else if (c->v5) {
    put_byte(&body, 0);
  }
  put_string(&body, client_id);
  if (has_will) {
    put_string(&body, "bench/will");
    put_string(&body, "gone");
  }
  if (options.users) {
    char user[64];
    const char *domain = options.user_domain;
    snprintf(user, sizeof user, "user%d%s%s", c->index % USER_COUNT, domain ? "@" : "", domain ? domain : "");
    put_string(&body, user);
    put_string(&body, user);
  }
  append_packet(c, 0x10, &body);
}

/* A publisher's topic, or a subscriber's filter. A topic of many ends in four digits, which number_frame() fills in. */
static void write_topic(const struct connection *c, char topic[MAX_TOPIC]) {
  bool subscribes = c->role == SUBSCRIBER;
  if (options.shape == FANIN && subscribes) {
    strcpy(topic, "bench/#");
    return;
  }
  if (options.shape == MIXED) {
    if (c->index < options.topics) snprintf(topic, MAX_TOPIC, "+/%d", c->index);
    else strcpy(topic, "#");
    return;
  }
  if (options.shape == SITE) {
    snprintf(topic, MAX_TOPIC, "%s", subscribes ? options.filter : "site/000/state");
    return;
  }
  if (options.shape == STORM) {
    strcpy(topic, "bench/will");
    return;
  }
  if (options.shape == SPREAD) {
    strcpy(topic, subscribes ? "bench/" : "bench/00000/000/v");
    return;
  }
  int length = options.shape == FANOUT ? sprintf(topic, "bench/all") : sprintf(topic, "bench/%d", c->index);
  if (options.topics > 1) strcpy(topic + length, subscribes ? "/#" : "/0000");
}

/* Notes what every topic of a subscriber must look like. */
static void expect_topics(struct connection *c, const char *filter) {
  size_t length = strlen(filter);
  if (options.shape == MIXED) return; /* what must come is in the payload */
  if (options.shape == SITE || options.shape == SPREAD) length = strcspn(filter, "+#");
  bool wildcard = filter[length - 1] == '#';
  size_t fixed = wildcard ? length - 1 : length;
  if (!wildcard && options.shape != SITE && options.shape != SPREAD) c->topic_length = length;
  else if (options.shape == PAIR || options.shape == FANOUT) c->topic_length = fixed + 4;
  if (fixed > sizeof c->topic_start) fixed = sizeof c->topic_start;
  memcpy(&c->topic_start, filter, fixed);
  memset(&c->topic_mask, 0xff, fixed);
}

static void append_subscribe(struct connection *c, const char *filter) {
  struct packet body = {.length = 0};
  put_byte(&body, 0); /* packet identifier 1 */
  put_byte(&body, 1);
  if (c->v5) put_byte(&body, 0);
  put_string(&body, filter);
  put_byte(&body, (unsigned)c->qos);
  append_packet(c, 0x82, &body);
}

/* The filters of a subscriber that is spread, a few in each SUBSCRIBE; the identifier says which they are. */
#define FILTERS_AT_ONCE 10

static int subscribes_of(int filters) {
  return (filters + FILTERS_AT_ONCE - 1) / FILTERS_AT_ONCE;
}

static int filters_in(unsigned id) {
  int before = (int)(id - 1) * FILTERS_AT_ONCE;
  return options.filters - before < FILTERS_AT_ONCE ? options.filters - before : FILTERS_AT_ONCE;
}

static void append_spread_subscribe(struct connection *c, unsigned id) {
  struct packet body = {.length = 0};
  int first = (int)(id - 1) * FILTERS_AT_ONCE;
  put_byte(&body, id >> 8);
  put_byte(&body, id & 255);
  if (c->v5) put_byte(&body, 0);
  for (int f = first; f < first + filters_in(id); f++) {
    char filter[MAX_TOPIC];
    const char *const forms[] = {"bench/%05d/%03d/v", "bench/%05d/+/%03d", "bench/%05d/%03d/v", "bench/%05d/%03d/#"};
    snprintf(filter, sizeof filter, forms[f & 3], c->index, f);
    put_string(&body, filter);
    put_byte(&body, 0);
  }
  append_packet(c, 0x82, &body);
}

static void write_digits(uint8_t *at, int width, int value) {
  for (int digit = width; digit-- > 0; value /= 10) at[digit] = (uint8_t)('0' + value % 10);
}

/* Puts the topic of one of the filters that get messages into a frame; neighbours are of different subscribers. */
static void spread_topic(uint8_t *topic, int number) {
  int s = number % options.subscribers;
  int f = (number / options.subscribers + 7 * s) % options.filters;
  bool has_plus = (f & 3) == 1;
  memcpy(topic, has_plus ? "bench/00000/v/000" : "bench/00000/000/v", sizeof "bench/00000/000/v" - 1);
  write_digits(topic + 6, 5, s);
  write_digits(topic + (has_plus ? 14 : 12), 3, f);
}

/* Of a million topics, each once: a thousand sites, of which each has a state and other things. */
static void site_topic(uint8_t *topic, int number) {
  write_digits(topic + 5, 3, number % SITES);
  if (number < SITES) return;
  topic[9] = 'l';
  write_digits(topic + 10, 4, number / SITES);
}

static void number_frame(struct connection *c) {
  uint8_t *topic_end = c->frame + c->digits_at + 4;
  if (options.shape == SPREAD) {
    spread_topic(topic_end - (sizeof "bench/00000/000/v" - 1), c->index + c->next_topic++ * options.publishers);
    return;
  }
  if (options.shape == SITE) {
    site_topic(topic_end - (sizeof "site/000/state" - 1), c->index + c->next_topic++ * options.publishers);
    return;
  }
  if (options.topics == 1) return;
  write_digits(c->frame + c->digits_at, 4, c->next_topic);
  if (++c->next_topic == options.topics) c->next_topic = 0;
}

/* The properties of a message; an alias travels to the broker only. */
static size_t write_properties(uint8_t *at, bool with_alias) {
  static const char text[] = "user property"; /* name and value */
  const size_t text_length = sizeof text - 1;
  size_t length = 0;
  uint8_t content[8 * (5 + 2 * (sizeof text - 1)) + 3];
  if (with_alias) {
    memcpy(content, (uint8_t[]){0x23, 0, 1}, 3);
    length = 3;
  }
  for (int i = 0; i < options.user_properties; i++) {
    content[length++] = 0x26;
    for (int part = 0; part < 2; part++) {
      content[length++] = 0;
      content[length++] = (uint8_t)text_length;
      memcpy(content + length, text, text_length);
      length += text_length;
    }
  }
  size_t head = put_varint(at, length);
  memcpy(at + head, content, length);
  return head + length;
}

static void build_frame(struct connection *c) {
  char topic[MAX_TOPIC];
  write_topic(c, topic);
  if (c->aliased) topic[0] = '\0';
  uint8_t properties[512];
  size_t properties_length = c->v5 ? write_properties(properties, options.alias) : 0;
  size_t topic_length = strlen(topic), payload = (size_t)options.payload_size;
  size_t remaining = 2 + topic_length + (options.qos > 0 ? 2 : 0) + properties_length + payload;
  uint8_t *frame = c->frame = reallocate(c->frame, remaining + 5);
  size_t length = 0;
  frame[length++] = (uint8_t)(0x30 | options.qos << 1 | (options.retain ? 1 : 0));
  length += put_varint(frame + length, remaining);
  frame[length++] = (uint8_t)(topic_length >> 8);
  frame[length++] = (uint8_t)topic_length;
  memcpy(frame + length, topic, topic_length);
  length += topic_length;
  c->digits_at = length - 4;
  c->id_at = length;
  if (options.qos > 0) length += 2;
  memcpy(frame + length, properties, properties_length);
  length += properties_length;
  c->payload_at = length;
  memset(frame + length, 'x', payload);
  c->frame_length = length + payload;
}

/* How many topics a publisher rotates over. */
static size_t topics_of(const struct connection *c, int active) {
  if (options.shape != SPREAD) return (size_t)options.topics;
  return (size_t)((active - c->index + options.publishers - 1) / options.publishers);
}

/*
 * A flood must not cost the generator a system call or an encoding per message. One batch is each topic once, or what
 * fits 8 KiB of a single topic (64 KiB with --open): small enough for the bound on undelivered messages to mean
 * something, big enough to show a broker that takes many messages with one read.
 */
static void build_batch(struct connection *c, int active) {
  size_t bytes = options.undelivered > 0 ? 8192 : 65536;
  size_t topics = topics_of(c, active), frames = topics > 1 ? topics : bytes / c->frame_length;
  if (frames == 0) frames = 1;
  c->next_topic = 0;
  c->batch = reallocate(c->batch, frames * (c->frame_length + LINK_OVERHEAD));
  c->batch_length = c->batch_sent = 0;
  for (size_t i = 0; i < frames; i++) {
    number_frame(c);
    c->wire_length = link_frame(&c->link, c->batch + c->batch_length, c->frame, c->frame_length);
    c->batch_length += c->wire_length;
  }
}

/* ---- Publishing ------------------------------------------------------------------------------------------------- */

/* An identifier for a message of QoS 1 or 2. */
static void write_new_id(struct connection *c, uint8_t *at) {
  if (++c->last_id == 0) c->last_id = 1;
  if (c->id_states[c->last_id] != ID_FREE)
    fail(EXIT_REFUSED, "the broker does not keep up: publisher %d has %d messages unacknowledged", c->index,
         c->in_flight);
  c->id_states[c->last_id] = ID_AWAITS_ACK;
  c->in_flight++;
  at[0] = (uint8_t)(c->last_id >> 8);
  at[1] = (uint8_t)c->last_id;
}

static uint32_t next_chance(struct connection *c) {
  c->chance ^= c->chance << 13;
  c->chance ^= c->chance >> 17;
  c->chance ^= c->chance << 5;
  return c->chance;
}

/* Sizes are as many between 20 and 40 bytes as between 2 and 4 KB. Half of the messages are of QoS 0, a third of QoS 1.
 * The payload begins with the time and the number of the topic. */
static void append_mixed(struct connection *c, uint64_t time) {
  static uint8_t frame[MIXED_MOST + 64];
  uint32_t chance = next_chance(c);
  int qos = chance % 6 < 3 ? 0 : chance % 6 < 5 ? 1 : 2;
  uint32_t least = MIXED_LEAST << (chance >> 8) % 8;
  uint32_t payload = least + (chance >> 16) % least;
  if (payload > MIXED_MOST) payload = MIXED_MOST;
  uint32_t topic = (uint32_t)c->next_topic;
  if (++c->next_topic == options.topics) c->next_topic = 0;

  char name[MAX_TOPIC];
  size_t name_length = (size_t)snprintf(name, sizeof name, "%d/%u", c->index, topic), length = 0;
  frame[length++] = (uint8_t)(0x30 | qos << 1);
  length += put_varint(frame + length, 2 + name_length + (qos > 0 ? 2 : 0) + (c->v5 ? 1 : 0) + payload);
  frame[length++] = 0;
  frame[length++] = (uint8_t)name_length;
  memcpy(frame + length, name, name_length);
  length += name_length;
  if (qos > 0) {
    write_new_id(c, frame + length);
    length += 2;
  }
  if (c->v5) frame[length++] = 0;
  memcpy(frame + length, &time, sizeof time);
  memcpy(frame + length + sizeof time, &topic, sizeof topic);
  append(c, frame, length + payload);
  totals.sent++;
}

/* The time is that from which the message's latency counts. */
static void append_publish(struct connection *c, uint64_t now) {
  if (options.shape == MIXED) {
    append_mixed(c, now);
    return;
  }
  if (options.qos > 0) write_new_id(c, c->frame + c->id_at);
  if (messages_carry_time()) memcpy(c->frame + c->payload_at, &now, sizeof now);
  if (messages_carry_number()) {
    memcpy(c->frame + c->payload_at + sizeof now, &c->next_number, sizeof c->next_number);
    c->next_number++;
  }
  number_frame(c);
  append(c, c->frame, c->frame_length);
  c->left--;
  totals.sent++;
  if (options.alias && !c->aliased) {
    c->aliased = true;
    build_frame(c);
  }
}

static int64_t undelivered(void) {
  return (int64_t)(totals.sent * (uint64_t)fan()) - (int64_t)(totals.received + written_off);
}

/* Sends up to `length` bytes of the batch. Returns whether the socket took any. */
static bool send_batch(struct connection *c, size_t length) {
  size_t whole_before = c->batch_sent / c->wire_length;
  size_t taken = write_socket(c, c->batch + c->batch_sent, length);
  c->batch_sent += taken;
  totals.sent += c->batch_sent / c->wire_length - whole_before;
  if (c->batch_sent == c->batch_length) c->batch_sent = 0;
  return taken > 0;
}

/* A batch of very many topics would pass the bound on its own. */
#define MAX_PIECE 131072
#define PIECE 8192

static void flood(struct connection *c) {
  const int batches_per_turn = 4; /* then the others have theirs */
  for (int i = 0; i < batches_per_turn; i++) {
    if (options.undelivered > 0 && undelivered() > options.undelivered) {
      c->parked = true;
      parked_count++;
      watch(c, EPOLLIN);
      return;
    }
    size_t rest = c->batch_length - c->batch_sent;
    if (c->batch_length > MAX_PIECE && rest > PIECE) rest = PIECE;
    if (!send_batch(c, rest)) break;
  }
  watch(c, EPOLLIN | EPOLLOUT);
}

/* Sends the rest of a message that has begun: a flood may stop in the middle of one. */
static void finish_message(struct connection *c) {
  size_t begun = c->batch_sent % c->wire_length;
  if (begun > 0 || c->link.tls_retry > 0) send_batch(c, c->wire_length - begun);
  watch(c, c->batch_sent % c->wire_length > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Called after every read and whenever the socket takes more: sends what this connection may send now. */
static void make_progress(struct connection *c) {
  if (c->batch != NULL && c->out_length == 0) {
    if (phase == PUBLISHING && !c->parked) flood(c);
    else if (phase == DRAINING) finish_message(c);
    return;
  }
  if (c->role == PUBLISHER && phase == PUBLISHING && options.rate == 0 && options.shape != MIXED && !is_flood()) {
    uint64_t now = now_ns();
    while (c->in_flight < options.window && c->left > 0) append_publish(c, now);
  }
  if (options.alias && is_flood() && c->role == PUBLISHER && phase == PUBLISHING && c->batch == NULL) {
    append_publish(c, now_ns()); /* tells the broker the alias */
    build_batch(c, 0);
  }
  bool flushed = flush_output(c);
  watch(c, flushed && (c->batch == NULL || c->parked) ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

/* What the broker dropped is not waited for; it stays in the report as lost. Returns whether something was given up. */
static bool write_off(void) {
  const uint64_t patience_ns = 1000000000;
  static uint64_t last_received, last_progress_ns;
  if (totals.received != last_received || last_progress_ns == 0 || undelivered() == 0) {
    last_received = totals.received;
    last_progress_ns = now_ns();
    return false;
  }
  if (now_ns() - last_progress_ns < patience_ns) return false;
  written_off += (uint64_t)undelivered();
  last_progress_ns = 0;
  return true;
}

/* Half of the bound must be free again before anybody goes on, or publishers would trickle single batches. */
static void unpark(void) {
  if (parked_count == 0) return;
  if (undelivered() > options.undelivered / 2 && !write_off()) return;
  parked_count = 0;
  for (int i = options.subscribers; i < connection_count; i++) {
    if (!connections[i].parked) continue;
    connections[i].parked = false;
    make_progress(&connections[i]);
  }
}

/* ---- Packets that we receive ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3), noreturn))
static void malformed(const struct connection *c, const char *format, ...) {
  char what[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  fail(EXIT_PROTOCOL, "the broker broke the protocol towards %s %d: %s", role_name(c), c->index, what);
}

static const char *reason_name(const struct connection *c, unsigned code) {
  if (!c->v5 && code <= 5) {
    static const char *const v3[] = {"accepted", "unacceptable protocol version", "client identifier rejected",
                                     "server unavailable", "bad user name or password", "not authorized"};
    return v3[code];
  }
  switch (code) {
    case 0x81: return "malformed packet";
    case 0x82: return "protocol error";
    case 0x84: return "unsupported protocol version";
    case 0x85: return "client identifier not valid";
    case 0x86: return "bad user name or password";
    case 0x87: return "not authorized";
    case 0x88: return "server unavailable";
    case 0x89: return "server busy";
    case 0x8b: return "server shutting down";
    case 0x8d: return "keep alive timeout";
    case 0x8e: return "session taken over";
    case 0x8f: return "topic filter invalid";
    case 0x90: return "topic name invalid";
    case 0x93: return "receive maximum exceeded";
    case 0x95: return "packet too large";
    case 0x96: return "message rate too high";
    case 0x97: return "quota exceeded";
    case 0x9b: return "QoS not supported";
    case 0x9f: return "connection rate exceeded";
    case 0xa2: return "wildcard subscriptions not supported";
    default: return "see the reason codes of MQTT";
  }
}

__attribute__((noreturn))
static void refused(const struct connection *c, const char *packet, unsigned code) {
  fail(EXIT_REFUSED, "the broker answered %s %d with %s 0x%02x (%s)", role_name(c), c->index, packet, code,
       reason_name(c, code));
}

/* Returns how many bytes the number takes; 0 if it is incomplete. */
static size_t read_varint(const struct connection *c, const uint8_t *at, size_t available, size_t *value) {
  *value = 0;
  for (size_t i = 0; i < available; i++) {
    if (i == 4) malformed(c, "a variable byte integer of more than four bytes");
    *value |= (size_t)(at[i] & 127) << (7 * i);
    if (at[i] < 128) return i + 1;
  }
  if (available >= 4) malformed(c, "a variable byte integer of more than four bytes");
  return 0;
}

static unsigned read_id(const struct connection *c, const uint8_t *at) {
  unsigned id = (unsigned)at[0] << 8 | at[1];
  if (id == 0) malformed(c, "packet identifier 0");
  return id;
}

static void become_ready(struct connection *c) {
  c->ready = true;
  ready_count++;
}

static void handle_connack(struct connection *c, const uint8_t *body, size_t length) {
  if (c->connected) malformed(c, "a second CONNACK");
  if (length < 2 || (!c->v5 && length != 2)) malformed(c, "a CONNACK of %zu bytes", length);
  if (body[1] != 0) refused(c, "CONNACK", body[1]);
  c->connected = true;
  if (c->role == PUBLISHER || options.shape == IDLE || options.shape == SPREAD ||
      (options.shape == STORM && c != &connections[0])) {
    become_ready(c);
    return;
  }
  char filter[MAX_TOPIC];
  write_topic(c, filter);
  expect_topics(c, filter);
  if (!options.returning) {
    subscribed_ns = now_ns();
    append_subscribe(c, filter);
    return;
  }
  if ((body[0] & 1) == 0) fail(EXIT_FORGOT, "the broker has no session of %s %d", role_name(c), c->index);
  become_ready(c);
}

static void handle_suback(struct connection *c, const uint8_t *body, size_t length) {
  bool spread = options.shape == SPREAD;
  size_t properties = 0, properties_size = 0;
  if (c->ready != spread || c->role != SUBSCRIBER || length < 3)
    malformed(c, "an unexpected SUBACK of %zu bytes", length);
  if (c->v5) {
    properties_size = read_varint(c, body + 2, length - 2, &properties);
    if (properties_size == 0) malformed(c, "a SUBACK that ends in its properties");
  }
  size_t code_at = 2 + properties_size + properties;
  unsigned id = read_id(c, body);
  size_t codes = !spread ? 1 : id <= (unsigned)subscribes_of(options.filters) ? (size_t)filters_in(id) : 0;
  if (codes == 0 || (!spread && id != 1) || code_at + codes != length)
    malformed(c, "a SUBACK that does not fit its SUBSCRIBE");
  for (size_t i = code_at; i < length; i++) {
    if (body[i] >= 0x80) refused(c, "SUBACK", body[i]);
    if (body[i] != c->qos) fail(EXIT_REFUSED, "the broker granted QoS %d instead of %d", body[i], c->qos);
  }
  if (!spread) become_ready(c);
  else if (id == (unsigned)subscribes_of(options.filters)) subscriptions_left--;
  else append_spread_subscribe(c, id + 1);
}

/* Nothing may be missing, there twice or out of order between one publisher and one subscriber. */
static void check_number(struct connection *c, const uint8_t *topic, size_t topic_length, uint64_t number) {
  const size_t prefix = sizeof "bench/" - 1;
  unsigned publisher = 0;
  for (size_t i = prefix; i < topic_length && topic[i] >= '0' && topic[i] <= '9'; i++)
    publisher = publisher * 10 + topic[i] - '0';
  if (publisher >= c->publishers_seen) {
    unsigned seen = publisher * 2 + 8;
    c->next_numbers = reallocate(c->next_numbers, seen * sizeof *c->next_numbers);
    memset(c->next_numbers + c->publishers_seen, 0, (seen - c->publishers_seen) * sizeof *c->next_numbers);
    c->publishers_seen = seen;
  }
  uint64_t expected = c->next_numbers[publisher];
  if (number != expected)
    fail(EXIT_PROTOCOL, "the broker delivered message %llu of publisher %u instead of message %llu",
         (unsigned long long)number, publisher, (unsigned long long)expected);
  c->next_numbers[publisher] = expected + 1;
}

static void handle_publish(struct connection *c, uint8_t first_byte, const uint8_t *body, size_t length, uint64_t now) {
  static size_t expected_properties;
  if (expected_properties == 0 && options.user_properties > 0) {
    uint8_t properties[512];
    expected_properties = write_properties(properties, false) - (properties[0] > 127 ? 2 : 1);
  }
  const size_t payload = options.shape == STORM ? sizeof "gone" - 1 : (size_t)options.payload_size;
  unsigned qos = (first_byte >> 1) & 3, id = 0;
  /* New messages to live subscriptions are neither retained (bit 0) nor repeated (bit 3). */
  unsigned flags = options.retain && options.publishers == 0 ? 1 : 0;
  if ((first_byte & 9u) != flags || (options.shape == MIXED ? (int)qos > c->qos : (int)qos != c->qos))
    malformed(c, "a PUBLISH whose first byte is 0x%02x", first_byte);
  if (c->role != SUBSCRIBER || !c->connected) malformed(c, "a PUBLISH that nobody subscribed to");
  if (length < 2) malformed(c, "a PUBLISH of %zu bytes", length);

  size_t topic_length = (size_t)body[0] << 8 | body[1], at = 2 + topic_length;
  size_t least = options.shape == MIXED ? MIXED_LEAST : payload;
  if (at + (qos > 0 ? 2u : 0u) + (c->v5 ? 1u : 0u) + least > length) malformed(c, "a PUBLISH of %zu bytes with a topic of %zu", length, topic_length);
  /* One load and a mask instead of memcmp: this runs for each of tens of millions of messages a second. */
  uint64_t topic_start;
  memcpy(&topic_start, body + 2, sizeof topic_start);
  if ((topic_start & c->topic_mask) != c->topic_start || (c->topic_length != 0 && c->topic_length != topic_length))
    malformed(c, "a PUBLISH with the foreign topic '%.*s'", (int)(topic_length > 64 ? 64 : topic_length), body + 2);
  if (options.shape == SPREAD && (topic_length < SPREAD_PREFIX || memcmp(body + 2, c->prefix, SPREAD_PREFIX) != 0))
    malformed(c, "a PUBLISH of another subscriber's topic '%.*s'", (int)(topic_length > 64 ? 64 : topic_length), body + 2);
  if (qos > 0) {
    id = read_id(c, body + at);
    at += 2;
  }
  if (c->v5) {
    size_t properties, size = read_varint(c, body + at, length - at, &properties);
    if (size == 0) malformed(c, "a PUBLISH that ends in its properties");
    if (properties != expected_properties) malformed(c, "a PUBLISH with %zu bytes of properties", properties);
    at += size + properties;
  }
  if (options.shape == MIXED ? at + MIXED_LEAST > length : at + payload != length)
    malformed(c, "a PUBLISH whose payload is not %zu bytes long", least);
  if (options.shape == MIXED && c->index < options.topics) {
    uint32_t topic;
    memcpy(&topic, body + at + sizeof(uint64_t), sizeof topic);
    if (topic != (uint32_t)c->index) malformed(c, "a message of topic %u for the subscriber of +/%d", topic, c->index);
  }

  totals.received++;
  last_received_ns = now;
  totals.received_bytes += length + (length < 128 ? 2 : length < 16384 ? 3 : 4);
  if (options.shape != STORM && messages_carry_time() && phase == PUBLISHING && options.publishers > 0) {
    uint64_t sent;
    memcpy(&sent, body + at, sizeof sent);
    if (sent > now) malformed(c, "a PUBLISH with another payload than was sent");
    latency[latency_bucket(now - sent)]++;
  }
  if (options.returning && messages_carry_number() && options.shape != FANOUT) {
    uint64_t number;
    memcpy(&number, body + at + sizeof number, sizeof number);
    check_number(c, body + 2, topic_length, number);
  }
  if (qos == 1) append_ack(c, 0x40, id);
  if (qos == 2) {
    if (c->id_states[id] != ID_FREE) malformed(c, "a PUBLISH with packet identifier %u, which is in use", id);
    c->id_states[id] = ID_AWAITS_PUBREL;
    append_ack(c, 0x50, id);
  }
}

/* PUBACK, PUBREC, PUBREL, PUBCOMP: each moves a packet identifier from one state to the next. */
static void handle_ack(struct connection *c, const char *name, const uint8_t *body, size_t length, enum id_state from,
                       enum id_state to, uint8_t answer) {
  if (length < 2 || (!c->v5 && length != 2)) malformed(c, "a %s of %zu bytes", name, length);
  unsigned id = read_id(c, body);
  if (length > 2 && body[2] >= 0x80) refused(c, name, body[2]);
  if (c->id_states == NULL || c->id_states[id] != from)
    malformed(c, "a %s for packet identifier %u, unexpected", name, id);
  c->id_states[id] = (uint8_t)to;
  if (answer != 0) append_ack(c, answer, id);
  if (to == ID_FREE && c->role == PUBLISHER) {
    c->in_flight--;
    totals.acked++;
  }
}

static void handle_packet(struct connection *c, uint8_t first_byte, const uint8_t *body, size_t length, uint64_t now) {
  if (first_byte >> 4 == 3) {
    handle_publish(c, first_byte, body, length, now);
    return;
  }
  switch (first_byte) {
    case 0x20: handle_connack(c, body, length); return;
    case 0x40:
      if (c->qos != 1 && options.shape != MIXED) break;
      handle_ack(c, "PUBACK", body, length, ID_AWAITS_ACK, ID_FREE, 0);
      return;
    case 0x50:
      if (c->qos != 2) break;
      handle_ack(c, "PUBREC", body, length, ID_AWAITS_ACK, ID_AWAITS_PUBCOMP, 0x62);
      return;
    case 0x62: handle_ack(c, "PUBREL", body, length, ID_AWAITS_PUBREL, ID_FREE, 0x70); return;
    case 0x70: handle_ack(c, "PUBCOMP", body, length, ID_AWAITS_PUBCOMP, ID_FREE, 0); return;
    case 0x90: handle_suback(c, body, length); return;
    case 0xe0:
      if (c->v5 && c->is_left) return;
      if (c->v5) refused(c, "DISCONNECT", length > 0 ? body[0] : 0);
      break;
  }
  malformed(c, "an unexpected packet whose first byte is 0x%02x", first_byte);
}

/* ---- Input: one buffer for all connections ---------------------------------------------------------------------- */

#define READ_SIZE (256 * 1024)
#define MAX_PACKET (MAX_PAYLOAD + 64 * 1024)
/* The slack lets handle_publish() load eight bytes of any topic. */
static uint8_t inbox[MAX_PACKET + READ_SIZE + sizeof(uint64_t)];

/* Returns how many bytes were whole packets. */
static size_t handle_packets(struct connection *c, const uint8_t *bytes, size_t length, uint64_t now) {
  size_t done = 0;
  while (length - done >= 2) {
    const uint8_t *packet = bytes + done;
    size_t size = packet[1], size_length = 1;
    if (size > 127) size_length = read_varint(c, packet + 1, length - done - 1, &size);
    if (size_length == 0) break;
    size_t whole = 1 + size_length + size;
    if (whole > MAX_PACKET) malformed(c, "a packet of %zu bytes", whole);
    if (whole > length - done) break;
    handle_packet(c, packet[0], packet + 1 + size_length, size, now);
    done += whole;
  }
  return done;
}

static void receive(struct connection *c) {
  const int reads_per_turn = 8; /* then the others have theirs */
  for (int i = 0; i < reads_per_turn; i++) {
    if (c->tail_length > 0) memcpy(inbox, c->tail, c->tail_length);
    ssize_t got = link_read(&c->link, inbox + c->tail_length, READ_SIZE);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 && c->is_left) {
      link_close(&c->link);
      c->is_open = false;
      closed_count++;
      return;
    }
    if (got < 0) fail(EXIT_REFUSED, "reading from the broker (%s %d): %s", role_name(c), c->index, strerror(errno));
    if (got == 0) fail(EXIT_REFUSED, "the broker closed the connection of %s %d", role_name(c), c->index);
    size_t length = c->tail_length + (size_t)got;
    size_t done = handle_packets(c, inbox, length, now_ns());
    c->tail_length = length - done;
    if (c->tail_length > 0) {
      c->tail = reallocate(c->tail, c->tail_length);
      memcpy(c->tail, inbox + done, c->tail_length);
    }
    if (got < READ_SIZE) return;
  }
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

static void poll_events(int timeout_ms) {
  struct epoll_event events[512];
  int count = epoll_wait(epoll, events, 512, timeout_ms);
  if (count < 0 && errno != EINTR) fail(EXIT_SYSTEM, "epoll_wait: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    struct connection *c = events[i].data.ptr;
    if (events[i].events & ~(uint32_t)EPOLLOUT) receive(c);
    if (c->is_open) make_progress(c);
  }
}

static void open_connection(int number, enum role role) {
  struct connection *c = &connections[number];
  c->role = role;
  c->index = role == PUBLISHER ? number - options.subscribers : number;
  /* In a storm the second half of the connections has the client identifiers of the first. */
  if (options.shape == STORM) c->index = number <= options.subscribers ? number : number - options.subscribers;
  bool mixed = options.shape == MIXED;
  c->v5 = mixed ? (c->index & 1) != 0 : options.v5;
  c->qos = !mixed ? options.qos : role == PUBLISHER || c->index >= options.topics ? 2 : c->index % 3;
  c->chance = (uint32_t)number * 2654435761u + 1;
  link_open(&c->link, number, &(struct link_options){options.port, options.tls, options.websocket});
  c->is_open = true;
  if (options.shape == SPREAD) snprintf(c->prefix, sizeof c->prefix, "bench/%05d/", c->index);
  if (role == PUBLISHER && !mixed) {
    c->left = INT64_MAX;
    if (options.count > 0)
      c->left = options.count / options.publishers + (c->index < options.count % options.publishers ? 1 : 0);
    build_frame(c);
    if (is_flood() && !options.alias) build_batch(c, options.active[0]);
  }
  if (role == PUBLISHER ? c->qos > 0 : c->qos == 2) c->id_states = allocate(65536);
  append_connect(c);
  watch(c, flush_output(c) ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

/* Opens connections `from` to `to`, a few at a time so that no backlog overflows, and waits until all are ready. */
static void open_connections(int from, int to, enum role role) {
  const int waiting_at_once = options.shape == STORM ? 400 : 200;
  const double patience_s = 120;
  uint64_t give_up_ns = now_ns() + nanoseconds(patience_s);
  int opened = from;
  while (ready_count < to) {
    while (opened < to && opened - ready_count < waiting_at_once) open_connection(opened++, role);
    poll_events(1000);
    if (now_ns() > give_up_ns)
      fail(EXIT_REFUSED, "the broker did not answer: %d of %d connections ready after %.0f s", ready_count,
           connection_count, patience_s);
  }
}

/* Mixed: publishers with nothing under way take turns until the bound is reached. Returns whether one had its turn. */
static bool take_turns(void) {
  static int turn;
  const int most_at_once = 32; /* then we look what arrived */
  bool any = false;
  for (int tries = 0, sent = 0; tries < options.publishers && sent < most_at_once; tries++) {
    if (options.undelivered > 0 && undelivered() >= options.undelivered) return any;
    struct connection *c = &connections[options.subscribers + turn];
    if (++turn == options.publishers) turn = 0;
    if (c->in_flight > 0 || c->out_length > 0) continue;
    append_publish(c, now_ns());
    make_progress(c);
    any = true;
    sent++;
  }
  return any;
}

/* Runs until the given time. At a fixed rate it never sleeps: a sleep would end late and send two messages together,
 * which the broker would find cheaper than messages that come alone. */
static void run_until(uint64_t end_ns) {
  static uint64_t due_ns; /* when the next message at a fixed rate leaves */
  static int turn;
  if (options.rate == 0) {
    while (now_ns() < end_ns) {
      bool waits = options.shape != MIXED || !take_turns();
      poll_events(waits ? 10 : 0);
      if (options.shape == MIXED) write_off();
      else unpark();
    }
    return;
  }
  const double interval_ns = 1e9 / options.rate;
  static double owed_ns; /* the fraction of a nanosecond, so that no rate drifts */
  if (due_ns == 0) due_ns = now_ns();
  for (uint64_t now = now_ns(); now < end_ns; now = now_ns()) {
    while (due_ns <= now) {
      struct connection *c = &connections[options.subscribers + turn];
      if (++turn == options.publishers) turn = 0;
      /* Open loop: latency counts from the time when the message should have left, however late we or the socket are. */
      append_publish(c, due_ns);
      watch(c, flush_output(c) ? EPOLLIN : EPOLLIN | EPOLLOUT);
      owed_ns += interval_ns;
      due_ns += (uint64_t)owed_ns;
      owed_ns -= (double)(uint64_t)owed_ns;
    }
    poll_events(0);
  }
}

/* Waits for what is still on its way: until all has arrived or nothing came for a second, at most five. */
static void drain(void) {
  const uint64_t second = 1000000000;
  uint64_t give_up_ns = now_ns() + 5 * second, quiet_ns = now_ns() + second, received = totals.received;
  phase = DRAINING;
  for (int i = options.subscribers; i < connection_count; i++) make_progress(&connections[i]);
  for (uint64_t now = now_ns(); now < give_up_ns && now < quiet_ns; now = now_ns()) {
    if (totals.received == totals.sent * (uint64_t)fan()) return;
    poll_events(10);
    if (totals.received == received) continue;
    received = totals.received;
    quiet_ns = now + second;
  }
}

static int64_t count_lost(uint64_t expected) {
  int64_t lost = (int64_t)expected - (int64_t)totals.received;
  if (lost < 0) fail(EXIT_PROTOCOL, "the broker delivered %lld messages more than were sent", (long long)-lost);
  return lost;
}

/* Returns when the broker has taken note: whatever it gets from others afterwards, it has to keep. */
static void leave(struct connection *c) {
  uint8_t rest[64];
  link_block(&c->link);
  link_write(&c->link, (uint8_t[]){0xe0, 0}, 2);
  shutdown(c->link.fd, SHUT_WR);
  if (link_read(&c->link, rest, sizeof rest) > 0) malformed(c, "something after a DISCONNECT");
  link_close(&c->link);
  c->is_open = false;
}

static void say_goodbye(void) {
  for (int i = 0; i < connection_count; i++) {
    struct connection *c = &connections[i];
    if (!c->is_open) continue;
    /* In the middle of a message a DISCONNECT would be read as its payload. */
    bool amid_message = c->out_sent < c->out_length || c->link.tls_retry > 0 ||
                        (c->batch != NULL && c->batch_sent % c->wire_length > 0);
    uint8_t disconnect[2 + LINK_OVERHEAD];
    if (!amid_message) link_write(&c->link, disconnect, link_frame(&c->link, disconnect, (uint8_t[]){0xe0, 0}, 2));
    link_close(&c->link);
  }
}

static void run_idle(double setup_seconds) {
  printf("{\"shape\":\"idle\",\"clients\":%d,\"setup_s\":%.2f,\"connects_per_s\":%.0f}\n", options.subscribers,
         setup_seconds, options.subscribers / setup_seconds);
  fflush(stdout); /* whoever started us measures the broker now */
  run_until(now_ns() + nanoseconds(options.seconds));
}

/* Ends a part of the run, of which the last line on stdout tells. */
static void end_step(void) {
  char line[16];
  fflush(stdout);
  if (options.steps && fgets(line, sizeof line, stdin) == NULL) fail(EXIT_SYSTEM, "nobody says when to go on");
}

static void subscribe_spread(void) {
  const double patience_s = 600;
  uint64_t start_ns = now_ns();
  int total = options.subscribers * options.filters;
  subscriptions_left = options.subscribers;
  for (int i = 0; i < options.subscribers; i++) {
    append_spread_subscribe(&connections[i], 1);
    make_progress(&connections[i]);
  }
  while (subscriptions_left > 0) {
    poll_events(1000);
    if (now_ns() - start_ns > nanoseconds(patience_s))
      fail(EXIT_REFUSED, "%d subscribers wait for a SUBACK after %.0f s", subscriptions_left, patience_s);
  }
  double seconds = (double)(now_ns() - start_ns) / 1e9;
  printf("{\"step\":\"subscribed\",\"subscriptions\":%d,\"seconds\":%.3f,\"subscriptions_per_s\":%.0f}\n", total,
         seconds, total / seconds);
  end_step();
}

/* All clients connect a second time while they are connected: each takes its session over, and its will is sent. */
static void run_storm(double setup_seconds) {
  const double patience_s = 60;
  printf("{\"step\":\"connected\",\"clients\":%d,\"connects_per_s\":%.0f}\n", options.subscribers,
         options.subscribers / setup_seconds);
  end_step();
  uint64_t start_ns = now_ns(), wills = (uint64_t)options.subscribers;
  for (int i = 1; i <= options.subscribers; i++) connections[i].is_left = true;
  open_connections(options.subscribers + 1, connection_count, SUBSCRIBER);
  double reconnect_seconds = (double)(now_ns() - start_ns) / 1e9;
  while (totals.received < wills || closed_count < options.subscribers) {
    poll_events(100);
    if (now_ns() - start_ns > nanoseconds(patience_s)) break;
  }
  double seconds = (double)(now_ns() - start_ns) / 1e9;
  if (totals.received > wills) fail(EXIT_PROTOCOL, "the broker sent more wills than there are");
  printf("{\"shape\":\"storm\",\"clients\":%d,\"seconds\":%.3f,\"reconnects_per_s\":%.0f,\"lost\":%llu,"
         "\"left_open\":%d}\n",
         options.subscribers, seconds, options.subscribers / reconnect_seconds,
         (unsigned long long)(wills - totals.received), options.subscribers - closed_count);
  end_step();
}

static void run_load(int active) {
  uint64_t start_ns = now_ns();
  phase = PUBLISHING;
  parked_count = 0;
  for (int i = options.subscribers; i < connection_count; i++) {
    struct connection *c = &connections[i];
    c->parked = false;
    if (options.shape != SPREAD) continue;
    if (c->wire_length > 0 && c->batch_sent % c->wire_length > 0)
      fail(EXIT_REFUSED, "the broker does not take the rest of a message of publisher %d", c->index);
    build_batch(c, active);
  }
  for (int i = options.subscribers; i < connection_count; i++) make_progress(&connections[i]);
  run_until(start_ns + nanoseconds(options.warm_seconds));

  struct totals before = totals;
  double own_cpu = own_cpu_seconds(), broker_cpu = options.broker_pid ? broker_cpu_seconds() : 0;
  memset(latency, 0, sizeof latency);
  uint64_t measured_ns = now_ns();
  run_until(measured_ns + nanoseconds(options.seconds));
  double seconds = (double)(now_ns() - measured_ns) / 1e9;
  own_cpu = own_cpu_seconds() - own_cpu;
  if (options.broker_pid) broker_cpu = broker_cpu_seconds() - broker_cpu;
  struct totals after = totals;
  drain();
  int64_t lost = count_lost(totals.sent * (uint64_t)fan());

  printf("{\"shape\":\"%s\",\"version\":%d,\"qos\":%d,\"size\":%d,\"pubs\":%d,\"subs\":%d,\"topics\":%d",
         shape_names[options.shape], options.v5 ? 5 : 4, options.qos, options.payload_size, options.publishers,
         options.subscribers, options.topics);
  if (options.shape == SPREAD) printf(",\"subscriptions\":%d,\"active\":%d", options.subscribers * options.filters, active);
  printf(",\"seconds\":%.3f,\"sent_per_s\":%.0f,\"received_per_s\":%.0f,\"acked_per_s\":%.0f", seconds,
         (double)(after.sent - before.sent) / seconds, (double)(after.received - before.received) / seconds,
         (double)(after.acked - before.acked) / seconds);
  printf(",\"mb_per_s\":%.1f", (double)(after.received_bytes - before.received_bytes) / seconds / 1e6);
  print_latency("p50_us", 0.5);
  print_latency("p99_us", 0.99);
  print_latency("p999_us", 0.999);
  printf(",\"lost\":%lld,\"load_cpu\":%.3f", (long long)lost, own_cpu / seconds);
  if (options.broker_pid) printf(",\"broker_cpu_s\":%.3f,\"broker_cpu\":%.3f", broker_cpu, broker_cpu / seconds);
  puts("}");
  fflush(stdout);
}

static bool is_all_flushed(void) {
  for (int i = 0; i < connection_count; i++)
    if (connections[i].out_length > 0) return false;
  return true;
}

/* A run of --count messages, which began at the given time. Ends when all are there, or nothing moved for a while. */
static void run_counted(uint64_t start_ns, double own_cpu, double broker_cpu) {
  const uint64_t patience_ns = 10000000000;
  uint64_t to_ack = options.publishers > 0 ? (uint64_t)options.count : 0;
  uint64_t to_receive = options.away ? 0 : (uint64_t)options.count * (uint64_t)fan();
  uint64_t moved = 0, moved_ns = start_ns;
  phase = PUBLISHING;
  for (int i = options.subscribers; i < connection_count; i++) make_progress(&connections[i]);
  for (uint64_t now = start_ns; now - moved_ns < patience_ns; now = now_ns()) {
    if (totals.acked + totals.received > moved) {
      moved = totals.acked + totals.received;
      moved_ns = now;
    }
    if (totals.acked >= to_ack && totals.received >= to_receive && is_all_flushed()) break;
    poll_events(10);
  }
  double seconds = (double)(moved_ns - start_ns) / 1e9, per_s = seconds > 0 ? 1 / seconds : 0;
  own_cpu = own_cpu_seconds() - own_cpu;
  if (options.broker_pid) broker_cpu = broker_cpu_seconds() - broker_cpu;

  printf("{\"shape\":\"%s\",\"version\":%d,\"qos\":%d,\"size\":%d,\"pubs\":%d,\"subs\":%d,\"topics\":%d,\"count\":%d",
         shape_names[options.shape], options.v5 ? 5 : 4, options.qos, options.payload_size, options.publishers,
         options.subscribers, options.topics, options.count);
  printf(",\"seconds\":%.3f,\"acked\":%llu,\"acked_per_s\":%.0f,\"received\":%llu,\"received_per_s\":%.0f", seconds,
         (unsigned long long)totals.acked, (double)totals.acked * per_s, (unsigned long long)totals.received,
         (double)totals.received * per_s);
  if (subscribed_ns > 0 && last_received_ns > subscribed_ns)
    printf(",\"answer_ms\":%.3f", (double)(last_received_ns - subscribed_ns) / 1e6);
  printf(",\"unacked\":%llu,\"lost\":%lld,\"load_cpu\":%.3f", (unsigned long long)(to_ack - totals.acked),
         (long long)count_lost(to_receive), own_cpu * per_s);
  if (options.broker_pid) printf(",\"broker_cpu_s\":%.3f,\"broker_cpu\":%.3f", broker_cpu, broker_cpu * per_s);
  puts("}");
}

static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  /* In a storm connections are closed as others open. */
  int most = options.shape == STORM ? options.subscribers + 1000 : connection_count;
  if (limit.rlim_cur < (rlim_t)most + 16)
    fail(EXIT_SYSTEM, "%d connections need as many file descriptors; ulimit -Hn is %llu", most,
         (unsigned long long)limit.rlim_cur);
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  connection_count = options.subscribers + options.publishers;
  if (options.shape == STORM) connection_count = 1 + 2 * options.subscribers; /* the first takes the wills */
  raise_file_limit();
  connections = allocate((size_t)connection_count * sizeof *connections);
  epoll = epoll_create1(0);
  if (epoll < 0) fail(EXIT_SYSTEM, "epoll_create1: %s", strerror(errno));

  /* Subscribers first: a message to nobody would count as lost. */
  uint64_t start_ns = now_ns();
  double own_cpu = own_cpu_seconds(), broker_cpu = options.broker_pid ? broker_cpu_seconds() : 0;
  open_connections(0, options.shape == STORM ? options.subscribers + 1 : options.subscribers, SUBSCRIBER);
  double setup_seconds = (double)(now_ns() - start_ns) / 1e9;
  if (options.shape == SPREAD) {
    printf("{\"step\":\"connected\",\"clients\":%d,\"connects_per_s\":%.0f}\n", options.subscribers,
           options.subscribers / setup_seconds);
    end_step();
    subscribe_spread();
  }
  if (options.away)
    for (int i = 0; i < options.subscribers; i++) leave(&connections[i]);
  if (options.shape != STORM) open_connections(options.subscribers, connection_count, PUBLISHER);
  if (options.publishers > 0) {
    /* What subscribers without publishers wait for comes at once, but publishers begin now. */
    start_ns = now_ns();
    own_cpu = own_cpu_seconds();
    if (options.broker_pid) broker_cpu = broker_cpu_seconds();
  }
  if (options.shape == IDLE) run_idle(setup_seconds);
  else if (options.shape == STORM) run_storm(setup_seconds);
  else if (options.shape == SPREAD)
    for (int i = 0; i < options.active_count; i++) run_load(options.active[i]);
  else if (options.count > 0) run_counted(start_ns, own_cpu, broker_cpu);
  else run_load(0);
  say_goodbye();
  return 0;
}
