/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker: a process beside the daemon that starts a handler for each checked request. The daemon itself,
 * which reads what the VM sends, may then be locked down: it neither forks nor executes.
 */
#ifndef QREXEC_BROKER_H
#define QREXEC_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "call.h"

/** The outcome of a request. */
struct broker_result {
    uint32_t id;
    int32_t status; /* 0: the call was made */
};

/**
 * Start the broker.
 * @param not_its_own  a descriptor to close there, or -1
 * @param detach  not as our child: for a daemon in the foreground, whose parent may look at its children; in
 * the background systemd takes the one process without a parent for the main one
 * @return our end of a SOCK_SEQPACKET pair, or -errno
 */
int broker_start(const struct call_settings *settings, int not_its_own, bool detach);

/** Hand a request over. @return 0, or -errno if the broker is busy or gone */
int broker_send(int fd, uint32_t id, const struct call *call);

/** Take a result. @return 1, 0 if there is none, -errno if the broker is gone */
int broker_receive(int fd, struct broker_result *result);

#endif
