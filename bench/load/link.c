#define _GNU_SOURCE
#include "link.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "failure.h"

/* ---- TLS: built in where there is OpenSSL ----------------------------------------------------------------------- */

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

#define MAX_RECORD 16384

static void tls_start(struct link *link) {
  static SSL_CTX *context;
  if (context == NULL) {
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) fail(EXIT_SYSTEM, "OpenSSL: no context");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  SSL *tls = SSL_new(context);
  if (tls == NULL || SSL_set_fd(tls, link->fd) != 1) fail(EXIT_SYSTEM, "OpenSSL: no connection");
  if (SSL_connect(tls) != 1)
    fail(EXIT_REFUSED, "the TLS handshake failed: %s", ERR_reason_error_string(ERR_get_error()));
  link->tls = tls;
}

static ssize_t tls_write(struct link *link, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  if (link->tls_retry > 0) length = link->tls_retry;
  int taken = SSL_write(link->tls, bytes, (int)length);
  link->tls_retry = 0;
  if (taken > 0) return taken;
  int error = SSL_get_error(link->tls, taken);
  if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
    if (error != SSL_ERROR_SYSCALL) errno = EPROTO;
    return -1;
  }
  link->tls_retry = length;
  return 0;
}

/* Reads until the socket is empty or no further record would fit: what OpenSSL kept back, epoll would not announce. */
static ssize_t tls_read(struct link *link, uint8_t *bytes, size_t size) {
  size_t length = 0;
  while (size - length >= MAX_RECORD) {
    ERR_clear_error();
    int got = SSL_read(link->tls, bytes + length, MAX_RECORD);
    if (got > 0) {
      length += (size_t)got;
      continue;
    }
    if (length > 0) break;
    switch (SSL_get_error(link->tls, got)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
      case SSL_ERROR_ZERO_RETURN: return 0;
      case SSL_ERROR_SYSCALL: return errno == 0 ? 0 : -1;
      default: errno = EPROTO; return -1;
    }
  }
  return (ssize_t)length;
}

static void tls_end(struct link *link) {
  SSL_free(link->tls);
}
#else
static void tls_start(struct link *link) {
  (void)link;
  fail(EXIT_USAGE, "built without TLS: OpenSSL's headers are missing (apt install libssl-dev)");
}
static ssize_t tls_write(struct link *link, const uint8_t *bytes, size_t length) {
  (void)link, (void)bytes, (void)length;
  return -1;
}
static ssize_t tls_read(struct link *link, uint8_t *bytes, size_t size) {
  (void)link, (void)bytes, (void)size;
  return -1;
}
static void tls_end(struct link *link) {
  (void)link;
}
#endif

/* ---- Below WebSocket -------------------------------------------------------------------------------------------- */

static ssize_t raw_write(struct link *link, const uint8_t *bytes, size_t length) {
  if (link->tls != NULL) return tls_write(link, bytes, length);
  ssize_t taken = send(link->fd, bytes, length, MSG_NOSIGNAL);
  return taken < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : taken;
}

static ssize_t raw_read(struct link *link, uint8_t *bytes, size_t size) {
  return link->tls != NULL ? tls_read(link, bytes, size) : recv(link->fd, bytes, size, 0);
}

/* ---- WebSocket -------------------------------------------------------------------------------------------------- */

static void websocket_start(struct link *link, int port) {
  char text[2048];
  int length = snprintf(text, sizeof text,
                        "GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: bG9hZCBnZW5lcmF0b3IgIQ==\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
                        port);
  if (raw_write(link, (const uint8_t *)text, (size_t)length) != length) fail(EXIT_REFUSED, "no WebSocket: not sent");
  /* Byte by byte: what follows the head is not text. */
  size_t got = 0;
  while (got < sizeof text - 1) {
    if (recv(link->fd, text + got, 1, 0) <= 0) fail(EXIT_REFUSED, "no WebSocket: the broker closed the connection");
    text[++got] = '\0';
    if (got >= 4 && strcmp(text + got - 4, "\r\n\r\n") == 0) break;
  }
  if (strncmp(text, "HTTP/1.1 101", 12) != 0) fail(EXIT_REFUSED, "no WebSocket: %.*s", (int)strcspn(text, "\r\n"), text);
}

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

