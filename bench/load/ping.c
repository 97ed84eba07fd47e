/*
 * ping: how long a broker keeps a client waiting that asks for nothing else, while others load it.
 *
 *   ./ping PORT USER      USER is also the password; '-' for none
 *
 * Sends a PINGREQ a millisecond after each PINGRESP. The answer's time is that of the kernel, which notes it while the
 * broker sends: so it does not matter when we get a processor ourselves. Prints one line when it is ready, and a report
 * as JSON for each line on stdin, about the time since the last; ends with stdin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "failure.h"
#include "link.h"

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time); /* the clock of the kernel's time stamps */
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Returns how many bytes arrived, and when. */
static size_t receive(int fd, uint8_t *bytes, size_t size, uint64_t *arrived_ns) {
  union {
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
    struct cmsghdr aligned;
  } control;
  struct iovec piece = {bytes, size};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got = recvmsg(fd, &message, 0);
  if (got < 0) fail(EXIT_SYSTEM, "reading from the broker: %s", strerror(errno));
  if (got == 0) fail(EXIT_REFUSED, "the broker closed the connection of ping");
  *arrived_ns = now_ns();
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec time;
    memcpy(&time, CMSG_DATA(header), sizeof time);
    *arrived_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
  }
  return (size_t)got;
}

static void send_all(int fd, const uint8_t *bytes, size_t length) {
  if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) fail(EXIT_REFUSED, "writing to the broker failed");
}

static size_t put_string(uint8_t *at, const char *text) {
  size_t length = strlen(text);
  at[0] = 0;
  at[1] = (uint8_t)length;
  memcpy(at + 2, text, length);
  return 2 + length;
}

static void connect_as(int fd, const char *user) {
  bool has_user = strcmp(user, "-") != 0;
  uint8_t packet[128] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, has_user ? 0xc2 : 2, 0, 0}, answer[4];
  uint64_t arrived_ns;
  size_t length = 12;
  length += put_string(packet + length, "ping");
  if (has_user) {
    length += put_string(packet + length, user);
    length += put_string(packet + length, user);
  }
  packet[1] = (uint8_t)(length - 2);
  send_all(fd, packet, length);
  for (size_t got = 0; got < sizeof answer;) got += receive(fd, answer + got, sizeof answer - got, &arrived_ns);
  if (answer[0] != 0x20 || answer[3] != 0) fail(EXIT_REFUSED, "the broker answered ping with CONNACK 0x%02x", answer[3]);
}

int main(int argc, char **argv) {
  const uint64_t gap_ns = 1000000;
  if (argc != 3 || strlen(argv[2]) > 40) fail(EXIT_USAGE, "Usage: ping PORT USER");
  struct link link;
  link_open(&link, 0, &(struct link_options){.port = atoi(argv[1])});
  link_block(&link);
  int on = 1;
  setsockopt(link.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  connect_as(link.fd, argv[2]);
  puts("{}");
  fflush(stdout);

  uint64_t longest_ns = 0, sent_ns = 0, next_ns = now_ns(), count = 0;
  bool waits = false;
  for (;;) {
    struct pollfd files[] = {{.fd = link.fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    uint64_t now = now_ns();
    if (!waits && now >= next_ns) {
      sent_ns = now_ns();
      send_all(link.fd, (uint8_t[]){0xc0, 0}, 2);
      waits = true;
    }
    struct timespec timeout = {0, waits ? 100000000 : (long)(next_ns > now ? next_ns - now : 0)};
    if (ppoll(files, 2, &timeout, NULL) < 0 && errno != EINTR) fail(EXIT_SYSTEM, "ppoll: %s", strerror(errno));
    if (files[0].revents != 0) {
      uint8_t answer[2];
      uint64_t arrived_ns;
      for (size_t got = 0; got < sizeof answer;) got += receive(link.fd, answer + got, sizeof answer - got, &arrived_ns);
      if (answer[0] != 0xd0 || !waits) fail(EXIT_PROTOCOL, "the broker sent 0x%02x instead of PINGRESP", answer[0]);
      uint64_t took_ns = arrived_ns > sent_ns ? arrived_ns - sent_ns : 0;
      if (took_ns > longest_ns) longest_ns = took_ns;
      count++;
      waits = false;
      next_ns = now_ns() + gap_ns;
    }
    if (files[1].revents != 0) {
      char line[16];
      if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
      /* What still waits has waited so long at least. */
      uint64_t waiting_ns = waits ? now_ns() - sent_ns : 0;
      printf("{\"pings\":%llu,\"longest_ms\":%.3f}\n", (unsigned long long)count,
             (double)(waiting_ns > longest_ns ? waiting_ns : longest_ns) / 1e6);
      fflush(stdout);
      longest_ns = count = 0;
    }
  }
}
