/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's calls: served (a worker each), or made by qrexec-client-vm (a socket each). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent.h"
#include "command.h"
#include "data.h"
#include "libvchan.h"
#include "util.h"

#define FAIL_TRIES           3
#define FAIL_CONNECT_SECONDS 5 /* the call was under way: its data channel is open, or was */

static struct connection *connection_new(struct agent *a)
{
    for (struct connection *c = a->connections; c < a->connections + MAX_CONNECTIONS; c++) {
        if (c->used)
            continue;
        memset(c, 0, sizeof(*c));
        c->used = true;
        c->channel.fd = -1;
        return c;
    }
    qlog("too many calls at once");
    return NULL;
}

static void tell_terminated(struct agent *a, uint32_t domain, uint32_t port)
{
    struct exec_params params = {.domain = domain, .port = port};

    if (a->ready)
        channel_send(&a->dom0, MSG_CONNECTION_TERMINATED, &params, sizeof(params));
}

static void connection_end(struct agent *a, struct connection *c)
{
    if (c->connected)
        tell_terminated(a, c->domain, c->port);
    channel_close(&c->channel);
    c->used = false;
}

/* What a worker gets: this, then the command with its NUL. */
struct order {
    uint32_t type; /* MSG_EXEC_CMDLINE, MSG_JUST_EXEC; 0: tell the caller that its call failed */
    struct exec_params params;
};

_Static_assert(sizeof(struct order) + MAX_FORWARDED < WORKER_ORDER_MAX, "every command fits");

static int tell_failed(struct serve *s)
{
    struct run run = {.capture_stderr = true};

    s->connect_seconds = FAIL_CONNECT_SECONDS;
    serve_fail(s, &run);
    libvchan_close(run.vchan);
    return 0;
}

static int serve_order(void *context, const char *packet, size_t size)
{
    const struct agent *a = context;
    struct order order;
    struct serve s = {.fork_server = a->fork_server, .connect_seconds = SERVE_CONNECT_SECONDS};
    char *user;
    int ret;

    prctl(PR_SET_PDEATHSIG, SIGUSR2); /* the agent's death counts as dom0's: see connection_forget_all() */
    if (size <= sizeof(order))
        return EXIT_QREXEC_PROBLEM;
    memcpy(&order, packet, sizeof(order));
    s.type = order.type;
    s.domain = order.params.domain;
    s.port = order.params.port;
    if (!order.type)
        return tell_failed(&s);
    s.command = command_user(packet + sizeof(order), &user);
    if (!s.command) {
        qlog("dom0 sent a command without a user");
        return EXIT_QREXEC_PROBLEM;
    }
    s.user = user;
    ret = serve_call(&s);
    free(user);
    return ret;
}

int connection_start_workers(struct agent *a)
{
    return workers_start(&a->workers, serve_order, a, -1, true);
}

static int give_order(struct agent *a, struct connection *c, uint32_t type, const char *command, size_t size)
{
    struct order order = {.type = type, .params = {.domain = c->domain, .port = c->port}};
    struct iovec parts[2] = {{&order, sizeof(order)}, {(char *)command, size}};

    if (++a->last_order == 0)
        ++a->last_order;
    c->order = a->last_order;
    return workers_order(&a->workers, c->order, true, parts, 2);
}

void connection_serve(struct agent *a, uint32_t type, const char *body, size_t size)
{
    struct connection *c = connection_new(a);
    struct exec_params params;

    memcpy(&params, body, sizeof(params));
    if (!c) {
        tell_terminated(a, params.domain, params.port);
        return;
    }
    c->domain = params.domain;
    c->port = params.port;
    c->connected = true;
    if (give_order(a, c, type, body + sizeof(params), size - sizeof(params)) < 0) {
        qlog_errno("no process for a call");
        connection_end(a, c);
    }
}

/* A worker that was killed may have left a caller who still waits for it; so may the one that was to tell
 * him. */
static void connection_served(struct agent *a, struct connection *c, int status)
{
    bool again = status == WORKER_KILLED && c->connected && c->failures < FAIL_TRIES;

    c->failures++;
    if (!again || give_order(a, c, 0, "", 1) < 0)
        connection_end(a, c);
}

