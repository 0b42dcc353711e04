/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to qrexec-policy-agent: through its socket in dom0, through qrexec where another domain has the
 * screen. */
#ifndef QREXEC_POLICY_AGENT_CLIENT_H
#define QREXEC_POLICY_AGENT_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#define AGENT_CLIENT_RPC_DIR "/etc/qubes-rpc" /* where dom0's sockets policy.Ask and policy.Notify are */
#define AGENT_CLIENT_QREXEC  "/usr/bin/qrexec-client"

/*
 * Send `message` to SERVICE in `domain` and wait for its answer, NUL-terminated in `reply` (NULL: not of
 * interest). 0, or a negative errno; -ECANCELED if the peer of the socket `asker` (-1: none) goes away. The
 * environment variable QREXEC_POLICY_RPC_DIR replaces AGENT_CLIENT_RPC_DIR.
 */
int agent_client_call(const char *domain, const char *service, const json_t *message, int asker, char *reply,
                      size_t size);

/*
 * Tell the user of dom0 that the policy files have an error, "FILE:LINE:COLUMN: REASON", and what that means
 * now. 0, or a negative errno.
 */
int agent_client_report(const char *where, const char *effect);

#endif
