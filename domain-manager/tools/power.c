/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-start, -shutdown, -kill, -pause, -unpause. Several domains are handled at the same time. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

struct power {
    struct names names, exclude;
    bool all, skip_if_running, wait, force, dry_run;
    double timeout; /* < 0: not given */
};

/* < 0: go on. */
static int parse(struct power *p, int argc, char **argv)
{
    int done;
    const char *timeout = NULL;
    const struct tool_option options[] = {{"all", 0, TOOL_FLAG, &p->all, NULL},
                                          {"exclude", 0, TOOL_NAMES, &p->exclude, NULL},
                                          {"skip-if-running", 0, TOOL_FLAG, &p->skip_if_running, NULL},
                                          {"wait", 0, TOOL_FLAG, &p->wait, NULL},
                                          {"timeout", 0, TOOL_TEXT, &timeout, NULL},
                                          {"force", 0, TOOL_FLAG, &p->force, NULL},
                                          {"dry-run", 0, TOOL_FLAG, &p->dry_run, NULL},
                                          {"suspend", 'S', TOOL_FLAG, NULL, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    p->timeout = timeout ? atof(timeout) : -1;
    if (p->all ? optind != argc : optind == argc)
        return usage();
    for (int i = optind; i < argc; i++)
        names_add(&p->names, argv[i]);
    return p->all && !names_all(&p->names, &p->exclude) ? 1 : -1;
}

/* "Running", …; the answer must be freed. NULL: no such domain (said). */
static const char *state_of(const char *name, struct answer *a)
{
    char *state = client_call("admin.vm.List", "", name, NULL, a) ? strstr((char *)a->text, "state=") : NULL;
    if (!state)
        return NULL;
    state += strlen("state=");
    state[strcspn(state, " \n")] = 0;
    return state;
}

static bool has_state(const char *name, const char *wanted)
{
    struct answer a;
    const char *state = state_of(name, &a);
    bool is = state && strcmp(state, wanted) == 0;
    answer_free(&a);
    return is;
}

/* All at once, then collect. */
static int call_all(const struct names *names, const char *method, const char *arg, const char *verb)
{
    int *fds = calloc(names->n, sizeof *fds), st = 0;
    for (size_t i = 0; fds && i < names->n; i++)
        fds[i] = client_begin(method, arg, names->v[i], NULL);
    for (size_t i = 0; fds && i < names->n; i++) {
        char what[96];
        struct answer a = {0};
        snprintf(what, sizeof what, "%s %s", verb, names->v[i]);
        if (fds[i] < 0 || !client_end(fds[i], what, -1, &a)) {
            if (fds[i] >= 0)
                client_complain(&a);
            st = 1;
        }
        answer_free(&a);
    }
    free(fds);
    return st;
}

int cmd_start(int argc, char **argv)
{
    static struct power p;
    int st = parse(&p, argc, argv);
    if (st >= 0)
        return st;
    for (size_t i = 0; i < p.names.n && !p.all && !p.skip_if_running; i++)
        if (has_state(p.names.v[i], "Running")) {
            complain("domain %s is already running", p.names.v[i]);
            return 1;
        }
    return call_all(&p.names, "admin.vm.Start", "", "starting");
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool failed_with(const struct answer *a, const char *exception)
{
    return a->exception && strcmp(a->exception, exception) == 0;
}

/* A domain that went down by itself just now is as good as killed. */
static int kill_late(const char *name)
{
    struct answer a = {0};
    complain("domain %s did not shut down in time, killing it", name);
    int fd = client_begin("admin.vm.Kill", "", name, NULL);
    bool ok = fd >= 0 && (client_end(fd, name, -1, &a) || failed_with(&a, "QubesVMNotRunningError"));
    if (!ok && fd >= 0)
        client_complain(&a);
    answer_free(&a);
    return ok ? 0 : 1;
}

/* Wait for one shutdown that was asked for; kill when the time has passed, as Qubes does. When the manager's
 * own time passes first, it is asked again: by then the domain may be down, as was wanted. */
static int finish_shutdown(const char *name, int fd, double deadline, const char *arg)
{
    char what[96];
    snprintf(what, sizeof what, "waiting for %s", name);
    for (bool again = false; fd >= 0; again = true, fd = client_begin("admin.vm.Shutdown", arg, name, NULL)) {
        struct answer a = {0};
        double left = deadline < 0 ? -1 : deadline - now();
        bool ok = client_end(fd, what, deadline < 0 || left > 0 ? left : 0, &a) ||
                  (again && failed_with(&a, "QubesVMNotRunningError"));
        bool manager_late = !ok && failed_with(&a, "QubesVMShutdownTimeoutError");
        bool late = manager_late || (!ok && failed_with(&a, "Timeout"));
        if (!ok && !late)
            client_complain(&a);
        answer_free(&a);
        if (!late)
            return ok ? 0 : 1;
        if (!manager_late || deadline < 0 || now() >= deadline)
            return kill_late(name);
    }
    return 1;
}

/* Domains that do not run are no error with --all. */
static void drop_halted(struct names *names)
{
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++) {
        bool halted = has_state(names->v[i], "Halted") || has_state(names->v[i], "Crashed");
        if (halted)
            free(names->v[i]);
        else
            names->v[n++] = names->v[i];
    }
    names->n = n;
}

int cmd_shutdown(int argc, char **argv)
{
    static struct power p;
    int st = parse(&p, argc, argv);
    if (st >= 0)
        return st;
    if (p.all)
        drop_halted(&p.names);
    const char *arg = p.wait ? (p.force || p.all ? "force+wait" : "wait") : p.force || p.all ? "force" : "";
    if (p.dry_run)
        return 0;
    if (!p.wait)
        return call_all(&p.names, "admin.vm.Shutdown", arg, "shutting down");
    int *fds = calloc(p.names.n + 1, sizeof *fds);
    double deadline = p.timeout < 0 ? -1 : now() + p.timeout;
    st = 0;
    for (size_t i = 0; fds && i < p.names.n; i++)
        fds[i] = client_begin("admin.vm.Shutdown", arg, p.names.v[i], NULL);
    for (size_t i = 0; fds && i < p.names.n; i++)
        st |= finish_shutdown(p.names.v[i], fds[i], deadline, arg);
    free(fds);
    return st;
}

int cmd_power(int argc, char **argv)
{
    static struct power p;
    int st = parse(&p, argc, argv);
    if (st >= 0)
        return st;
    if (p.all && strcmp(tool_name, "qvm-unpause") != 0)
        drop_halted(&p.names);
    const char *method = strcmp(tool_name, "qvm-kill") == 0    ? "admin.vm.Kill"
                         : strcmp(tool_name, "qvm-pause") == 0 ? "admin.vm.Pause"
                                                               : "admin.vm.Unpause";
    return call_all(&p.names, method, "", strchr(tool_name, '-') + 1);
}
