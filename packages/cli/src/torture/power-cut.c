/*
 * Remembers what a power cut would take away. Preloaded into a process (LD_PRELOAD), it stands between the program and
 * the C library. Before a file below one folder changes, it writes to a log what was there before; when the program has
 * made a file durable, the log says that as well. The log outlives SIGKILL, and whoever reads it afterwards can take
 * back what was not durable. The layout of a record stands in `struct record`; undo-log.ts reads it.
 *
 * Syncing takes a given time longer, as on a slow disk, so that a kill at any moment often meets something that is not
 * durable.
 *
 * Takes contents and lengths into account, not names: creating, renaming and removing a file counts as durable at once,
 * and so does emptying it by opening it. Other ways of the C library to change a file are noted in the log; system calls
 * past it are not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* These would otherwise be made of each other by macros of 64-bit offsets, or be unknown to older headers. */
#ifdef __USE_FILE_OFFSET64
#error "compile without -D_FILE_OFFSET_BITS: both names of each function are wanted"
#endif

#define EXPORT __attribute__((visibility("default")))

enum kind {
  /* `bytes`: what was at `offset`; it is shorter than `length` where the file ended. */
  CHANGE = 1,
  /* All changes of the file (0: of all files) whose records lie before `offset` of the log are durable. */
  SYNCED = 2,
  /* The change whose record lies at `offset` of the log is durable. */
  LANDED = 3,
  /* A change that is not known here may have happened. `bytes`: how, and the path of the file. */
  UNKNOWN = 4,
};

/* In the byte order of the machine; `bytes_length` bytes follow it. */
struct record {
  uint64_t kind;
  uint64_t file; /* inode */
  uint64_t offset;
  uint64_t length;
  uint64_t size_before;
  uint64_t size_after;
  uint64_t bytes_length;
};

static int log_fd = -1;
static char folder[PATH_MAX];
static size_t folder_length;
static struct timespec sync_delay;
/* Held from before a change is logged until it has happened, so that an fsync between the two does not count for it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name)                                                      \
  static __typeof__(&name) real;                                        \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t real_writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  return real(fd, parts, count);
}

static int real_open(const char *path, int flags, mode_t mode) {
  REAL(open);
  return real(path, flags, mode);
}

static void give_up(const char *why) {
  fprintf(stderr, "power-cut: %s: %s\n", why, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("CAULDRON_POWER_CUT_LOG");
  const char *below = getenv("CAULDRON_POWER_CUT_FOLDER");
  const char *delay_ms = getenv("CAULDRON_POWER_CUT_SYNC_MS");
  if (log == NULL || below == NULL) return;
  if (delay_ms != NULL) sync_delay.tv_nsec = atol(delay_ms) * 1000000;
  if (realpath(below, folder) == NULL) give_up("the folder cannot be found");
  folder_length = strlen(folder);
  log_fd = real_open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (log_fd < 0) give_up("the log cannot be opened");
}

/* Where the next record will lie. Call it with the mutex. */
static uint64_t log_end(void) {
  struct stat status;
  if (fstat(log_fd, &status) != 0) give_up("the log cannot be looked at");
  return (uint64_t)status.st_size;
}

/* Call it with the mutex. One write: records of several processes do not mix. */
static void append(struct record *record, const void *bytes) {
  struct iovec parts[2] = {{record, sizeof *record}, {(void *)bytes, record->bytes_length}};
  ssize_t wanted = (ssize_t)(sizeof *record + record->bytes_length);
  if (real_writev(log_fd, parts, record->bytes_length == 0 ? 1 : 2) != wanted) give_up("the log cannot be written");
}

/* Whether that is a file of the folder. */
static int is_watched(int fd, struct stat *status, char path[PATH_MAX]) {
  if (log_fd < 0 || fd < 0) return 0;
  int before = errno;
  int found = 0;
  if (fstat(fd, status) == 0 && S_ISREG(status->st_mode)) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length > 0) {
      path[length] = '\0';
      found = (size_t)length > folder_length && memcmp(path, folder, folder_length) == 0 && path[folder_length] == '/';
    }
  }
  errno = before;
  return found;
}

