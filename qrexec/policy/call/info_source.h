/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fresh system info for each question: from the domain manager's internal socket, or from a file (tests). */
#ifndef QREXEC_POLICY_INFO_SOURCE_H
#define QREXEC_POLICY_INFO_SOURCE_H

#include "../lib/system_info.h"

#include <time.h>

#define INFO_SOURCE_SOCKET "/var/run/qubesd.internal.sock"

struct info_source {
    const char *file;   /* read this instead of asking */
    const char *socket; /* NULL: INFO_SOURCE_SOCKET */
    struct system_info *info;
    char *raw; /* the answer that `info` was made of: an equal one needs no second reading */
    size_t raw_len, raw_room;
    char *spare; /* buffer of the next answer */
    size_t spare_room;
    struct timespec file_time;
    long long file_size;
};

/* The domains as they are now, owned by `source` until the next call; NULL, with the reason in `error`. */
const struct system_info *info_source_get(struct info_source *source, char *error, size_t error_size);
void info_source_clear(struct info_source *source);

/* Call a method of the domain manager; `answer` is what follows the leading "0\0", to be freed. 0 or -errno.
 */
int info_source_admin_call(const char *socket_path, const char *method, const char *dest, const char *payload,
                           char **answer, size_t *len);

#endif
