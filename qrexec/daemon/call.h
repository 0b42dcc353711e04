/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decide and carry out one call that a VM asked for; runs in a process of its own. */
#ifndef QREXEC_CALL_H
#define QREXEC_CALL_H

#include <stdint.h>

struct call_settings {
    const char *socket_dir;
    const char *policy_program;
    const char *domain_name;
    uint32_t domain_id;
};

struct call {
    const char *requested_source; /* may be empty */
    const char *target;
    const char *service;
    const char *ident;
};

/** Ask the policy and do what it says. @return 0 if the call was made, else an exit status (the VM is
 * refused) */
int call_handle(const struct call_settings *settings, const struct call *call);

#endif
