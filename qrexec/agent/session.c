/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions with PAM. As root: this process keeps the session open, a child becomes the user and carries the
 * call's data, so that nothing that a remote domain sends is read by root. Otherwise: only the user who we
 * are.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libvchan.h"
#include "serve.h"
#include "util.h"
#include "wire.h"

#define SESSION_SERVICE "qrexec"

extern char **environ;

/* Nobody is there to answer questions. */
static int no_conversation(int count, const struct pam_message **messages, struct pam_response **responses,
                           void *data)
{
    (void)count;
    (void)messages;
    (void)responses;
    (void)data;
    return PAM_CONV_ERR;
}

static int pam_problem(pam_handle_t *pam, const char *what, int ret)
{
    qlog("PAM: %s: %s", what, pam_strerror(pam, ret));
    return -EACCES;
}

static int open_session(pam_handle_t *pam, const struct passwd *pw)
{
    int ret;

    pam_set_item(pam, PAM_RUSER, "root");
    if ((ret = pam_authenticate(pam, PAM_SILENT)) != PAM_SUCCESS)
        return pam_problem(pam, "authenticate", ret);
    if ((ret = pam_acct_mgmt(pam, PAM_SILENT)) != PAM_SUCCESS)
        return pam_problem(pam, "account", ret);
    if (initgroups(pw->pw_name, pw->pw_gid) < 0)
        return -errno;
    if ((ret = pam_setcred(pam, PAM_ESTABLISH_CRED | PAM_SILENT)) != PAM_SUCCESS)
        return pam_problem(pam, "credentials", ret);
    if ((ret = pam_open_session(pam, PAM_SILENT)) != PAM_SUCCESS)
        return pam_problem(pam, "session", ret);
    return 0;
}

/* A fresh environment: the user's basics, what PAM says, and the service path. */
static int set_environment(pam_handle_t *pam, const struct passwd *pw)
{
    const char *kept = getenv("QREXEC_SERVICE_PATH");
    char *path = kept ? strdup(kept) : NULL;
    char **list = pam_getenvlist(pam);
    int bad;

    clearenv();
    bad = setenv("HOME", pw->pw_dir, 1) | setenv("SHELL", pw->pw_shell, 1) | setenv("USER", pw->pw_name, 1) |
          setenv("LOGNAME", pw->pw_name, 1) |
          setenv("PATH",
                 pw->pw_uid ? "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
                            : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 1);
    if (path)
        bad |= setenv("QREXEC_SERVICE_PATH", path, 1);
    for (char **variable = list; variable && *variable; variable++)
        bad |= putenv(*variable); /* stays */
    free(list);
    free(path);
    return bad ? -ENOMEM : 0;
}

/* In the child: open the data channel while the devices may still be opened, become the user, run. */
static int run_as(const struct serve *serve, pam_handle_t *pam, const struct passwd *pw, struct run *run)
{
    int ret;

    if (serve_open_data(serve, run) < 0)
        return EXIT_QREXEC_PROBLEM;
    if (set_environment(pam, pw) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0) {
        qlog_errno("cannot become %s", pw->pw_name);
        ret = run_fail(run, EXIT_QREXEC_PROBLEM);
    } else {
        if (chdir(pw->pw_dir) < 0 && chdir("/") < 0)
            qlog_errno("cannot enter %s", pw->pw_dir);
        run->shell = (struct run_shell){.path = *pw->pw_shell ? pw->pw_shell : "/bin/sh", .login = true};
        ret = run_command(run);
    }
    libvchan_close(run->vchan);
    return ret;
}

static volatile sig_atomic_t worker;

/* The agent's wish to end a call that is not connected is the worker's to heed. */
static void forward_signal(int number)
{
    if (worker > 0)
        kill((pid_t)worker, number);
}

static int run_in_session(const struct serve *serve, pam_handle_t *pam, const struct passwd *pw,
                          struct run *run)
{
    int status = 0;
    pid_t pid;

    signal(SIGUSR2, forward_signal);
    pid = fork();
    if (pid == 0) {
        signal(SIGUSR2, SIG_DFL);
        _exit(run_as(serve, pam, pw, run));
    }
    if (pid < 0)
        return serve_fail(serve, run);
    worker = pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_as_root(const struct serve *serve, const struct passwd *pw, struct run *run)
{
    struct pam_conv conversation = {.conv = no_conversation};
    pam_handle_t *pam = NULL;
    int ret = pam_start(SESSION_SERVICE, pw->pw_name, &conversation, &pam), status;

    if (ret != PAM_SUCCESS || open_session(pam, pw) < 0) {
        if (pam)
            pam_end(pam, ret);
        return serve_fail(serve, run);
    }
    status = run_in_session(serve, pam, pw, run);
    ret = pam_close_session(pam, PAM_SILENT);
    pam_setcred(pam, PAM_DELETE_CRED | PAM_SILENT);
    pam_end(pam, ret);
    return status;
}

int session_run(const struct serve *serve, const char *user, struct run *run)
{
    static char buffer[4096]; /* PAM modules ask for users, too */
    static struct passwd entry;
    struct passwd *pw = NULL;

    getpwnam_r(user, &entry, buffer, sizeof(buffer), &pw);
    if (!pw) {
        qlog("no user %s here", user);
        return serve_fail(serve, run);
    }
    if (geteuid() == 0)
        return run_as_root(serve, pw, run);
    if (pw->pw_uid != geteuid()) {
        qlog("cannot run as %s: the agent is not root", user);
        return serve_fail(serve, run);
    }
    return serve_open_data(serve, run) < 0 ? EXIT_QREXEC_PROBLEM : run_command(run);
}