size_t link_frame(const struct link *link, uint8_t *at, const uint8_t *packet, size_t length) {
  if (!link->is_websocket) {
    memcpy(at, packet, length);
    return length;
  }
  size_t head = 0;
  at[head++] = 0x82; /* a whole message, binary */
  if (length < 126) {
    at[head++] = (uint8_t)(0x80 | length);
  } else {
    int bytes = length < 65536 ? 2 : 8;
    at[head++] = bytes == 2 ? 0xfe : 0xff;
    for (int i = bytes; i-- > 0;) at[head++] = (uint8_t)((uint64_t)length >> (8 * i));
  }
  memcpy(at + head, mask, sizeof mask);
  head += sizeof mask;
  for (size_t i = 0; i < length; i++) at[head + i] = packet[i] ^ mask[i & 3];
  return head + length;
}

/* Takes a byte of a frame's head; notes what the frame is once it is whole. */
static void take_head(struct link *link, uint8_t byte) {
  link->head[link->head_length++] = byte;
  if (link->head_length < 2) return;
  unsigned short_length = link->head[1] & 127, bytes = short_length < 126 ? 0 : short_length == 126 ? 2 : 8;
  if (link->head[1] & 128) fail(EXIT_PROTOCOL, "the broker masked a WebSocket frame");
  if (link->head_length < 2 + bytes) return;
  link->frame_left = bytes == 0 ? short_length : 0;
  for (unsigned i = 0; i < bytes; i++) link->frame_left = link->frame_left << 8 | link->head[2 + i];
  link->is_control = (link->head[0] & 8) != 0;
  if ((link->head[0] & 15) == 8) fail(EXIT_REFUSED, "the broker closed a WebSocket");
  link->head_length = 0;
}

/* Leaves the bytes of MQTT among what was read, and returns how many they are. */
static size_t unframe(struct link *link, uint8_t *bytes, size_t length) {
  size_t kept = 0;
  for (size_t at = 0; at < length;) {
    if (link->frame_left == 0) {
      take_head(link, bytes[at++]);
      continue;
    }
    size_t part = length - at < link->frame_left ? length - at : (size_t)link->frame_left;
    if (!link->is_control) {
      memmove(bytes + kept, bytes + at, part);
      kept += part;
    }
    link->frame_left -= part;
    at += part;
  }
  return kept;
}

/* ---- Links ------------------------------------------------------------------------------------------------------ */

void link_open(struct link *link, int number, const struct link_options *options) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail(EXIT_SYSTEM, "socket %d: %s (see ulimit -n)", number, strerror(errno));
  struct sockaddr_in source = {.sin_family = AF_INET};
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)number / 20000);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&source, sizeof source) != 0) fail(EXIT_SYSTEM, "bind: %s", strerror(errno));
  struct sockaddr_in broker = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
  broker.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&broker, sizeof broker) != 0)
    fail(EXIT_SYSTEM, "connecting to 127.0.0.1:%d: %s", options->port, strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *link = (struct link){.fd = fd, .is_websocket = options->websocket};
  if (options->tls) tls_start(link);
  if (options->websocket) websocket_start(link, options->port);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail(EXIT_SYSTEM, "fcntl: %s", strerror(errno));
}

ssize_t link_write(struct link *link, const uint8_t *bytes, size_t length) {
  return raw_write(link, bytes, length);
}

ssize_t link_read(struct link *link, uint8_t *bytes, size_t size) {
  ssize_t got = raw_read(link, bytes, size);
  if (got <= 0 || !link->is_websocket) return got;
  size_t kept = unframe(link, bytes, (size_t)got);
  if (kept > 0) return (ssize_t)kept;
  errno = EAGAIN;
  return -1;
}

void link_block(struct link *link) {
  if (fcntl(link->fd, F_SETFL, 0) != 0) fail(EXIT_SYSTEM, "fcntl: %s", strerror(errno));
}

void link_close(struct link *link) {
  if (link->tls != NULL) tls_end(link);
  link->tls = NULL;
  close(link->fd);
  link->fd = -1;
}
