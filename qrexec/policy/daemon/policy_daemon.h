/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of qrexec-policy-daemon share. One thread, one epoll loop. */
#ifndef QREXEC_POLICY_DAEMON_H
#define QREXEC_POLICY_DAEMON_H

#include "../call/info_source.h"
#include "policy_store.h"

enum policy_service {
    POLICY_SERVICE_QUESTION,
    POLICY_SERVICE_EVAL_SIMPLE,
    POLICY_SERVICE_EVAL_GUI,
    POLICY_SERVICES
};

struct policy_daemon {
    struct policy_store store;
    struct info_source info;
    unsigned children; /* processes that wait for a user or tell one */
    bool untold;       /* the policy was read again, and nobody was told the outcome */
};

/* System info and policy as they are now; NULL, with the reason logged. */
const struct system_info *policy_daemon_info(struct policy_daemon *daemon);
const struct policy *policy_daemon_policy(struct policy_daemon *daemon);

/* Most processes that may wait for users, and most of them for mere notices. */
#define POLICY_MAX_CHILDREN 512u
#define POLICY_MAX_NOTICES  16u
/* In a child the descriptor it was told to keep is this one; all others but the standard ones are closed. */
#define POLICY_CHILD_FD 3
/* fork(), counted. 0 in the child; -1 if there are `limit` already. `keep` may be -1. */
int policy_daemon_fork(struct policy_daemon *daemon, unsigned limit, int keep);

#endif
