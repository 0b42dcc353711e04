/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start, stop, pause of domains; what happens when one dies; disposables.
 * All functions with a done_fn answer exactly once, from the main loop. */
#ifndef DM_LIFECYCLE_H
#define DM_LIFECYCLE_H

#include "backend.h"
#include "manager.h"

/* Start (its netvm first) and wait until its qrexec agent answers. A running domain: success at once; one
 * that is starting already: answers with that start. */
void lifecycle_start(struct domain *d, done_fn done, void *data);
/* Ask the guest to go down. wait: answer when it has, else after shutdown_timeout with DM_ERROR_TIMEOUT.
 * force: do it though running domains use it as netvm. */
void lifecycle_shutdown(struct domain *d, gboolean force, gboolean wait, done_fn done, void *data);
void lifecycle_kill(struct domain *d, done_fn done, void *data);
void lifecycle_pause(struct domain *d, gboolean on, done_fn done, void *data);

/* A new unnamed disposable (dispNNNN) of an AppVM with template_for_dispvms; halted. */
struct domain *lifecycle_create_disposable(struct manager *m, struct domain *base, struct domain *creator,
                                           GError **error);

/* At the manager's start: find the domains that run already, remove left-over disposables. */
void lifecycle_recover(struct manager *m);
/* Take over the statistics of running domains, and notice ends that were not reported. Every few seconds. */
void lifecycle_update(struct manager *m);
/* Start those with autostart. */
void lifecycle_autostart(struct manager *m);

/* The backend's report of an end; data is the manager. */
void lifecycle_on_backend_event(int domid, enum backend_event event, void *data);

#endif
