/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection to the policy daemon: bytes come in until the question is whole, then it is answered. */
#ifndef QREXEC_POLICY_CLIENT_H
#define QREXEC_POLICY_CLIENT_H

#include "policy_daemon.h"

#include <sys/queue.h>

struct policy_client {
    int fd;
    enum policy_service service;
    TAILQ_ENTRY(policy_client) all;
    char *untrusted_text; /* one byte larger than `room` tells */
    size_t len, room;
    char inside[1024]; /* enough for nearly every question */
};

struct policy_client *policy_client_new(int fd, enum policy_service service);
/* Read what is there. True: the connection is done with, be it answered or not. */
bool policy_client_read(struct policy_client *client, struct policy_daemon *daemon);
void policy_client_free(struct policy_client *client);

#endif
