/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question to the qrexec policy daemon (protocol page, section 2.6), without blocking. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

struct policy_question;

/*
 * May `source` use `service` on `target`? `answer` is called once, later, with false for anything but a clear
 * yes for exactly that target. `socket_path` NULL: $QUBES_POLICY_SOCKET, else /run/qubes/policy.sock. NULL if
 * it cannot be asked (errno): then `answer` is not called.
 */
struct policy_question *policy_ask(const char *socket_path, const char *source, const char *target,
                                   const char *service, void (*answer)(void *data, bool allowed), void *data);

/* Forget the question; not after the answer came. NULL is fine. */
void policy_cancel(struct policy_question *question);

/* Is this complete answer a well-formed "allow" for `target`? Pure. */
bool policy_answer_allows(const char *text, size_t length, const char *target);

#endif
