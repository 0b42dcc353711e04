/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serve one call: configuration, session, fork server or own process, data channel. */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data.h"
#include "libvchan.h"
#include "service.h"
#include "util.h"
#include "wire.h"

int serve_open_data(const struct serve *s, struct run *run)
{
    run->vchan = data_connect((int)s->domain, (int)s->port, s->connect_seconds);
    signal(SIGUSR2, SIG_IGN); /* till here it ends us: see connection_forget_all() */
    run->chunk = run->vchan ? data_handshake(run->vchan) : 0;
    return run->chunk ? 0 : -EPIPE;
}

static char *fork_server_path(const struct serve *s, const char *user)
{
    const char *place = strstr(s->fork_server, "%s");
    char *path;
    int n;

    if (!place)
        return strdup(s->fork_server);
    n = asprintf(&path, "%.*s%s%s", (int)(place - s->fork_server), s->fork_server, user, place + 2);
    return n < 0 ? NULL : path;
}

/* Let the user's session run it. True when it took over: then its end is awaited. */
static bool use_fork_server(const struct serve *s, const char *user)
{
    struct fork_request request = {.type = (int32_t)s->type,
                                   .domain = (int32_t)s->domain,
                                   .port = (int32_t)s->port,
                                   .len = (uint32_t)strlen(s->command) + 1};
    char *path = fork_server_path(s, user), byte;
    int fd = path ? unix_connect(path) : -ENOMEM;

    free(path);
    if (fd < 0)
        return false;
    if (write_all(fd, &request, sizeof(request)) < 0 || write_all(fd, s->command, request.len) < 0) {
        close(fd);
        return false;
    }
    while (read(fd, &byte, 1) > 0)
        ;
    close(fd);
    return true;
}

static bool fork_server_suits(const struct serve *s, const struct command *c,
                              const struct service_config *config)
{
    return s->fork_server && *s->fork_server && !c->nogui && !config->skip_service_descriptor &&
           !config->exit_on_client_eof && !config->exit_on_service_eof;
}

static int run_parsed(const struct serve *s, struct run *run, const struct command *c,
                      const struct service_config *config)
{
    const char *user = config->force_user ? config->force_user : s->user;

    run->command = c;
    run->config = config;
    if (user && config->wait_for_session && !c->nogui)
        run_wait_for_session(c, user);
    if (user && fork_server_suits(s, c, config) && use_fork_server(s, user))
        return 0;
    if (user)
        return session_run(s, user, run);
    return serve_open_data(s, run) < 0 ? EXIT_QREXEC_PROBLEM : run_command(run);
}

int serve_fail(const struct serve *s, struct run *run)
{
    return serve_open_data(s, run) < 0 ? EXIT_QREXEC_PROBLEM : run_fail(run, EXIT_QREXEC_PROBLEM);
}

int serve_call(const struct serve *s)
{
    struct run run = {.just_exec = s->type == MSG_JUST_EXEC, .capture_stderr = true, .shell = s->shell};
    struct service_config config = {0};
    struct command command;
    int ret = command_parse(s->command, &command);

    if (ret < 0) {
        qlog("malformed command: %s", strerror(-ret));
        ret = serve_fail(s, &run);
        libvchan_close(run.vchan);
        return ret;
    }
    if (!command.shell && service_read_config(&command, &config) < 0)
        ret = serve_fail(s, &run);
    else
        ret = run_parsed(s, &run, &command, &config);
    libvchan_close(run.vchan);
    service_config_free(&config);
    command_free(&command);
    return ret;
}
