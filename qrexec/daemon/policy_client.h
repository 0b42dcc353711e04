/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask the policy: the policy daemon's socket, else the policy program. */
#ifndef QREXEC_POLICY_CLIENT_H
#define QREXEC_POLICY_CLIENT_H

#include "answer.h"

/**
 * @param program  run as "PROGRAM -- SOURCE TARGET SERVICE" when the daemon does not answer
 * @param requested_source  the RemoteVM that the source speaks for, or empty
 * @return 0 with an answer, -errno (treat as denied) with the reason logged
 */
int policy_ask(const char *program, const char *source, const char *requested_source, const char *target,
               const char *service, struct answer *answer);

#endif
