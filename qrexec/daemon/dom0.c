/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's part of calls. */
#include "dom0.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pwd.h>
#include <grp.h>

#include "channel.h"
#include "data.h"
#include "libvchan.h"
#include "run.h"
#include "service.h"
#include "util.h"

bool dom0_is(const char *name)
{
    return strcmp(name, "dom0") == 0 || strcmp(name, "@adminvm") == 0 ||
           strcmp(name, "uuid:00000000-0000-0000-0000-000000000000") == 0;
}

int dom0_connect(const char *socket_dir, const char *domain)
{
    uint32_t own = QREXEC_VERSION_SOCKET;
    char *path;
    int fd, ret;

    if (strchr(domain, '/') || !*domain)
        return -EINVAL;
    if (asprintf(&path, "%s/qrexec.%s", socket_dir, domain) < 0)
        return -ENOMEM;
    fd = unix_connect(path);
    free(path);
    if (fd < 0)
        return fd;
    ret = socket_send(fd, MSG_HELLO, &own, sizeof(own), NULL, 0);
    if (ret < 0) {
        close(fd);
        return ret;
    }
    return fd;
}

/* The daemon's own HELLO. Read only when a request is due: it came while others were at work. */
static int receive_hello(int fd)
{
    uint32_t untrusted_version;
    struct msg_header header;
    int ret = socket_receive_header(fd, &header);

    if (ret == 0 && (header.type != MSG_HELLO || header.len != sizeof(untrusted_version)))
        ret = -EPROTO;
    if (ret == 0)
        ret = read_all(fd, &untrusted_version, sizeof(untrusted_version));
    if (ret == 0 && untrusted_version < QREXEC_VERSION_SOCKET)
        ret = -EPROTO;
    if (ret < 0)
        qlog("no handshake with the qrexec daemon: %s", strerror(-ret));
    return ret;
}

static int receive_params(int fd, uint32_t type, struct exec_params *params)
{
    struct msg_header header;
    int ret = socket_receive_header(fd, &header);

    if (ret == 0 && (header.type != type || header.len != sizeof(*params)))
        ret = -EPROTO;
    if (ret == 0)
        ret = read_all(fd, params, sizeof(*params));
    if (ret < 0)
        qlog("the qrexec daemon refused the call or went away: %s", strerror(-ret));
    return ret;
}

int dom0_request_exec(int fd, uint32_t type, uint32_t caller, const char *command, struct exec_params *params)
{
    struct exec_params ask = {.domain = caller};
    int ret = receive_hello(fd);

    if (ret < 0)
        return ret;
    ret = -E2BIG;
    if (strlen(command) + 1 + sizeof(ask) <= MAX_COMMAND)
        ret = socket_send(fd, type, &ask, sizeof(ask), command, strlen(command) + 1);
    if (ret < 0) {
        qlog("cannot send the command: %s", strerror(-ret));
        return ret;
    }
    return receive_params(fd, type, params);
}

int dom0_service_connect(int fd, struct exec_params *where, const char *ident)
{
    struct service_connect message = {.domain = where->domain, .port = where->port};
    int ret = receive_hello(fd);

    if (ret < 0)
        return ret;
    snprintf(message.ident, sizeof(message.ident), "%s", ident);
    ret = socket_send(fd, MSG_SERVICE_CONNECT, &message, sizeof(message), NULL, 0);
    if (ret < 0)
        qlog("cannot tell the source's daemon: %s", strerror(-ret));
    else if (!where->port)
        ret = receive_params(fd, MSG_SERVICE_CONNECT, where);
    return ret;
}

void dom0_wait_end(int fd)
{
    char byte;
    ssize_t n;

    do
        n = read(fd, &byte, 1);
    while (n > 0 || (n < 0 && errno == EINTR));
}

/*
 * Calls of VMs are not served as root in dom0: by the user that the service's configuration names, else by
 * the first member of the group qubes, who is the user of the desktop. Without such a user, or without root,
 * nothing changes.
 */
static int become_service_user(const struct service_config *config)
{
    const struct group *group = getgrnam("qubes");
    const char *name = config->force_user ? config->force_user : group ? group->gr_mem[0] : NULL;
    struct passwd *pw;

    if (geteuid() != 0 || !name)
        return 0;
    pw = getpwnam(name);
    if (!pw || initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0) {
        qlog_errno("cannot serve as %s", name);
        return -EPERM;
    }
    setenv("HOME", pw->pw_dir, 1);
    setenv("USER", pw->pw_name, 1);
    setenv("LOGNAME", pw->pw_name, 1);
    setenv("SHELL", pw->pw_shell, 1);
    return chdir(pw->pw_dir) < 0 ? chdir("/") : 0;
}

/* Parse the command, read its configuration, wait for the session if asked for, run it. */
static int run_text(const char *text, struct run *run)
{
    struct service_config config = {0};
    struct command command;
    struct passwd *pw;
    int ret = command_parse(text, &command);

    if (ret < 0) {
        qlog("malformed command: %s", strerror(-ret));
        return run_fail(run, EXIT_QREXEC_PROBLEM);
    }
    if (!command.shell && service_read_config(&command, &config) < 0) {
        command_free(&command);
        return run_fail(run, EXIT_QREXEC_PROBLEM);
    }
    run->command = &command;
    run->config = &config;
    if (run->vchan && become_service_user(&config) < 0) {
        ret = run_fail(run, EXIT_QREXEC_PROBLEM);
        goto done;
    }
    pw = getpwuid(getuid());
    if (config.wait_for_session && !command.nogui)
        run_wait_for_session(&command, pw ? pw->pw_name : "root");
    ret = run_command(run);
done:
    service_config_free(&config);
    command_free(&command);
    return ret;
}

int dom0_run_in_place(const char *command)
{
    struct run run = {0};

    return run_text(command, &run);
}

int dom0_serve(int fd, const char *ident, const char *command, unsigned seconds)
{
    struct exec_params where = {0};
    struct run run = {0};
    int ret = dom0_service_connect(fd, &where, ident);

    if (ret < 0)
        return ret;
    run.vchan = data_connect((int)where.domain, (int)where.port, seconds);
    run.chunk = run.vchan ? data_handshake(run.vchan) : 0;
    ret = run.chunk ? run_text(command, &run) : EXIT_QREXEC_PROBLEM;
    libvchan_close(run.vchan);
    return ret;
}
