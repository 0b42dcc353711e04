/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of an event channel: when the peer's domain dies nobody is told, but the channel becomes unbound.
 */
#include <string.h>
#include <unistd.h>
#include <xencall.h>
#include <xen/event_channel.h>

#include "xen_internal.h"

/* An ordinary user may not open it, and the library would say so each time. */
xencall_handle *xen_status_open(void)
{
    return access("/dev/xen/privcmd", R_OK | W_OK) == 0 ? xencall_open(NULL, 0) : NULL;
}

bool xen_status_bound(xencall_handle *call, evtchn_port_t port)
{
    struct evtchn_status *status = call ? xencall_alloc_buffer(call, sizeof(*status)) : NULL;
    bool bound = true;

    if (!status)
        return true;
    memset(status, 0, sizeof(*status));
    status->dom = DOMID_SELF;
    status->port = port;
    if (xencall2(call, __HYPERVISOR_event_channel_op, EVTCHNOP_status, (uint64_t)(uintptr_t)status) == 0)
        bound = status->status == EVTCHNSTAT_interdomain;
    xencall_free_buffer(call, status);
    return bound;
}

void xen_status_close(xencall_handle *call)
{
    if (call)
        xencall_close(call);
}
