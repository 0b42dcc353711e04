/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask the domain manager by its admin API socket. */
#ifndef QREXEC_QUBESD_H
#define QREXEC_QUBESD_H

#include <stddef.h>

/**
 * Call METHOD on a domain, as dom0.
 * @param value  room for the answer's data, NUL-terminated; may be NULL
 * @return 0; -EALREADY if the domain was not halted (for admin.vm.Start); another -errno, reason logged
 */
int qubesd_call(const char *method, const char *domain, const char *payload, char *value, size_t value_size);

#endif
