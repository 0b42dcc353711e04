/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service's configuration file: "key = value" lines, a small part of TOML. Pure parser. */
#ifndef QREXEC_CONFIG_H
#define QREXEC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct service_config {
    bool wait_for_session;
    bool skip_service_descriptor;
    bool exit_on_client_eof;
    bool exit_on_service_eof;
    char *force_user; /* NULL: none; free with service_config_free() */
};

/**
 * Parse a whole file.
 * @param problem  set to a text on failure
 * @return 0; -EINVAL with *line and *problem; -ENOMEM. On failure nothing is left to free.
 */
int service_config_parse(const char *text, size_t size, struct service_config *config, unsigned *line,
                         const char **problem);

void service_config_free(struct service_config *config);

#endif
