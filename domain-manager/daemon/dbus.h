/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D-Bus interface org.bulkhead.DomainManager1 at /org/bulkhead/DomainManager1 (docs/domains.md). */
#ifndef DM_DBUS_H
#define DM_DBUS_H

#include "manager.h"

#define DBUS_NAME      "org.bulkhead.DomainManager1"
#define DBUS_PATH      "/org/bulkhead/DomainManager1"
#define DBUS_INTERFACE "org.bulkhead.DomainManager1"

struct dbus;

/* Own the name on the system or session bus, asynchronously. */
struct dbus *dbus_new(struct manager *m, GBusType bus);
void dbus_free(struct dbus *d);

#endif
