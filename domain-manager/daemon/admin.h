/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Admin API: every operation that a tool, the D-Bus interface or a domain
 * allowed by policy can ask for goes through these method tables. */
#ifndef DM_ADMIN_H
#define DM_ADMIN_H

#include "manager.h"

struct admin_request;

typedef void (*admin_reply_fn)(const GError *error, const char *data, gsize size, void *user);

struct admin_request {
    struct manager *manager;
    char *method, *argument; /* "admin.vm.property.Get", "memory" */
    char *source, *target;   /* names of domains */
    struct domain *dest;     /* the target; valid inside the handler only */
    char *payload;           /* NUL after its end */
    gsize payload_size;
    admin_reply_fn reply;
    void *user;
};

/* Answer at once: append to `out`, or set error. */
typedef gboolean (*admin_sync_fn)(struct admin_request *r, GString *out, GError **error);
/* Answer later by admin_finish, exactly once. */
typedef void (*admin_async_fn)(struct admin_request *r);

struct admin_method {
    const char *name;
    admin_sync_fn sync;
    admin_async_fn async;
    unsigned flags;
};

#define ADMIN_ARG    1u /* needs an argument */
#define ADMIN_NO_ARG 2u /* refuses one */
#define ADMIN_DOM0   4u /* the target must be dom0 */
#define ADMIN_CHANGE 8u /* the target must have no long operation under way */

/* Ended by a NULL name. */
extern const struct admin_method admin_vm_methods[], admin_data_methods[], admin_volume_methods[],
    admin_device_methods[], admin_backup_methods[];

/* Run one request; takes ownership of nothing, copies what it needs. untrusted_method is "METHOD+ARG". */
void admin_call(struct manager *m, const char *untrusted_method, const char *source,
                const char *untrusted_target, const char *untrusted_payload, gsize payload_size,
                admin_reply_fn reply, void *user);
/* Send the answer (error NULL: `data`), free the request. */
void admin_finish(struct admin_request *r, const GError *error, const char *data);
/* A done_fn for operations with an empty answer; data is the request. */
void admin_done(const GError *error, void *data);

/* Text that GetSystemInfo answers: JSON {"domains": {NAME: {…}}} for the policy daemon. */
char *system_info_json(struct manager *m);

/* Names from a table sorted, one a line. */
void admin_append_keys(GString *out, GHashTable *table);

#endif
