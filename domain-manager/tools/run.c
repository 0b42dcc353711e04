/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-run: starts the domain when needed and gives the command to qrexec-client ($QREXEC_CLIENT). */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

#define QREXEC_FAILED 125

struct run {
    const char *user, *localcmd;
    const char *dispvm; /* base of a disposable, "" the default one; NULL: no disposable */
    const char *filter; /* yes, no; NULL: where the output is a terminal */
    bool pass_io, autostart, service, gui, no_shell, all;
    struct names names, exclude;
    char **words; /* the command */
    int n_words;
};

static const char *qrexec_client(void)
{
    static const char *const places[] = {"/usr/bin/qrexec-client", "/usr/lib/qubes/qrexec-client"};
    const char *set = getenv("QREXEC_CLIENT");
    for (size_t i = 0; !set && i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return set ? set : places[0];
}

/* Run argv, wait, exit status as a shell has it. quiet_io: stdio is /dev/null. */
static int execute(char *const *argv, bool quiet_io)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        int null = quiet_io ? open("/dev/null", O_RDWR) : -1;
        for (int i = 0; null >= 0 && i < 3; i++)
            dup2(null, i);
        execvp(argv[0], argv);
        complain("%s: %s", argv[0], strerror(errno));
        _exit(QREXEC_FAILED);
    }
    if (pid < 0) {
        complain("fork: %s", strerror(errno));
        return QREXEC_FAILED;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void put(char **to, char *end, const char *text)
{
    size_t n = strlen(text);
    if (*to + n < end) {
        memcpy(*to, text, n + 1);
        *to += n;
    }
}

/* qubes.VMExec's argument: words joined by '+', "-HH" for odd bytes, "--" for '-'. */
static void encode_words(char **to, char *end, char **words, int n)
{
    for (int i = 0; i < n; i++) {
        put(to, end, i ? "+" : "");
        for (const char *p = words[i]; *p; p++) {
            char one[4] = {*p, 0};
            if (*p == '-')
                snprintf(one, sizeof one, "--");
            else if (!isalnum((unsigned char)*p) && *p != '.' && *p != '_')
                snprintf(one, sizeof one, "-%02X", (unsigned char)*p);
            put(to, end, one);
        }
    }
}

/* "USER:command" as qrexec-client wants it. */
static char *command_text(const struct run *r)
{
    static char text[65000];
    char *to = text, *end = text + sizeof text;
    put(&to, end, r->user ? r->user : "DEFAULT");
    put(&to, end, ":");
    if (r->service) {
        put(&to, end, "QUBESRPC ");
        put(&to, end, r->words[0]);
        put(&to, end, " dom0");
    } else if (r->no_shell || r->n_words > 1) {
        put(&to, end, r->gui && !r->pass_io ? "QUBESRPC qubes.VMExecGUI+" : "QUBESRPC qubes.VMExec+");
        encode_words(&to, end, r->words, r->n_words);
        put(&to, end, " dom0");
    } else {
        put(&to, end, r->words[0]);
    }
    return text;
}

static bool get_text(const char *method, const char *arg, const char *dest, char *to, size_t size)
{
    struct answer a = {0};
    int fd = client_begin(method, arg, dest, NULL);
    bool ok = fd >= 0 && client_end(fd, NULL, -1, &a);
    snprintf(to, size, "%s", ok ? a.text : "");
    answer_free(&a);
    return ok;
}

/* A domain that has just started has no graphical session yet: qubes.WaitForSession answers when it has. */
static void wait_for_session(const char *name)
{
    char text[128], feature[64];
    bool known = get_text("admin.vm.property.Get", "start_time", name, text, sizeof text);
    const char *value = strrchr(text, ' ');
    time_t started = known && value ? (time_t)atoll(value + 1) : 0;
    if (get_text("admin.vm.feature.CheckWithTemplate", "gui", name, feature, sizeof feature) &&
        (!feature[0] || strcmp(feature, "0") == 0))
        return;
    if (!started || time(NULL) - started > 120)
        return;
    char *argv[] = {(char *)qrexec_client(), "-d", (char *)name, "DEFAULT:QUBESRPC qubes.WaitForSession dom0",
                    NULL};
    execute(argv, true);
}

static int call(const struct run *r, const char *name)
{
    char *argv[16];
    int n = 0;
    bool wait = r->pass_io || r->dispvm || r->localcmd;
    bool filter_out = r->filter ? r->filter[0] == 'y' : isatty(1);
    bool filter_err = r->filter ? r->filter[0] == 'y' : isatty(2);
    argv[n++] = (char *)qrexec_client();
    if (!wait)
        argv[n++] = "-e";
    if (wait && filter_out)
        argv[n++] = "-t";
    if (wait && filter_err)
        argv[n++] = "-T";
    if (r->localcmd) {
        argv[n++] = "-l";
        argv[n++] = (char *)r->localcmd;
    }
    argv[n++] = "-d";
    argv[n++] = (char *)name;
    argv[n++] = command_text(r);
    argv[n] = NULL;
    return execute(argv, !r->pass_io && !r->localcmd);
}

static bool make_ready(const struct run *r, const char *name)
{
    struct answer a;
    if (!client_call("admin.vm.List", "", name, NULL, &a))
        return false;
    bool running = strstr(a.text, "state=Running") != NULL, paused = strstr(a.text, "state=Paused") != NULL;
    answer_free(&a);
    if (paused && !client_do("admin.vm.Unpause", "", name, NULL))
        return false;
    if (!running && !paused && !r->autostart) {
        complain("%s is not running, and --no-autostart was given", name);
        return false;
    }
    char what[96];
    snprintf(what, sizeof what, "starting %s", name);
    int fd = running || paused ? -1 : client_begin("admin.vm.Start", "", name, NULL);
    bool ok = running || paused || (fd >= 0 && client_end(fd, what, -1, &a));
    if (!ok && fd >= 0)
        client_complain(&a);
    if (fd >= 0)
        answer_free(&a);
    return ok;
}

static int run_in(const struct run *r, const char *name)
{
    if (strcmp(name, "dom0") == 0) {
        complain("commands in dom0 are run without qvm-run");
        return 1;
    }
    if (!make_ready(r, name))
        return 1;
    if (r->gui && !r->service)
        wait_for_session(name);
    if (!tool_quiet && !r->pass_io)
        fprintf(stderr, "Running '%s' on %s\n", r->words[0], name);
    return call(r, name);
}

static char disposable_name[64];

static void on_signal(int number)
{
    (void)number; /* only interrupts the wait: the disposable is removed on the way out */
}

static int run_disposable(struct run *r)
{
    struct sigaction act = {.sa_handler = on_signal};
    if (!get_text("admin.vm.CreateDisposable", "", r->dispvm[0] ? r->dispvm : "dom0", disposable_name,
                  sizeof disposable_name)) {
        struct answer a; /* again, for its message */
        if (client_call("admin.vm.CreateDisposable", "", r->dispvm[0] ? r->dispvm : "dom0", NULL, &a))
            client_do("admin.vm.Remove", "", a.text, NULL);
        answer_free(&a);
        return 1;
    }
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    int st = run_in(r, disposable_name);
    struct answer a;
    int fd = client_begin("admin.vm.Kill", "", disposable_name, NULL); /* stopping removes it */
    if (fd >= 0 && !client_end(fd, NULL, -1, &a) && strcmp(a.exception, "QubesVMNotFoundError") != 0)
        client_do("admin.vm.Remove", "", disposable_name, NULL);
    if (fd >= 0)
        answer_free(&a);
    return st;
}

/* Options end at the domain's name: those of the command are its own. */
int cmd_run(int argc, char **argv)
{
    static struct run r = {.autostart = true, .gui = true};
    int done, st = 0;
    const struct tool_option options[] = {{"pass-io", 'p', TOOL_FLAG, &r.pass_io, NULL},
                                          {"user", 'u', TOOL_TEXT, &r.user, NULL},
                                          {"autostart", 'a', TOOL_FLAG, &r.autostart, NULL},
                                          {"auto", 0, TOOL_FLAG, &r.autostart, NULL},
                                          {"no-autostart", 'n', TOOL_NO_FLAG, &r.autostart, NULL},
                                          {"no-auto", 0, TOOL_NO_FLAG, &r.autostart, NULL},
                                          {"dispvm", 0, TOOL_OPTIONAL, &r.dispvm, NULL},
                                          {"service", 0, TOOL_FLAG, &r.service, NULL},
                                          {"gui", 0, TOOL_FLAG, &r.gui, NULL},
                                          {"no-gui", 0, TOOL_NO_FLAG, &r.gui, NULL},
                                          {"nogui", 0, TOOL_NO_FLAG, &r.gui, NULL},
                                          {"no-shell", 0, TOOL_FLAG, &r.no_shell, NULL},
                                          {"localcmd", 0, TOOL_TEXT, &r.localcmd, NULL},
                                          {"all", 0, TOOL_FLAG, &r.all, NULL},
                                          {"exclude", 0, TOOL_NAMES, &r.exclude, NULL},
                                          {"filter-escape-chars", 0, TOOL_CONST, &r.filter, "yes"},
                                          {"no-filter-escape-chars", 0, TOOL_CONST, &r.filter, "no"},
                                          {"colour-output", 0, TOOL_TEXT, NULL, NULL},
                                          {"color-output", 0, TOOL_TEXT, NULL, NULL},
                                          {"colour-stderr", 0, TOOL_TEXT, NULL, NULL},
                                          {"no-colour-output", 0, TOOL_FLAG, NULL, NULL},
                                          {"no-color-output", 0, TOOL_FLAG, NULL, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, true, &done))
        return done;
    bool named = !r.dispvm && !r.all;
    if (argc - optind < (named ? 2 : 1))
        return usage();
    if (named)
        names_add(&r.names, argv[optind++]);
    if (optind < argc && strcmp(argv[optind], "--") == 0)
        optind++;
    r.words = argv + optind;
    r.n_words = argc - optind;
    if (r.n_words < 1 || (r.service && r.n_words > 1))
        return usage();
    if (r.dispvm)
        return run_disposable(&r);
    if (r.all && !names_all(&r.names, &r.exclude))
        return 1;
    for (size_t i = 0; i < r.names.n; i++) {
        if (r.all) { /* running ones only */
            char text[256];
            get_text("admin.vm.List", "", r.names.v[i], text, sizeof text);
            if (!strstr(text, "state=Running"))
                continue;
        }
        int one = run_in(&r, r.names.v[i]);
        st = one > st ? one : st;
    }
    return st;
}
