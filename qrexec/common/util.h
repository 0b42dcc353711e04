/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers that every qrexec program uses: log lines, whole reads and writes, sockets, buffers. */
#ifndef QREXEC_UTIL_H
#define QREXEC_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Log one line "program: message" to stderr. */
void qlog(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** As qlog(), with ": " and the text of errno. */
void qlog_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Write all, retrying; for blocking descriptors. @return 0 or -errno */
int write_all(int fd, const void *data, size_t size);

/** Read exactly size bytes from a blocking descriptor. @return 0, -EPIPE on an early end, or -errno */
int read_all(int fd, void *data, size_t size);

/** Close *fd if it is open and set it to -1. */
void close_fd(int *fd);

/** Move fd above 2 so that redirecting stdio cannot hit it. @return the new fd (old one closed) or -1 */
int above_stdio(int fd);

/** Connect to a Unix stream socket; any length of path. @return fd or -errno */
int unix_connect(const char *path);

/**
 * Listen on a Unix stream socket, replacing a stale file.
 * @param mode  permissions of the socket file
 * @return non-blocking fd or -errno
 */
int unix_listen(const char *path, mode_t mode, int backlog);

/** Milliseconds of the monotonic clock. */
int64_t now_ms(void);

/** Read an unsigned number that is the whole string. @return false unless it is a decimal number <= max */
bool parse_number(const char *text, uint32_t max, uint32_t *number);

/* A queue of bytes in order. Zeroed is empty. */
struct buffer {
    char *data;
    size_t start, used, size;
};

/** Append. @return 0, or -ENOMEM */
int buffer_add(struct buffer *b, const void *data, size_t size);

/** Drop bytes from the front. */
void buffer_drop(struct buffer *b, size_t size);

/** Free what it holds; it is empty again. */
void buffer_free(struct buffer *b);

#endif
