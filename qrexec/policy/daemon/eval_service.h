/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.EvalSimple and policy.EvalGUI: a domain asks what the policy would say to a call between two others.
 */
#ifndef QREXEC_POLICY_EVAL_SERVICE_H
#define QREXEC_POLICY_EVAL_SERVICE_H

#include "policy_daemon.h"

/*
 * Look at what came so far: "SERVICE+QUERIED CALLER …\0" from qrexec, then "source\0target" from the caller.
 * True: done, answered or not.
 */
bool eval_service_take(struct policy_daemon *daemon, int fd, enum policy_service service,
                       char *untrusted_text, size_t len, bool end);

#endif
