/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's programs for each running domain: qrexec-daemon and the GUI daemon. Run as systemd units
 * bulkhead-qrexec@NAME and bulkhead-guid@NAME, or as own children where there is no systemd (tests). */
#ifndef DM_SERVICES_H
#define DM_SERVICES_H

#include "manager.h"

/* Settings from [services] of the configuration file (all keys optional):
 *   mode=auto|systemd|spawn|none  qrexec-daemon=PATH  gui-daemon=PATH  display=:0  xauthority=FILE  user=NAME
 */
struct services *services_new(struct manager *m, GKeyFile *config);
void services_free(struct services *s);

/* Start both; done when the qrexec agent has answered, or failed to. A GUI daemon that fails is only reported
 * (event service-failed). */
void services_start(struct services *s, struct domain *d, done_fn done, void *data);
void services_stop(struct services *s, struct domain *d);

#endif
