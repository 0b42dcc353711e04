/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's control channel. dom0 is trusted, but may restart its daemon at any time. */
#include <errno.h>
#include <string.h>

#include "agent.h"
#include "libvchan.h"
#include "util.h"

int dom0_offer(struct agent *a)
{
    struct libvchan *vchan = libvchan_server_init(0, QREXEC_CONTROL_PORT, CONTROL_RING, CONTROL_RING);

    if (!vchan)
        return -EIO;
    channel_init(&a->dom0, vchan, -1);
    a->ready = a->greeted = false;
    return 0;
}

static int handle_hello(struct agent *a, const char *body, size_t size)
{
    uint32_t version;

    if (size != sizeof(version))
        return -EPROTO;
    memcpy(&version, body, sizeof(version));
    if (version < QREXEC_VERSION_MIN) {
        qlog("dom0 speaks protocol %u, too old", version);
        return -EPROTO;
    }
    a->version = version < QREXEC_VERSION ? version : QREXEC_VERSION;
    a->ready = true;
    return 0;
}

static int handle_connect(struct agent *a, const char *body, size_t size)
{
    struct service_connect m = {0};

    if (size <= sizeof(struct exec_params) || size > sizeof(m))
        return -EPROTO;
    memcpy(&m, body, size);
    m.ident[sizeof(m.ident) - 1] = 0;
    connection_answer(a, m.ident, &(struct exec_params){.domain = m.domain, .port = m.port});
    return 0;
}

static int handle_refused(struct agent *a, const char *body, size_t size)
{
    struct service_ident m;

    if (size != sizeof(m))
        return -EPROTO;
    memcpy(&m, body, sizeof(m));
    m.ident[sizeof(m.ident) - 1] = 0;
    connection_answer(a, m.ident, NULL);
    return 0;
}

int dom0_message(struct agent *a, uint32_t type, const char *body, size_t size)
{
    if (!a->ready)
        return type == MSG_HELLO ? handle_hello(a, body, size) : -EPROTO;
    switch (type) {
    case MSG_EXEC_CMDLINE:
    case MSG_JUST_EXEC:
        if (size <= sizeof(struct exec_params) || body[size - 1])
            return -EPROTO;
        connection_serve(a, type, body, size);
        return 0;
    case MSG_SERVICE_CONNECT:
        return handle_connect(a, body, size);
    case MSG_SERVICE_REFUSED:
        return handle_refused(a, body, size);
    default:
        qlog("unknown message %#x from dom0", type);
        return -EPROTO;
    }
}

static int exchange(struct agent *a)
{
    uint32_t own = QREXEC_VERSION;
    int ret = 0;

    if (libvchan_is_open(a->dom0.vchan) == VCHAN_WAITING)
        return 0;
    if (!a->greeted) {
        a->greeted = true;
        ret = channel_send(&a->dom0, MSG_HELLO, &own, sizeof(own));
    }
    if (ret == 0)
        ret = channel_flush(&a->dom0);
    while (ret == 0 && (ret = channel_receive(&a->dom0, MAX_FORWARDED)) > 0) {
        ret = dom0_message(a, a->dom0.header.type, a->dom0.body, a->dom0.header.len);
        channel_next(&a->dom0);
    }
    return ret;
}

int dom0_event(struct agent *a)
{
    int ret;

    channel_event(&a->dom0);
    ret = exchange(a);
    if (ret == 0)
        return 0;
    qlog("connection to dom0 lost: %s", strerror(-ret));
    channel_close(&a->dom0);
    connection_forget_all(a);
    return dom0_offer(a);
}