static void note_unknown(int fd, const char *how) {
  struct stat status;
  char path[PATH_MAX];
  if (!is_watched(fd, &status, path)) return;
  int before = errno;
  char text[PATH_MAX + 32];
  int length = snprintf(text, sizeof text, "%s %s", how, path);
  struct record record = {.kind = UNKNOWN, .file = status.st_ino, .bytes_length = (uint64_t)length};
  pthread_mutex_lock(&mutex);
  append(&record, text);
  pthread_mutex_unlock(&mutex);
  errno = before;
}

/*
 * A descriptor that can be read. Those that are opened for it stay open: to close one would take away the locks that the
 * process has on the file.
 */
static int readable(int fd, int flags, const struct stat *status) {
  static struct {
    dev_t device;
    ino_t file;
    int fd;
  } opened[256];
  static int count;
  if ((flags & O_ACCMODE) != O_WRONLY) return fd;
  for (int i = 0; i < count; i++) {
    if (opened[i].device == status->st_dev && opened[i].file == status->st_ino) return opened[i].fd;
  }
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int reader = real_open(link, O_RDONLY | O_CLOEXEC, 0);
  if (reader < 0) give_up("a file cannot be read");
  if (count < (int)(sizeof opened / sizeof opened[0])) {
    opened[count].device = status->st_dev;
    opened[count].file = status->st_ino;
    opened[count++].fd = reader;
  }
  return reader;
}

struct change {
  uint64_t file;
  /* Of its record in the log. */
  uint64_t position;
  /* Durable as soon as the call returns. */
  int is_synchronous;
};

enum { AT_POSITION = -1, NOT_WRITTEN = -2 };

/*
 * Logs a change that is about to happen. Returns 0 for a file that does not matter; otherwise the mutex is held until
 * `changed`. `offset`: of the bytes to be written, or AT_POSITION; or NOT_WRITTEN, and then the file gets the length
 * `length`.
 */
static int changing(int fd, off64_t offset, uint64_t length, int is_synchronous, struct change *change) {
  struct stat status;
  char path[PATH_MAX];
  if (!is_watched(fd, &status, path)) return 0;
  int before = errno;
  pthread_mutex_lock(&mutex);
  if (fstat(fd, &status) != 0) give_up("a file cannot be looked at");
  int flags = fcntl(fd, F_GETFL);
  uint64_t size = (uint64_t)status.st_size;
  struct record record = {.kind = CHANGE, .file = status.st_ino, .size_before = size};
  if (offset == NOT_WRITTEN) {
    record.offset = length;
    record.length = length < size ? size - length : 0;
    record.size_after = length;
  } else {
    if (flags & O_APPEND) record.offset = size;
    else record.offset = (uint64_t)(offset == AT_POSITION ? lseek64(fd, 0, SEEK_CUR) : offset);
    record.length = length;
    record.size_after = record.offset + length > size ? record.offset + length : size;
  }
  uint64_t left = record.offset < size ? size - record.offset : 0;
  record.bytes_length = record.length < left ? record.length : left;
  char *bytes = malloc(record.bytes_length + 1);
  if (bytes == NULL) give_up("no memory");
  if (record.bytes_length > 0) {
    ssize_t got = pread64(readable(fd, flags, &status), bytes, record.bytes_length, (off64_t)record.offset);
    if (got != (ssize_t)record.bytes_length) give_up("a file cannot be read");
  }
  change->file = status.st_ino;
  change->position = log_end();
  change->is_synchronous = is_synchronous || (flags & O_DSYNC) != 0;
  append(&record, bytes);
  free(bytes);
  errno = before;
  return 1;
}

/* It has happened, or failed: then there is nothing to be taken back, and that does no harm. */
static void changed(const struct change *change) {
  int before = errno;
  if (change->is_synchronous) {
    nanosleep(&sync_delay, NULL);
    struct record record = {.kind = LANDED, .file = change->file, .offset = change->position};
    append(&record, NULL);
  }
  pthread_mutex_unlock(&mutex);
  errno = before;
}

#define AROUND(fd, offset, length, is_synchronous, type, call)                     \
  struct change change;                                                           \
  if (!changing(fd, offset, length, is_synchronous, &change)) return call;        \
  type result = call;                                                             \
  changed(&change);                                                               \
  return result

