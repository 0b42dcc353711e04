/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find a service and its configuration on the search paths, and connect to socket services. */
#ifndef QREXEC_SERVICE_H
#define QREXEC_SERVICE_H

#include "command.h"
#include "config.h"

enum service_kind { SERVICE_EXECUTABLE, SERVICE_SOCKET, SERVICE_TCP };

struct service {
    enum service_kind kind;
    char *path;
    char host[64]; /* TCP: numeric */
    char port[8];
};

/**
 * Look a service up: SERVICE+ARG in all directories of $QREXEC_SERVICE_PATH, then SERVICE.
 * @return 0 (free with service_free); EXIT_SERVICE_NOT_FOUND or EXIT_QREXEC_PROBLEM, reason logged
 */
int service_find(const struct command *command, struct service *service);

void service_free(struct service *service);

/** Read the service's configuration, if there is a file. @return 0, or -errno with the reason logged */
int service_read_config(const struct command *command, struct service_config *config);

/** Connect to a socket or TCP service. @return fd or -errno, reason logged */
int service_connect(const struct service *service);

/** Take "/dev/tcp[/HOST[/PORT]]" and the argument to a host and a port, numbers only. @return 0 or -EINVAL */
int service_tcp_address(const char *link, const char *argument, struct service *service);

#endif
