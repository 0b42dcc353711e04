/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control channel: the agent in the VM is treated as hostile. */
#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "broker.h"
#include "libvchan.h"
#include "request.h"
#include "util.h"

#define CONNECT_LIMIT_MS  10000
#define MAX_AGENT_MESSAGE (sizeof(struct trigger_service4) + MAX_SERVICE)

int agent_connect(struct daemon *d)
{
    d->ready = false;
    d->connecting =
        libvchan_client_init_async((int)d->settings.domain_id, QREXEC_CONTROL_PORT, &d->connect_fd);
    return d->connecting ? 0 : -EIO;
}

int agent_fd(const struct daemon *d)
{
    return d->connecting ? d->connect_fd : channel_fd(&d->agent);
}

static void agent_close(struct daemon *d)
{
    channel_close(&d->agent);
    clients_close(d);
    d->ready = false;
    port_forget_made(&d->ports);
    /* Their answers have no one to go to. The ports stay taken: data channels outlive the agent. */
    for (struct pending *p = d->pending; p < d->pending + MAX_PENDING; p++)
        p->connected = true;
}

static int finish_connect(struct daemon *d)
{
    int state = libvchan_client_init_async_finish(d->connecting, false);

    if (state > 0)
        return 0;
    if (state < 0) {
        libvchan_close(d->connecting);
        d->connecting = NULL;
        return -ESHUTDOWN; /* the domain is gone */
    }
    channel_init(&d->agent, d->connecting, -1);
    d->connecting = NULL;
    return 0;
}

static void refuse(struct daemon *d, const char untrusted_ident[32])
{
    channel_send(&d->agent, MSG_SERVICE_REFUSED, untrusted_ident, sizeof(struct service_ident));
}

static int handle_hello(struct daemon *d, const char *body, size_t size)
{
    uint32_t untrusted_version;

    if (size != sizeof(untrusted_version))
        return -EPROTO;
    memcpy(&untrusted_version, body, sizeof(untrusted_version));
    if (untrusted_version < QREXEC_VERSION_MIN) {
        qlog("the agent of %s speaks protocol %u, too old", d->settings.domain_name, untrusted_version);
        return -EPROTO;
    }
    d->version = untrusted_version < QREXEC_VERSION ? untrusted_version : QREXEC_VERSION;
    /* Agents expect their own number back. */
    channel_send(&d->agent, MSG_HELLO, &untrusted_version, sizeof(untrusted_version));
    if (clients_listen(d) < 0)
        return -EIO;
    d->ready = true;
    return 0;
}

static int handle_terminated(struct daemon *d, const char *body, size_t size)
{
    struct exec_params untrusted_params;
    int client;

    if (size != sizeof(untrusted_params))
        return -EPROTO;
    memcpy(&untrusted_params, body, sizeof(untrusted_params));
    if (!port_valid(untrusted_params.port)) {
        qlog("the agent of %s ended a connection on port %u", d->settings.domain_name, untrusted_params.port);
        return -EPROTO;
    }
    client = port_release(&d->ports, untrusted_params.domain, untrusted_params.port);
    if (client >= 0)
        client_drop(d, client);
    return 0;
}

/* A free slot; one whose call was made long ago without the VM's side being connected counts as refused. */
static struct pending *free_pending(struct daemon *d)
{
    for (struct pending *p = d->pending; p < d->pending + MAX_PENDING; p++) {
        if (p->id && p->made_at && now_ms() - p->made_at > CONNECT_LIMIT_MS) {
            refuse(d, p->ident);
            p->id = 0;
        }
        if (!p->id)
            return p;
    }
    return NULL;
}

static int handle_trigger(struct daemon *d, uint32_t type, char *untrusted_body, size_t size)
{
    struct request request;
    enum request_verdict verdict = request_check(type, untrusted_body, size, d->version, &request);
    struct call call = {.requested_source = request.source,
                        .target = request.target,
                        .service = request.service,
                        .ident = request.ident};
    struct pending *p;
    uint32_t id;

    if (verdict == REQUEST_FATAL)
        return -EPROTO;
    if (strcmp(request.source, d->settings.domain_name) == 0)
        request.source[0] = 0; /* it speaks for itself */
    p = verdict == REQUEST_OK ? free_pending(d) : NULL;
    if (!p) {
        qlog("request of %s refused: %s", d->settings.domain_name,
             verdict == REQUEST_OK ? "too many are waiting" : "malformed");
        refuse(d, request.ident);
        return 0;
    }
    if (++d->last_id == 0)
        ++d->last_id;
    id = d->last_id;
    if (broker_send(&d->broker, id, &call) < 0) {
        qlog("request of %s refused: the broker is busy", d->settings.domain_name);
        refuse(d, request.ident);
        return 0;
    }
    p->id = id;
    p->connected = false;
    p->made_at = 0;
    memcpy(p->ident, request.ident, sizeof(p->ident));
    return 0;
}

int agent_message(struct daemon *d, uint32_t type, char *untrusted_body, size_t size)
{
    if (!d->ready)
        return type == MSG_HELLO ? handle_hello(d, untrusted_body, size) : -EPROTO;
    if (type == MSG_CONNECTION_TERMINATED)
        return handle_terminated(d, untrusted_body, size);
    return handle_trigger(d, type, untrusted_body, size);
}

static int receive_messages(struct daemon *d)
{
    int ret = channel_flush(&d->agent);

    while (ret == 0 && d->agent.out.used < QUEUE_LIMIT) {
        ret = channel_receive(&d->agent, MAX_AGENT_MESSAGE);
        if (ret == 0)
            return 0;
        if (ret == -EPIPE)
            break;
        if (ret > 0)
            ret = agent_message(d, d->agent.header.type, d->agent.body, d->agent.header.len);
        if (ret < 0)
            return ret == -EAGAIN ? -EIO : ret;
        channel_next(&d->agent);
    }
    return ret == -EPIPE ? -EAGAIN : ret;
}

int agent_event(struct daemon *d)
{
    int ret = 0;

    if (d->connecting)
        ret = finish_connect(d);
    else if (channel_open(&d->agent))
        channel_event(&d->agent);
    if (ret == 0 && channel_open(&d->agent))
        ret = receive_messages(d);
    if (ret < 0) {
        agent_close(d);
        if (ret == -EPROTO || ret == -EMSGSIZE)
            qlog("the agent of %s broke the protocol", d->settings.domain_name);
    }
    return ret;
}

int agent_results(struct daemon *d)
{
    struct worker_result result;
    int ret;

    while ((ret = workers_result(&d->broker, &result)) > 0) {
        for (struct pending *p = d->pending; p < d->pending + MAX_PENDING; p++) {
            if (p->id != result.id)
                continue;
            /* A call that was made has its SERVICE_CONNECT in a client's socket, perhaps not read yet. */
            p->made_at = result.status == 0 && !p->connected ? now_ms() : 0;
            if (p->made_at)
                continue;
            if (!p->connected && d->ready)
                refuse(d, p->ident);
            p->id = 0;
        }
    }
    return ret;
}
