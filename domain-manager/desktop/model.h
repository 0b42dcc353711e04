/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The desktop programs' view of the manager: a copy of the list of domains, kept current by its D-Bus events.
 */
#ifndef DESKTOP_MODEL_H
#define DESKTOP_MODEL_H

#include <gio/gio.h>

struct app {
    char *id, *name;
};

struct vm {
    char *name, *klass, *state, *label, *template_name, *netvm, *icon;
    gboolean is_dispvm_template, internal;
    gboolean outdated; /* its template has changed since it was started */
    int domid;
    guint64 memory_kib, cpu_time_ns;
    GPtrArray *apps; /* struct app; NULL until they came */
};

struct model;

typedef void (*model_changed_fn)(void *data);
/* An event of the manager; details: pairs. */
typedef void (*model_event_fn)(const char *domain, const char *event, GVariant *details, void *data);
typedef void (*model_answer_fn)(const char *answer, const GError *error, void *data);

/* Connects asynchronously; changed comes when the first list is there, and at every later change. */
struct model *model_new(GBusType bus, model_changed_fn changed, model_event_fn event, void *data);
void model_free(struct model *m);

/* Domains sorted by name, dom0 first: struct vm. Valid until the next changed. */
const GPtrArray *model_domains(const struct model *m);
const struct vm *model_find(const struct model *m, const char *name);
/* The manager answers. */
gboolean model_connected(const struct model *m);

/* Any admin method ("admin.vm.Start"); answer may be NULL: failures then become an event "call-failed". */
void model_call(struct model *m, const char *method, const char *domain, const char *payload,
                model_answer_fn answer, void *data);
/* GetProperties: reply is a(sssb) in the answer's GVariant. */
void model_properties(struct model *m, const char *domain, GAsyncReadyCallback ready, void *data);
/* Fetch memory figures again. */
void model_refresh(struct model *m);

#endif
