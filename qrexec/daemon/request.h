/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM's agent asks for: checked and made safe. Pure. */
#ifndef QREXEC_REQUEST_H
#define QREXEC_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct request {
    char source[64]; /* the RemoteVM spoken for, else empty */
    char target[64];
    char ident[32];
    char *service;       /* points into the message */
    size_t service_size; /* with its NUL */
};

enum request_verdict {
    REQUEST_OK,
    REQUEST_REFUSED, /* answer SERVICE_REFUSED with request.ident, whatever is in it */
    REQUEST_FATAL,   /* the agent broke the protocol: end the connection */
};

/**
 * Check a TRIGGER_SERVICE message of any version.
 * @param untrusted_body  is changed: odd characters are replaced
 * @param version  negotiated with the agent
 */
enum request_verdict request_check(uint32_t type, char *untrusted_body, size_t size, uint32_t version,
                                   struct request *request);

#endif
