/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's socket for dom0: qrexec-client and the handlers of calls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "util.h"

#define BACKLOG 128

static void socket_path(const struct daemon *d, const char *prefix, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/qrexec.%s%s", d->settings.socket_dir, prefix, name);
}

static void link_name(const struct daemon *d, const char *number, const char *prefix, const char *name)
{
    char path[4096], to[64];

    socket_path(d, prefix, name, path, sizeof(path));
    snprintf(to, sizeof(to), "qrexec.%s", number);
    unlink(path);
    if (symlink(to, path) < 0)
        qlog_errno("cannot link %s", path);
}

int clients_listen(struct daemon *d)
{
    char number[16], path[4096];

    snprintf(number, sizeof(number), "%u", d->settings.domain_id);
    socket_path(d, "", number, path, sizeof(path));
    d->listen_fd = unix_listen(path, 0660, BACKLOG);
    if (d->listen_fd < 0) {
        qlog("cannot listen on %s: %s", path, strerror(-d->listen_fd));
        return d->listen_fd;
    }
    link_name(d, number, "", d->settings.domain_name);
    if (d->uuid)
        link_name(d, number, "uuid:", d->uuid);
    return 0;
}

void clients_close(struct daemon *d)
{
    char number[16], path[4096];

    for (int i = 0; i < MAX_CLIENTS; i++)
        client_drop(d, i);
    if (d->listen_fd < 0)
        return;
    close_fd(&d->listen_fd);
    snprintf(number, sizeof(number), "%u", d->settings.domain_id);
    socket_path(d, "", d->settings.domain_name, path, sizeof(path));
    unlink(path);
    if (d->uuid) {
        socket_path(d, "uuid:", d->uuid, path, sizeof(path));
        unlink(path);
    }
    socket_path(d, "", number, path, sizeof(path));
    unlink(path);
}

void clients_accept(struct daemon *d)
{
    uint32_t version = QREXEC_VERSION_SOCKET;
    int i, fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    for (i = 0; i < MAX_CLIENTS && d->clients[i].used; i++)
        ;
    if (i == MAX_CLIENTS) {
        qlog("too many clients of %s", d->settings.domain_name);
        close(fd);
        return;
    }
    d->clients[i].used = true;
    d->clients[i].greeted = false;
    channel_init(&d->clients[i].channel, NULL, fd);
    if (channel_send(&d->clients[i].channel, MSG_HELLO, &version, sizeof(version)) < 0)
        client_drop(d, i);
    else
        client_event(d, i); /* most often its own HELLO is there */
}

void client_drop(struct daemon *d, int index)
{
    struct client *c = &d->clients[index];

    if (!c->used)
        return;
    port_forget_client(&d->ports, index);
    channel_close(&c->channel);
    c->used = false;
}

/* "DEFAULT:" becomes the domain's default user. */
static int forward_command(struct daemon *d, uint32_t type, uint32_t peer, uint32_t port, const char *command)
{
    struct exec_params params = {.domain = peer, .port = port};
    char *with_user = NULL;
    int ret;

    if (strncmp(command, "DEFAULT:", 8) == 0 &&
        asprintf(&with_user, "%s%s", d->default_user, command + 7) < 0)
        return -ENOMEM;
    if (with_user)
        command = with_user;
    ret = channel_send2(&d->agent, type, &params, sizeof(params), command, strlen(command) + 1);
    free(with_user);
    return ret;
}

static int handle_exec(struct daemon *d, int index, uint32_t type, const char *body, size_t size)
{
    struct exec_params asked, reply = {.domain = d->settings.domain_id};
    int port, ret;

    if (size <= sizeof(asked) || size > MAX_COMMAND || body[size - 1])
        return -EPROTO;
    memcpy(&asked, body, sizeof(asked));
    port = port_take(&d->ports, d->settings.domain_id, asked.domain, index);
    if (port < 0) {
        qlog("no free data port for another call of %s", d->settings.domain_name);
        return -ENOSPC;
    }
    reply.port = (uint32_t)port;
    ret = channel_send(&d->clients[index].channel, type, &reply, sizeof(reply));
    if (ret == 0)
        ret = forward_command(d, type, asked.domain, reply.port, body + sizeof(asked));
    if (ret < 0)
        port_release(&d->ports, asked.domain, reply.port);
    return ret;
}

static struct pending *find_pending(struct daemon *d, const char *ident)
{
    for (struct pending *p = d->pending; p < d->pending + MAX_PENDING; p++)
        if (p->id && !p->connected && strncmp(p->ident, ident, sizeof(p->ident)) == 0)
            return p;
    return NULL;
}

static int handle_connect(struct daemon *d, int index, char *body, size_t size)
{
    struct exec_params where, reply = {.domain = d->settings.domain_id};
    struct pending *p;
    int port, ret = 0;

    if (size <= sizeof(where) || size > sizeof(struct service_connect) || body[size - 1])
        return -EPROTO;
    memcpy(&where, body, sizeof(where));
    p = find_pending(d, body + sizeof(where));
    if (!p) {
        qlog("connection for an unknown request of %s refused", d->settings.domain_name);
        return -ENOENT;
    }
    if (!where.port) { /* dom0 serves it: the port is ours to choose */
        port = port_take(&d->ports, d->settings.domain_id, where.domain, index);
        if (port < 0)
            return -ENOSPC;
        where.port = reply.port = (uint32_t)port;
        ret = channel_send(&d->clients[index].channel, MSG_SERVICE_CONNECT, &reply, sizeof(reply));
    } else {
        port_made(&d->ports, where.domain, where.port);
    }
    p->connected = true;
    if (p->made_at)
        p->id = 0;
    if (ret == 0)
        ret = channel_send2(&d->agent, MSG_SERVICE_CONNECT, &where, sizeof(where), body + sizeof(where),
                            size - sizeof(where));
    return ret;
}

static int handle_hello(struct daemon *d, int index, const char *body, size_t size)
{
    uint32_t version;

    if (size != sizeof(version))
        return -EPROTO;
    memcpy(&version, body, sizeof(version));
    d->clients[index].greeted = version >= QREXEC_VERSION_SOCKET;
    return d->clients[index].greeted ? 0 : -EPROTO;
}

int client_message(struct daemon *d, int index, uint32_t type, char *body, size_t size)
{
    if (!d->clients[index].greeted)
        return type == MSG_HELLO ? handle_hello(d, index, body, size) : -EPROTO;
    if (type == MSG_EXEC_CMDLINE || type == MSG_JUST_EXEC)
        return handle_exec(d, index, type, body, size);
    if (type == MSG_SERVICE_CONNECT)
        return handle_connect(d, index, body, size);
    return -EPROTO;
}

void client_event(struct daemon *d, int index)
{
    struct client *c = &d->clients[index];
    int ret = channel_flush(&c->channel);

    while (ret >= 0 && (ret = channel_receive(&c->channel, MAX_COMMAND)) > 0) {
        ret = client_message(d, index, c->channel.header.type, c->channel.body, c->channel.header.len);
        if (!c->used)
            return;
        channel_next(&c->channel);
    }
    if (ret < 0)
        client_drop(d, index);
}