int connection_results(struct agent *a)
{
    struct worker_result result;
    int ret;

    while ((ret = workers_result(&a->workers, &result)) > 0)
        for (struct connection *c = a->connections; c < a->connections + MAX_CONNECTIONS; c++)
            if (c->used && c->order == result.id) {
                connection_served(a, c, result.status);
                break;
            }
    return ret;
}

void connection_accept(struct agent *a)
{
    int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct connection *c;

    if (fd < 0)
        return;
    c = connection_new(a);
    if (!c) {
        close(fd);
        return;
    }
    channel_init(&c->channel, NULL, fd);
}

/* Older daemons know only older forms of the question. */
static int forward(struct agent *a, const struct trigger_service4 *t, const char *service, size_t size)
{
    struct trigger_service3 v3;
    struct trigger_service v2 = {0};

    if (a->version >= 4)
        return channel_send2(&a->dom0, MSG_TRIGGER_SERVICE4, t, sizeof(*t), service, size);
    if (t->source[0])
        return -EPROTONOSUPPORT;
    if (a->version == 3) {
        memcpy(v3.target, t->target, sizeof(v3.target));
        memcpy(v3.ident, t->ident, sizeof(v3.ident));
        return channel_send2(&a->dom0, MSG_TRIGGER_SERVICE3, &v3, sizeof(v3), service, size);
    }
    if (size > sizeof(v2.service) || strlen(t->target) >= sizeof(v2.target))
        return -EMSGSIZE;
    memcpy(v2.service, service, size);
    memcpy(v2.target, t->target, strlen(t->target));
    memcpy(v2.ident, t->ident, sizeof(v2.ident));
    return channel_send(&a->dom0, MSG_TRIGGER_SERVICE, &v2, sizeof(v2));
}

static int ask_dom0(struct agent *a, struct connection *c, const char *body, size_t size)
{
    struct trigger_service4 trigger;

    if (c->asked || c->channel.header.type != MSG_TRIGGER_SERVICE4 || size <= sizeof(trigger) ||
        body[size - 1])
        return -EPROTO;
    if (!a->ready || a->dom0.out.used > AGENT_QUEUE_LIMIT) {
        qlog("a call was refused: no connection to dom0");
        return -ENOTCONN;
    }
    memcpy(&trigger, body, sizeof(trigger));
    trigger.target[sizeof(trigger.target) - 1] = 0;
    snprintf(c->ident, sizeof(c->ident), "SOCKET%u", ++a->last_ident);
    memset(trigger.ident, 0, sizeof(trigger.ident));
    memcpy(trigger.ident, c->ident, strlen(c->ident));
    c->asked = true;
    return forward(a, &trigger, body + sizeof(trigger), size - sizeof(trigger));
}

void connection_event(struct agent *a, struct connection *c)
{
    int ret = channel_flush(&c->channel);

    while (ret >= 0 &&
           (ret = channel_receive(&c->channel, sizeof(struct trigger_service4) + MAX_SERVICE)) > 0) {
        ret = ask_dom0(a, c, c->channel.body, c->channel.header.len);
        channel_next(&c->channel);
    }
    if (ret < 0)
        connection_end(a, c);
}

void connection_answer(struct agent *a, const char *ident, const struct exec_params *where)
{
    struct connection *c = a->connections;

    while (c < a->connections + MAX_CONNECTIONS &&
           !(c->used && c->asked && !c->connected && strcmp(c->ident, ident) == 0))
        c++;
    if (c == a->connections + MAX_CONNECTIONS) {
        /* The client did not wait: the port must not stay taken. */
        if (where)
            tell_terminated(a, where->domain, where->port);
        return;
    }
    if (!where) {
        connection_end(a, c);
        return;
    }
    c->domain = where->domain;
    c->port = where->port;
    c->connected = true;
    if (send(c->channel.fd, where, sizeof(*where), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(*where))
        connection_end(a, c);
}

void connection_forget_all(struct agent *a)
{
    a->ready = false;
    workers_cancel(&a->workers);
    for (struct connection *c = a->connections; c < a->connections + MAX_CONNECTIONS; c++) {
        if (!c->used)
            continue;
        if (c->asked && !c->connected)
            connection_end(a, c);
        c->connected = false; /* the next daemon does not know this port; it may give it to another call */
    }
}
