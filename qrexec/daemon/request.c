/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Check TRIGGER_SERVICE messages. */
#include "request.h"

#include <string.h>

#include "check.h"
#include "util.h"

/* Which message belongs to which protocol version, and where its fixed part ends. */
static const struct {
    uint32_t type, first_version, last_version;
    size_t fixed;
} kinds[] = {
    {MSG_TRIGGER_SERVICE, 0, 2, sizeof(struct trigger_service)},
    {MSG_TRIGGER_SERVICE3, 3, QREXEC_VERSION, sizeof(struct trigger_service3)},
    {MSG_TRIGGER_SERVICE4, 4, QREXEC_VERSION, sizeof(struct trigger_service4)},
};

static int check_kind(uint32_t type, size_t size, uint32_t version)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].type != type)
            continue;
        if (version < kinds[i].first_version || version > kinds[i].last_version) {
            qlog("message %#x does not belong to protocol version %u", type, version);
            return -1;
        }
        if (type == MSG_TRIGGER_SERVICE ? size != kinds[i].fixed
                                        : size <= kinds[i].fixed || size - kinds[i].fixed > MAX_SERVICE) {
            qlog("message %#x has a bad length: %zu", type, size);
            return -1;
        }
        return 0;
    }
    qlog("unknown message %#x", type);
    return -1;
}

static void take_v2(char *untrusted_body, struct request *r)
{
    struct trigger_service *m = (struct trigger_service *)untrusted_body;

    m->service[sizeof(m->service) - 1] = 0;
    r->service = m->service;
    r->service_size = strlen(m->service) + 1;
    memcpy(r->target, m->target, sizeof(m->target));
    memcpy(r->ident, m->ident, sizeof(r->ident));
}

static void take_v3(char *untrusted_body, size_t size, struct request *r)
{
    struct trigger_service3 *m = (struct trigger_service3 *)untrusted_body;

    memcpy(r->target, m->target, sizeof(r->target));
    memcpy(r->ident, m->ident, sizeof(r->ident));
    r->service = untrusted_body + sizeof(*m);
    r->service_size = size - sizeof(*m);
}

static void take_v4(char *untrusted_body, size_t size, struct request *r)
{
    struct trigger_service4 *m = (struct trigger_service4 *)untrusted_body;

    memcpy(r->source, m->source, sizeof(r->source));
    memcpy(r->target, m->target, sizeof(r->target));
    memcpy(r->ident, m->ident, sizeof(r->ident));
    r->service = untrusted_body + sizeof(*m);
    r->service_size = size - sizeof(*m);
}

enum request_verdict request_check(uint32_t type, char *untrusted_body, size_t size, uint32_t version,
                                   struct request *r)
{
    memset(r, 0, sizeof(*r));
    if (check_kind(type, size, version) < 0)
        return REQUEST_FATAL;
    if (type == MSG_TRIGGER_SERVICE)
        take_v2(untrusted_body, r);
    else if (type == MSG_TRIGGER_SERVICE3)
        take_v3(untrusted_body, size, r);
    else
        take_v4(untrusted_body, size, r);
    name_sanitize(r->source, sizeof(r->source));
    name_sanitize(r->target, sizeof(r->target));
    if (!ident_valid(r->ident) || !service_sanitize(r->service, r->service_size))
        return REQUEST_REFUSED;
    return REQUEST_OK;
}
