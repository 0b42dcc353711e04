/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as orders for workers. */
#include "broker.h"

#include <string.h>
#include <sys/uio.h>

#include "util.h"
#include "wire.h"

/* What goes over: this, then the service with its NUL. */
struct order {
    char source[64];
    char target[64];
    char ident[32];
};

_Static_assert(sizeof(struct order) + MAX_SERVICE < WORKER_ORDER_MAX, "every request fits");

static int handle(void *context, const char *packet, size_t size)
{
    struct order order;
    struct call call = {.requested_source = order.source,
                        .target = order.target,
                        .ident = order.ident,
                        .service = packet + sizeof(order)};

    if (size <= sizeof(order) || packet[size - 1])
        return EXIT_QREXEC_PROBLEM;
    memcpy(&order, packet, sizeof(order));
    return call_handle(context, &call);
}

int broker_start(struct workers *w, const struct call_settings *settings, int not_theirs, bool detach)
{
    return workers_start(w, handle, (void *)settings, not_theirs, detach);
}

int broker_send(const struct workers *w, uint32_t id, const struct call *call)
{
    struct order order = {0};
    struct iovec parts[2] = {{&order, sizeof(order)}, {(char *)call->service, strlen(call->service) + 1}};

    strncpy(order.source, call->requested_source, sizeof(order.source) - 1);
    strncpy(order.target, call->target, sizeof(order.target) - 1);
    strncpy(order.ident, call->ident, sizeof(order.ident) - 1);
    return workers_order(w, id, false, parts, 2);
}
