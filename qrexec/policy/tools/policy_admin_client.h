/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the policy.* services in dom0, from dom0 or from a domain that may administer the policy. */
#ifndef QREXEC_POLICY_ADMIN_CLIENT_H
#define QREXEC_POLICY_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct policy_admin_file {
    const char *name; /* without directory and suffix */
    bool include;     /* in include/ */
};

/*
 * Split "[include/]NAME[.policy]". False, with a message printed, if the name has bad characters. `name` may
 * be changed.
 */
bool policy_admin_name(char *name, struct policy_admin_file *file);

/*
 * Call METHOD ("List", "Get", …) with `payload` on stdin. The answer, NUL-terminated, is to be freed. Returns
 * the exit status: 0, 1 refused (the service printed why), others trouble. The environment variable
 * QUBES_POLICY_ADMIN names a program to run in place of qrexec (for tests).
 */
int policy_admin_call(const char *method, const struct policy_admin_file *file, const char *payload,
                      size_t len, char **answer, size_t *answer_len);

#endif
