/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_client.h"
#include "../call/policy_log.h"
#include "../call/policy_question.h"
#include "../call/stream.h"
#include "eval_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct policy_client *policy_client_new(int fd, enum policy_service service)
{
    struct policy_client *client = policy_calloc(1, sizeof(*client));

    client->fd = fd;
    client->service = service;
    client->untrusted_text = client->inside;
    client->room = sizeof(client->inside) - 1;
    return client;
}

void policy_client_free(struct policy_client *client)
{
    close(client->fd);
    if (client->untrusted_text != client->inside)
        free(client->untrusted_text);
    free(client);
}

static void make_room(struct policy_client *client)
{
    size_t room = client->room * 4;
    char *old = client->untrusted_text;
    char *text = policy_realloc(old == client->inside ? NULL : old, room + 1, 1);

    if (old == client->inside)
        memcpy(text, old, client->len);
    client->untrusted_text = text;
    client->room = room;
}

/* The answer is short and the socket's buffer empty: this does not block. */
static void answer_now(const struct policy_client *client, struct policy_call *call)
{
    char answer[POLICY_ANSWER_MAX];
    size_t len = policy_call_answer(call, answer, sizeof(answer));

    if (stream_write(client->fd, answer, len) < 0)
        policy_log(LOG_WARNING, "nobody waits for the answer any more");
    shutdown(client->fd, SHUT_RDWR);
}

static void notify(struct policy_daemon *daemon, const struct policy_call *call)
{
    if (!policy_call_notify_whom(call))
        return;
    int child = policy_daemon_fork(daemon, POLICY_MAX_NOTICES, -1);
    if (child == 0) {
        policy_call_notify(call);
        _exit(0);
    }
    if (child < 0)
        policy_log(LOG_WARNING, "too many notices at once, this one is only logged");
}

/* A user takes as long as a user takes: a process of its own waits. */
static void ask(struct policy_client *client, struct policy_daemon *daemon, struct policy_call *call)
{
    int child = policy_daemon_fork(daemon, POLICY_MAX_CHILDREN, client->fd);

    if (child > 0)
        return;
    if (child < 0) {
        policy_log(LOG_ERR, "too many questions to users are open");
        answer_now(client, call); /* still undecided: that is a refusal */
        return;
    }
    client->fd = POLICY_CHILD_FD;
    policy_call_ask(call, client->fd);
    answer_now(client, call);
    policy_call_notify(call);
    _exit(0);
}

static void answer_question(struct policy_client *client, struct policy_daemon *daemon,
                            const struct policy_question *question)
{
    const struct policy *policy = policy_daemon_policy(daemon);
    const struct system_info *info = policy_daemon_info(daemon);
    struct policy_call call;

    if (!info) {
        stream_write(client->fd, "result=deny\n", strlen("result=deny\n"));
        return;
    }
    policy_call_start(&call, policy, info, question);
    if (call.decision.action == POLICY_ASK) {
        ask(client, daemon, &call);
    } else {
        answer_now(client, &call);
        notify(daemon, &call);
    }
    policy_call_clear(&call);
}

static bool take_question(struct policy_client *client, struct policy_daemon *daemon, bool end)
{
    struct policy_question question;
    int status = policy_question_parse(client->untrusted_text, client->len, end, &question);

    if (status < 0)
        policy_log(LOG_ERR, "a question was malformed; it gets no answer");
    if (status > 0)
        answer_question(client, daemon, &question);
    return status != 0;
}

bool policy_client_read(struct policy_client *client, struct policy_daemon *daemon)
{
    if (client->len == client->room)
        make_room(client);
    ssize_t got = recv(client->fd, client->untrusted_text + client->len, client->room - client->len, 0);
    if (got < 0)
        return errno != EAGAIN && errno != EINTR;
    client->len += (size_t)got;
    if (client->service == POLICY_SERVICE_QUESTION)
        return take_question(client, daemon, got == 0);
    return eval_service_take(daemon, client->fd, client->service, client->untrusted_text, client->len,
                             got == 0);
}
