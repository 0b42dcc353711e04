/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to the policy and its answer, as text on a socket (protocol notes, section 2.6), and the way
 * from the one to the other: decide, ask the user if the policy says so, tell the user, log.
 */
#ifndef QREXEC_POLICY_QUESTION_H
#define QREXEC_POLICY_QUESTION_H

#include "../lib/policy.h"

#define POLICY_ANSWER_MAX   4096  /* what qrexec-daemon reads */
#define POLICY_QUESTION_MAX 70000 /* a service may have 65000 bytes */

struct policy_question {
    const char *source, *target, *service, *requested_source;
    bool assume_yes, just_evaluate;
};

/*
 * Parse the lines KEY=VALUE in `untrusted_text`, in place; `end` tells that no more will come. 1: complete,
 * 0: more is needed, -EINVAL: not a legal question (it gets no answer). The byte after the text may be
 * overwritten.
 */
int policy_question_parse(char *untrusted_text, size_t len, bool end, struct policy_question *question);

/* A question on its way. Its texts, the policy and the info must outlive it. */
struct policy_call {
    const struct policy *policy;
    const struct system_info *info;
    struct policy_question question;
    struct policy_request request;
    struct policy_decision decision;
};

/* Decide. The decision is POLICY_ASK only if the user has to be asked now: see policy_call_ask(). */
void policy_call_start(struct policy_call *call, const struct policy *policy, const struct system_info *info,
                       const struct policy_question *question);
/*
 * Ask the user through the agent in the source's GUI domain; blocks until there is an answer, or until the
 * peer of the socket `asker` (-1: none) has gone.
 */
void policy_call_ask(struct policy_call *call, int asker);
/* Log the decision and write the answer's text, each line ended by a newline; its length. */
size_t policy_call_answer(struct policy_call *call, char *answer, size_t size);
/* The GUI domain that is to be told of the decision, or NULL. */
const char *policy_call_notify_whom(const struct policy_call *call);
/* Tell it; blocks. Failure is only logged. */
void policy_call_notify(const struct policy_call *call);
void policy_call_clear(struct policy_call *call);

#endif
