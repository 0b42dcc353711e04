/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy in force. It follows its files by inotify; a change that makes it invalid is reported, and the
 * last good policy stays in force until the files are repaired. A flat copy of the last good one in /run lets
 * even a restarted daemon do so within the same boot.
 */
#ifndef QREXEC_POLICY_STORE_H
#define QREXEC_POLICY_STORE_H

#include "../lib/policy.h"

struct policy_store {
    struct policy_sources sources;
    const char *last_good; /* path of the flat copy; NULL: none is kept */
    struct policy *policy;
    int inotify;
    bool changed; /* files changed since the last reading */
    bool created; /* names appeared: what they are is known when all is quiet */
    bool broken;  /* what is in force is not what is in the files */
    struct policy_error error;
};

/* Read the policy and watch it. 0, or -EINVAL with store->error set if there is none that could be in force.
 */
int policy_store_open(struct policy_store *store);
/* Drain the inotify descriptor; true if anything happened. */
bool policy_store_events(struct policy_store *store);
/* Read again if something changed. True if that was tried: `broken` and `error` tell the outcome. */
bool policy_store_reload(struct policy_store *store);
void policy_store_close(struct policy_store *store);

#endif
