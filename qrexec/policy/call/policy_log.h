/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines to stderr; under systemd the journal takes them with their level. */
#ifndef QREXEC_POLICY_LOG_H
#define QREXEC_POLICY_LOG_H

#include <syslog.h>

/* One line, `level` as in syslog(3). Control characters become '?', so that no caller can forge lines. */
void policy_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
