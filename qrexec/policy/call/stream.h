/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix stream sockets, whole messages at a time. All return a negative errno on failure. */
#ifndef QREXEC_POLICY_STREAM_H
#define QREXEC_POLICY_STREAM_H

#include <stddef.h>

/* A connected socket. `timeout` in seconds holds for each later read and write; 0: none. */
int stream_connect(const char *path, unsigned timeout);
/* A listening socket at `path`, mode 0660; what was there before is replaced. */
int stream_listen(const char *path);
int stream_write(int fd, const char *data, size_t len);
/* Wait until `fd` can be read. -ECANCELED if the peer of `asker` goes away first; -1: nobody is watched. */
int stream_wait(int fd, int asker);
/* Read up to the end of the stream into `*buffer`, which grows; more than `limit` bytes is -EMSGSIZE. */
int stream_read_all(int fd, char **buffer, size_t *room, size_t *len, size_t limit);

#endif
