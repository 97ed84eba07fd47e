/* How the programs of this folder end when something is wrong, and memory that is there or ends them. */
#ifndef FAILURE_H
#define FAILURE_H
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum exit_code {
  EXIT_SYSTEM = 1,   /* no connection, no memory, too few file descriptors */
  EXIT_USAGE = 2,    /* an option is wrong */
  EXIT_REFUSED = 3,  /* the broker refused something or closed a connection */
  EXIT_PROTOCOL = 4, /* the broker sent what no broker may send */
  EXIT_FORGOT = 5,   /* the broker does not know the session to which a subscriber returned */
};

__attribute__((format(printf, 2, 3), noreturn, unused))
static void fail(enum exit_code code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(code);
}

__attribute__((unused))
static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) fail(EXIT_SYSTEM, "out of memory");
  return memory;
}

__attribute__((unused))
static void *reallocate(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (memory == NULL) fail(EXIT_SYSTEM, "out of memory");
  return memory;
}
#endif
