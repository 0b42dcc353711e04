/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call that a VM asked for: policy, then dom0, a running or to-be-started VM, or a new disposable. */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "dom0.h"
#include "policy_client.h"
#include "qubesd.h"
#include "util.h"

#define DISPVM          "@dispvm:"
#define DOM0_VCHAN_WAIT 5  /* seconds for the source to open its data channel */
#define START_WAIT      60 /* seconds from admin.vm.Start to the daemon's socket */
#define START_RETRY_MS  50

/* A call while it is handled. */
struct handling {
    const struct call_settings *s;
    const struct call *call;
    int source; /* connection with the caller's daemon */
};

struct target {
    const char *name;   /* for the domain manager */
    const char *socket; /* for the daemon's socket: the uuid when known */
    bool autostart;
    bool wait_end;
};

static const char *plus(const char *service)
{
    return strchr(service, '+') ? "" : "+";
}

static int serve_in_dom0(const struct handling *h, const struct answer *a, const char *service,
                         const char *source)
{
    bool keyword = a->requested_target[0] == '@';
    char *command;
    int ret;

    if (asprintf(&command, "QUBESRPC %s%s %s %s %s", service, plus(service), source,
                 keyword ? "keyword" : "name", a->requested_target + keyword) < 0)
        return EXIT_QREXEC_PROBLEM;
    ret = dom0_serve(h->source, h->call->ident, command, DOM0_VCHAN_WAIT);
    free(command);
    return ret < 0 ? EXIT_QREXEC_PROBLEM : 0;
}

static int connect_target(const struct call_settings *s, const struct target *t)
{
    int fd = dom0_connect(s->socket_dir, t->socket);

    /* a daemon may have been started without its uuid */
    if (fd == -ENOENT && strcmp(t->socket, t->name) != 0)
        fd = dom0_connect(s->socket_dir, t->name);
    return fd;
}

/* Connect to the target's daemon, starting the domain if that is allowed and needed. */
static int reach_target(const struct call_settings *s, const struct target *t)
{
    int fd = connect_target(s, t), ret;
    int64_t end;

    if (fd != -ENOENT && fd != -ECONNREFUSED)
        return fd;
    if (!t->autostart) {
        qlog("%s is not running and the policy says autostart=no", t->name);
        return fd;
    }
    ret = qubesd_call("admin.vm.Start", t->name, "", NULL, 0);
    if (ret < 0 && ret != -EALREADY)
        return ret;
    end = now_ms() + START_WAIT * 1000;
    while ((fd = connect_target(s, t)) == -ENOENT || fd == -ECONNREFUSED) {
        struct timespec pause = {.tv_nsec = START_RETRY_MS * 1000000L};

        if (now_ms() > end)
            break;
        nanosleep(&pause, NULL);
    }
    return fd;
}

static int call_vm(const struct handling *h, const struct target *t, const char *command)
{
    struct exec_params where;
    int fd = reach_target(h->s, t), ret;

    if (fd < 0) {
        qlog("cannot connect to the daemon of %s: %s", t->name, strerror(-fd));
        return EXIT_QREXEC_PROBLEM;
    }
    ret = dom0_request_exec(fd, MSG_EXEC_CMDLINE, h->s->domain_id, command, &where);
    if (ret == 0)
        ret = dom0_service_connect(h->source, &where, h->call->ident);
    if (ret == 0 && t->wait_end)
        dom0_wait_end(fd);
    close(fd);
    return ret < 0 ? EXIT_QREXEC_PROBLEM : 0;
}

static int call_disposable(const struct handling *h, const struct answer *a, const char *command)
{
    char name[256];
    struct target t = {.name = name, .socket = name, .autostart = true, .wait_end = true};
    int ret;

    if (!a->autostart) {
        qlog("a disposable cannot be made with autostart=no");
        return EXIT_QREXEC_PROBLEM;
    }
    ret = qubesd_call("admin.vm.CreateDisposable", a->target + strlen(DISPVM), a->target_uuid ? "uuid" : "",
                      name, sizeof(name));
    if (ret < 0)
        return EXIT_QREXEC_PROBLEM;
    ret = call_vm(h, &t, command);
    qubesd_call("admin.vm.Kill", name, "", NULL, 0);
    return ret;
}

static int carry_out(const struct handling *h, const struct answer *a)
{
    bool remote = *h->call->requested_source && a->policy_source;
    const char *source = remote ? a->policy_source : h->s->domain_name;
    const char *service = a->service ? a->service : h->call->service;
    struct target t = {.name = a->target, .socket = a->target_uuid ? a->target_uuid : a->target};
    char *command;
    int ret;

    t.autostart = a->autostart;
    if (dom0_is(a->target))
        return serve_in_dom0(h, a, service, source);
    if (asprintf(&command, "%s:QUBESRPC %s%s %s", a->user, service, plus(service), source) < 0)
        return EXIT_QREXEC_PROBLEM;
    if (strncmp(a->target, DISPVM, strlen(DISPVM)) == 0)
        ret = call_disposable(h, a, command);
    else
        ret = call_vm(h, &t, command);
    free(command);
    return ret;
}

/* The caller's daemon has time to accept our connection while the policy thinks. */
int call_handle(const struct call_settings *s, const struct call *c)
{
    static struct answer answer; /* 4 KiB: not on the stack of a small process */
    struct handling h = {.s = s, .call = c};
    char number[16];

    snprintf(number, sizeof(number), "%u", s->domain_id);
    h.source = dom0_connect(s->socket_dir, number);
    if (h.source < 0) {
        qlog("cannot connect to the daemon of %s: %s", s->domain_name, strerror(-h.source));
        return EXIT_QREXEC_PROBLEM;
    }
    if (policy_ask(s->policy_program, s->domain_name, c->requested_source, c->target, c->service, &answer) <
            0 ||
        !answer.allow)
        return EXIT_REFUSED;
    return carry_out(&h, &answer);
}
