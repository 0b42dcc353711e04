/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager: all domains in memory, system properties, event listeners. Everything here runs in the main
 * loop's thread only; work that blocks is done in threads on copies (start_plan in lifecycle.c). */
#ifndef DM_MANAGER_H
#define DM_MANAGER_H

#include <gio/gio.h>

#include "rules.h"

struct backend;
struct services;

enum power_state {
    STATE_HALTED,
    STATE_TRANSIENT,
    STATE_RUNNING,
    STATE_PAUSED,
    STATE_HALTING,
    STATE_DYING,
    STATE_CRASHED, /* not running; the last run ended by a crash */
    STATE_COUNT,
};

struct manager;

/* Result of an asynchronous operation; error is NULL on success and belongs to the caller of done. */
typedef void (*done_fn)(const GError *error, void *data);

struct domain {
    struct manager *manager;
    char *name;
    char uuid[37];
    enum domain_class klass;
    unsigned qid;
    int dispid;             /* DispVM, or -1 */
    GHashTable *properties; /* name → text; only those set by hand */
    GHashTable *features;   /* name → text */
    GHashTable *tags;       /* set */
    GHashTable *devices;    /* name of a block device of dom0 → options: assignments */
    GHashTable *volumes;    /* "private.size" … → text: settings of volumes */

    /* run time */
    enum power_state state;
    int domid;             /* -1 when not running */
    gint64 asked, spawned; /* monotonic µs: start was asked for; built and running */
    gint64 start_time;     /* seconds since the epoch, 0 when not running */
    GArray *attached;      /* struct backend_block: devices that it was given; NULL: none */
    char *root_source;     /* file of the template's revision that it was started with */
    const char *busy;      /* what a long operation is doing with it ("cloned"), or NULL */
    gboolean stop_failed;  /* Dying, and what was left of it could not be cleared up: to be tried again */
    gboolean kill_wanted;  /* kill was asked for while the backend was still building it */
    gboolean qrexec_ready;
    gboolean removing;
    guint firewall_expiry; /* timer for the first rule that expires, or 0 */
    GSList *start_waiters; /* struct waiter */
    GSList *stop_waiters;
    guint64 memory_kib, cpu_time_ns; /* last statistics */
    gint64 statistics_time;          /* monotonic µs, 0: none yet */
};

typedef void (*event_fn)(struct manager *m, const char *subject, const char *event, const char *const *pairs,
                         void *data);

struct manager {
    char *state_dir;      /* /var/lib/bulkhead */
    char *run_dir;        /* /run/bulkhead */
    char *socket_dir;     /* /var/run: Qubes' sockets */
    GHashTable *domains;  /* name → struct domain *, owned */
    GHashTable *system;   /* system property → text */
    GHashTable *reserved; /* names of domains that are being cloned */
    GHashTable *tokens;   /* of admin.vm.volume.CloneFrom → "DOMAIN VOLUME" */
    GArray *listeners;
    struct backend *backend;
    struct services *services;
    gboolean closing;
};

/* Create the manager over a state directory (made when missing) and load all settings. Unfinished creations,
 * removals and renames of an earlier process are completed or undone here. NULL with error when the
 * directory cannot be used; one unreadable domain is logged and left out. */
struct manager *manager_new(const char *state_dir, const char *run_dir, const char *socket_dir,
                            GError **error);
void manager_free(struct manager *m);

/* Find by name, or by "uuid:…". NULL without error when there is none. */
struct domain *manager_find(struct manager *m, const char *name);
/* The same; sets DM_ERROR_NO_DOMAIN. */
struct domain *manager_get(struct manager *m, const char *name, GError **error);
/* All domains sorted by name, dom0 first. Free the array with g_ptr_array_unref. */
GPtrArray *manager_sorted(struct manager *m);

/* Sent for each running domain every stats_interval seconds. */
#define MANAGER_STATS_EVENT "vm-stats"

/* Event to all listeners. subject NULL: the system. Further arguments: key, value, …, NULL. */
void manager_emit(struct manager *m, const struct domain *subject, const char *event,
                  ...) G_GNUC_NULL_TERMINATED;
/* Event "progress" of a long copy: name is the domain that is made, or the directory of a backup. */
void manager_emit_progress(struct manager *m, const struct domain *subject, const char *name, guint64 done,
                           guint64 expected);
void manager_listen(struct manager *m, event_fn fn, void *data);
void manager_unlisten(struct manager *m, event_fn fn, void *data);

/* Write the system settings. */
gboolean manager_save_system(struct manager *m, GError **error);
/* Register template images found under templates/ that have no domain yet; makes the first one the default.
 */
void manager_adopt_templates(struct manager *m);

char *manager_domain_dir(const struct manager *m, const char *name);
char *manager_template_dir(const struct manager *m, const char *name);

/* -- domain.c -- */

/* Details of a domain to be made; NULL members take the default. */
struct domain_spec {
    enum domain_class klass;
    const char *name;
    const char *template_name;
    const char *label;
    const struct domain *clone_of; /* settings are copied from it */
    int dispid;                    /* of an unnamed disposable, else 0 */
    gboolean prepared;             /* domains/.new-NAME holds the volumes already */
};

/* Make the record and its settings file (all or nothing), add it and emit domain-add. */
struct domain *domain_create(struct manager *m, const struct domain_spec *spec, GError **error);
/* For domains that come with their settings (a backup): add a bare record in memory; write its settings into
 * domains/.new-NAME, which holds its volumes, and let that appear, with a TemplateVM's images from
 * `template_dir` (else NULL). Whoever began it takes it out of m->domains when it is not to stay. */
struct domain *domain_begin(struct manager *m, const char *name, enum domain_class klass, GError **error);
gboolean domain_commit(struct domain *d, const char *template_dir, GError **error);
/* Read one domain's directory; does not add it. */
struct domain *domain_load(struct manager *m, const char *name, GError **error);
struct domain *domain_new_admin(struct manager *m);
void domain_free(struct domain *d);
gboolean domain_save(struct domain *d, GError **error);
/* Forget the record and delete its files. Fails while running or in use. */
gboolean domain_remove(struct domain *d, GError **error);
gboolean domain_rename(struct domain *d, const char *new_name, GError **error);
/* Every reference to the domain `from` (properties, system properties) becomes `to`. FALSE when some domain's
 * settings could not be written. The system settings are not saved. */
gboolean domain_rename_references(struct manager *m, const char *from, const char *to);
/* Names of those that refer to d, "a (template), b (netvm)", or NULL. */
char *domain_referrers(struct domain *d);

/* Replace one entry of properties/features/volumes (value NULL: remove) or tags, and save; undone on error.
 */
gboolean domain_store(struct domain *d, GHashTable *table, const char *key, const char *value,
                      GError **error);

gboolean domain_is_halted(const struct domain *d);
const char *domain_state_name(const struct domain *d);
/* Error unless no long operation is under way on it. */
gboolean domain_check_idle(const struct domain *d, GError **error);
/* Feature with fallback to the template's. NULL when unset in both. */
const char *domain_feature(struct domain *d, const char *name);
/* Feature as boolean: unset → otherwise. */
gboolean domain_feature_bool(struct domain *d, const char *name, gboolean otherwise);
struct domain *domain_template(struct domain *d);

#endif
