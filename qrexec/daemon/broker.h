/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker: a process beside the daemon that starts a handler for each checked request. The daemon itself,
 * which reads what the VM sends, may then be locked down: it neither forks nor executes.
 */
#ifndef QREXEC_BROKER_H
#define QREXEC_BROKER_H

#include <stdint.h>

#include "call.h"

/** The outcome of a request. */
struct broker_result {
    uint32_t id;
    int32_t status; /* 0: the call was made */
};

/** Start the broker. @param not_its_own  a descriptor to close there, or -1. @return our end of a
 * SOCK_SEQPACKET pair (non-blocking), or -errno */
int broker_start(const struct call_settings *settings, int not_its_own);

/** Hand a request over. @return 0, or -errno if the broker is busy or gone */
int broker_send(int fd, uint32_t id, const struct call *call);

/** Take a result. @return 1, 0 if there is none, -errno if the broker is gone */
int broker_receive(int fd, struct broker_result *result);

#endif
