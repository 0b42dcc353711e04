/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of an event channel: when the peer's domain dies nobody is told, but the channel becomes unbound.
 */
#include <string.h>
#include <unistd.h>
#include <xencall.h>
#include <xen/event_channel.h>

#include "xen_internal.h"

bool xen_status_bound(evtchn_port_t port)
{
    /* an ordinary user may not ask; the library would say so each time */
    xencall_handle *call = access("/dev/xen/privcmd", R_OK | W_OK) == 0 ? xencall_open(NULL, 0) : NULL;
    struct evtchn_status *status;
    bool bound = true;

    if (!call)
        return true;
    status = xencall_alloc_buffer(call, sizeof(*status));
    if (status) {
        memset(status, 0, sizeof(*status));
        status->dom = DOMID_SELF;
        status->port = port;
        if (xencall2(call, __HYPERVISOR_event_channel_op, EVTCHNOP_status, (uint64_t)(uintptr_t)status) == 0)
            bound = status->status == EVTCHNSTAT_interdomain;
        xencall_free_buffer(call, status);
    }
    xencall_close(call);
    return bound;
}
