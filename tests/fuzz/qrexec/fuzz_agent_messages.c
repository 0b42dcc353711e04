/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hostile agent sends to the daemon: first byte: protocol version, second: size of pieces, then the
 * stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "check.h"
#include "daemon.h"
#include "fake_vchan.h"

static struct daemon d;

/* Only checked requests may get here. */
int broker_send(const struct workers *w, uint32_t id, const struct call *call)
{
    char copy[70000];

    (void)w;
    (void)id;
    snprintf(copy, sizeof(copy), "%s", call->service);
    if (!ident_valid(call->ident) || !service_sanitize(copy, strlen(copy) + 1) ||
        strcmp(copy, call->service) != 0)
        abort();
    if (strlen(call->target) > 63 || strlen(call->requested_source) > 63 || strpbrk(call->target, " \n=;/$"))
        abort();
    return 0;
}

int workers_result(const struct workers *w, struct worker_result *result)
{
    (void)w;
    (void)result;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    memset(&d, 0, sizeof(d));
    d.settings.domain_name = "fuzz";
    d.settings.domain_id = 7;
    d.listen_fd = -1;
    d.ready = true;
    d.version = 2 + data[0] % 3;
    port_take(&d.ports, 7, 3, -1);
    port_take(&d.ports, 7, 9, -1);
    channel_init(&d.agent, fake_vchan(data + 2, size - 2, data[1]), -1);
    while (channel_open(&d.agent) && agent_event(&d) == 0)
        ;
    channel_close(&d.agent);
    return 0;
}
