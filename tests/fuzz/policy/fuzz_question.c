/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arrives at the policy daemon's socket and at the agent's. */
#include "../../../qrexec/policy/agent/agent_message.h"
#include "../../../qrexec/policy/call/policy_question.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_question question;
    char *text = malloc(size + 1);

    if (size)
        memcpy(text, data, size);
    if (policy_question_parse(text, size, size & 1, &question) == 1 &&
        (!question.source || !question.target || !question.service))
        abort();
    struct agent_message *message = agent_message_read((const char *)data, size);
    if (message && message->kind == AGENT_ASK &&
        (!message->target_count || message->preset > message->target_count))
        abort();
    if (message)
        agent_message_free(message);
    free(text);
    return 0;
}
