/* One connection to the broker: TCP, or TLS 1.3 over it, or WebSocket over it. Loopback only. */
#ifndef LINK_H
#define LINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link_options {
  int port;
  bool tls;       /* the certificate is not looked at: what is measured is the cost of a connection, not its truth */
  bool websocket; /* each MQTT packet is a frame of its own, as client libraries send them */
};

struct link {
  int fd;
  void *tls;        /* SSL, or NULL */
  size_t tls_retry; /* what OpenSSL wants to be offered again, before anything else */
  bool is_websocket;
  uint8_t head[10]; /* of a WebSocket frame that has not arrived as a whole */
  unsigned head_length;
  uint64_t frame_left; /* bytes of the current frame that are still to come */
  bool is_control;     /* whether they are of no MQTT packet */
};

/* Bytes that a WebSocket frame takes beyond its packet, at most. */
#define LINK_OVERHEAD 14

/* Connects, and does what TLS and WebSocket want first. Waits for all of it; the link does not block afterwards.
 * Source addresses change every 20,000 links by their number, because one address has only some 28,000 ports. */
void link_open(struct link *link, int number, const struct link_options *options);

/* Writes a packet as it travels to `at`, which has room for LINK_OVERHEAD more. Returns how many bytes that is. */
size_t link_frame(const struct link *link, uint8_t *at, const uint8_t *packet, size_t length);

/* Returns what was taken, 0 if nothing now, -1 with errno. After a 0 the same bytes have to be offered again. */
ssize_t link_write(struct link *link, const uint8_t *bytes, size_t length);

/* Returns bytes of MQTT, 0 at the end, -1 with errno (EAGAIN: nothing now). */
ssize_t link_read(struct link *link, uint8_t *bytes, size_t size);

/* From now on reading and writing wait. */
void link_block(struct link *link);

void link_close(struct link *link);
#endif
