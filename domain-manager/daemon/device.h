/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices of dom0 (a stick, a partition, a disk image on a loop device) that are given to domains while
 * they run, or at each start. What is attached is kept in struct domain, and asked of the hypervisor's back
 * end after a restart of the manager; assignments are kept in the settings. */
#ifndef DM_DEVICE_H
#define DM_DEVICE_H

#include "backend.h"
#include "lifecycle.h"
#include "manager.h"

/* How a device is given to a domain; text form "read-only=yes frontend-dev=xvdj required=yes". */
struct device_options {
    gboolean read_only, required; /* required: without it the domain does not start */
    char vdev[BACKEND_VDEV_SIZE]; /* empty: the first free one from xvdi */
};

gboolean device_options_parse(const char *untrusted_text, struct device_options *options, GError **error);
/* dom0's block devices that neither dom0 nor any domain uses (struct backend_block). NULL with error. */
GArray *device_available(struct manager *m, GError **error);
/* Name of the device in "dom0+NAME"; NULL with an error when it cannot be one of dom0's block devices. */
char *device_name(const char *untrusted_identity, GError **error);

/* Asynchronous: give a device to a running domain, take it back. */
void device_attach(struct domain *d, const char *name, const struct device_options *options, done_fn done,
                   void *data);
void device_detach(struct domain *d, const char *name, done_fn done, void *data);

/* At the manager's start: learn what a running domain has attached. */
void device_recover(struct domain *d);

/* The assigned devices for a start (struct backend_block, NULL when there is none). A missing one that is
 * required is an error. */
gboolean device_plan(struct domain *d, GArray **blocks, GError **error);

#endif
