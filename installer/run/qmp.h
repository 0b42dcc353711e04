/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few commands of QEMU's machine protocol (docs/interop/qmp-spec) that showing the distribution needs. */
#ifndef BULKHEAD_RUN_QMP_H
#define BULKHEAD_RUN_QMP_H

#include <stddef.h>

struct qmp {
    int fd;
};

/** Connect to QEMU's QMP socket and leave its negotiation mode. Returns 0 or a negative errno; retries for 5
 * s. */
int qmp_connect(struct qmp *qmp, const char *path);

/**
 * Send one command, wait for its answer (at most 10 s), passing over events.
 * arguments is a JSON object or NULL; answer gets the answer's text.
 * Returns 0, -EREMOTEIO when QEMU answered with an error, or another negative errno.
 */
int qmp_command(struct qmp *qmp, const char *command, const char *arguments, char *answer, size_t size);

/** Save the screen as a PNG file. */
int qmp_screenshot(struct qmp *qmp, const char *path);

/** Copy the string value of a key out of an answer; enough JSON for QEMU's flat answers. Returns 0 or
 * -ENOENT. */
int qmp_string(const char *answer, const char *key, char *value, size_t size);

void qmp_close(struct qmp *qmp);

#endif