static uint64_t length_of(const struct iovec *parts, int count) {
  uint64_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  return length;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(write);
  AROUND(fd, AT_POSITION, length, 0, ssize_t, real(fd, bytes, length));
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
  AROUND(fd, AT_POSITION, length_of(parts, count), 0, ssize_t, real_writev(fd, parts, count));
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  REAL(pwrite);
  AROUND(fd, offset, length, 0, ssize_t, real(fd, bytes, length, offset));
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  REAL(pwrite64);
  AROUND(fd, offset, length, 0, ssize_t, real(fd, bytes, length, offset));
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(pwritev);
  AROUND(fd, offset, length_of(parts, count), 0, ssize_t, real(fd, parts, count, offset));
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(pwritev64);
  AROUND(fd, offset, length_of(parts, count), 0, ssize_t, real(fd, parts, count, offset));
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
  REAL(pwritev2);
  if (flags & RWF_APPEND) note_unknown(fd, "pwritev2");
  int is_synchronous = (flags & (RWF_DSYNC | RWF_SYNC)) != 0;
  AROUND(fd, offset, length_of(parts, count), is_synchronous, ssize_t, real(fd, parts, count, offset, flags));
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
  REAL(pwritev64v2);
  if (flags & RWF_APPEND) note_unknown(fd, "pwritev2");
  int is_synchronous = (flags & (RWF_DSYNC | RWF_SYNC)) != 0;
  AROUND(fd, offset, length_of(parts, count), is_synchronous, ssize_t, real(fd, parts, count, offset, flags));
}

EXPORT int ftruncate(int fd, off_t length) {
  REAL(ftruncate);
  AROUND(fd, NOT_WRITTEN, (uint64_t)length, 0, int, real(fd, length));
}

EXPORT int ftruncate64(int fd, off64_t length) {
  REAL(ftruncate64);
  AROUND(fd, NOT_WRITTEN, (uint64_t)length, 0, int, real(fd, length));
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
  REAL(fallocate);
  note_unknown(fd, "fallocate");
  return real(fd, mode, offset, length);
}

EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  REAL(fallocate64);
  note_unknown(fd, "fallocate");
  return real(fd, mode, offset, length);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t length) {
  REAL(posix_fallocate);
  note_unknown(fd, "posix_fallocate");
  return real(fd, offset, length);
}

EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  REAL(posix_fallocate64);
  note_unknown(fd, "posix_fallocate");
  return real(fd, offset, length);
}

EXPORT ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t length, unsigned flags) {
  REAL(copy_file_range);
  note_unknown(to, "copy_file_range");
  return real(from, from_offset, to, to_offset, length, flags);
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  REAL(mmap);
  if ((flags & MAP_SHARED) && (protection & PROT_WRITE)) note_unknown(fd, "mmap");
  return real(address, length, protection, flags, fd, offset);
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  REAL(mmap64);
  if ((flags & MAP_SHARED) && (protection & PROT_WRITE)) note_unknown(fd, "mmap");
  return real(address, length, protection, flags, fd, offset);
}

/* What was logged until now will be durable when the call that follows has succeeded. */
static uint64_t syncing(void) {
  pthread_mutex_lock(&mutex);
  uint64_t position = log_end();
  pthread_mutex_unlock(&mutex);
  return position;
}

static void synced(uint64_t file, uint64_t position) {
  int before = errno;
  struct record record = {.kind = SYNCED, .file = file, .offset = position};
  pthread_mutex_lock(&mutex);
  append(&record, NULL);
  pthread_mutex_unlock(&mutex);
  errno = before;
}

#define AROUND_SYNC(fd, call)                       \
  struct stat status;                              \
  char path[PATH_MAX];                             \
  if (!is_watched(fd, &status, path)) return call; \
  uint64_t position = syncing();                   \
  nanosleep(&sync_delay, NULL);                    \
  int result = call;                               \
  if (result == 0) synced(status.st_ino, position); \
  return result

EXPORT int fsync(int fd) {
  REAL(fsync);
  AROUND_SYNC(fd, real(fd));
}

EXPORT int fdatasync(int fd) {
  REAL(fdatasync);
  AROUND_SYNC(fd, real(fd));
}

EXPORT int syncfs(int fd) {
  REAL(syncfs);
  if (log_fd < 0) return real(fd);
  uint64_t position = syncing();
  int result = real(fd);
  if (result == 0) synced(0, position);
  return result;
}

EXPORT void sync(void) {
  REAL(sync);
  uint64_t position = log_fd < 0 ? 0 : syncing();
  real();
  if (log_fd >= 0) synced(0, position);
}
