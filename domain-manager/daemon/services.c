/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "services.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dm_error.h"
#include "labels.h"
#include "property.h"
#include "store.h"

enum mode { MODE_NONE, MODE_SPAWN, MODE_SYSTEMD };

struct services {
    struct manager *manager;
    enum mode mode;
    char *qrexec_daemon, *gui_daemon, *display, *xauthority, *user;
    GDBusConnection *bus;
    guint job_signal, starting; /* starting: answers to StartUnit that are still out */
    GHashTable *jobs;           /* job path → struct job */
    GHashTable *ended; /* job path → result, of jobs that ended before the answer to StartUnit was seen */
    GHashTable *children; /* "guid@NAME" → GSubprocess */
};

/* A start that somebody waits for. */
struct job {
    struct services *services;
    char *domain, *what, *path;
    gboolean must; /* its failure fails the domain's start */
    done_fn done;
    void *data;
};

static void job_free(struct job *j)
{
    g_free(j->domain);
    g_free(j->what);
    g_free(j->path);
    g_free(j);
}

/* result NULL: good. Frees the job. */
static void job_finish(struct job *j, const char *result)
{
    struct manager *m = j->services->manager;
    struct domain *d = manager_find(m, j->domain);
    g_autoptr(GError) error = NULL;
    if (result) {
        dm_fail(&error, DM_ERROR_TIMEOUT,
                "%s of %s did not start (%s); look at journalctl -u 'bulkhead-*@%s' and at "
                "/var/log/xen/console/guest-%s.log",
                j->what, j->domain, result, j->domain, j->domain);
        g_warning("%s", error->message);
        if (d)
            manager_emit(m, d, "service-failed", "service", j->what, "reason", result, NULL);
    }
    if (j->must)
        j->done(error, j->data);
    job_free(j);
}

/* -- the files that the units read -- */

static char *env_path(struct services *s, const char *name)
{
    return g_build_filename(s->manager->run_dir, "domains", name, NULL);
}

static gboolean write_env(struct services *s, struct domain *d, GError **error)
{
    g_autofree char *label_name = property_get(d, "label", NULL);
    const struct label *label = labels_find(label_name);
    g_autofree char *user = property_get(d, "default_user", NULL);
    g_autofree char *timeout = property_get(d, "qrexec_timeout", NULL);
    g_autofree char *path = env_path(s, d->name), *dir = g_path_get_dirname(path);
    g_autofree char *text = g_strdup_printf("DOMID=%d\nNAME=%s\nUUID=%s\nDEFAULT_USER=%s\nCOLOR=0x%"
                                            "06x\nLABEL_INDEX=%u\nQREXEC_STARTUP_TIMEOUT=%s\n"
                                            "DISPLAY=%s\nXAUTHORITY=%s\nGUI_USER=%s\n",
                                            d->domid, d->name, d->uuid, user, label->rgb, label->index,
                                            timeout, s->display, s->xauthority, s->user);
    if (g_mkdir_with_parents(dir, 0755) < 0)
        return dm_error_errno(error, "%s", dir);
    return g_file_set_contents(path, text, -1, error);
}

/* -- systemd -- */

static void on_job_removed(GDBusConnection *bus, const char *sender, const char *object,
                           const char *interface, const char *signal, GVariant *parameters, void *data)
{
    struct services *s = data;
    const char *path, *result;
    (void)bus, (void)sender, (void)object, (void)interface, (void)signal;
    g_variant_get(parameters, "(u&o&s&s)", NULL, &path, NULL, &result);
    struct job *j = g_hash_table_lookup(s->jobs, path);
    if (!j) {
        if (s->starting)
            g_hash_table_insert(s->ended, g_strdup(path), g_strdup(result));
        return;
    }
    g_hash_table_remove(s->jobs, path);
    job_finish(j, strcmp(result, "done") == 0 ? NULL : result);
}

static void on_unit_started(GObject *source, GAsyncResult *res, void *data)
{
    struct job *j = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), res, &error);
    struct services *s = j->services;
    const char *path = "";
    if (reply)
        g_variant_get(reply, "(&o)", &path);
    g_autofree char *ended = g_strdup(g_hash_table_lookup(s->ended, path));
    if (--s->starting == 0)
        g_hash_table_remove_all(s->ended);
    if (!reply || ended) {
        job_finish(j, !reply ? error->message : strcmp(ended, "done") == 0 ? NULL : ended);
        return;
    }
    j->path = g_strdup(path);
    g_hash_table_insert(s->jobs, j->path, j);
}

static void systemd_call(struct services *s, const char *method, const char *unit, const char *domain,
                         GAsyncReadyCallback callback, void *data)
{
    g_autofree char *name = g_strdup_printf("%s@%s.service", unit, domain);
    g_dbus_connection_call(s->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                           "org.freedesktop.systemd1.Manager", method, g_variant_new("(ss)", name, "replace"),
                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, callback, data);
}

static gboolean systemd_open(struct services *s)
{
    g_autoptr(GError) error = NULL;
    s->bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    if (!s->bus) {
        g_warning("system bus: %s", error->message);
        return FALSE;
    }
    s->job_signal = g_dbus_connection_signal_subscribe(
        s->bus, "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved", NULL, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, s, NULL);
    g_dbus_connection_call(s->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                           "org.freedesktop.systemd1.Manager", "Subscribe", NULL, NULL,
                           G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
    return TRUE;
}

/* -- own children -- */

static void on_child_exit(GObject *source, GAsyncResult *res, void *data)
{
    struct job *j = data;
    GSubprocess *p = G_SUBPROCESS(source);
    g_autofree char *key = g_strdup_printf("%s@%s", j->what, j->domain);
    g_subprocess_wait_finish(p, res, NULL);
    if (g_hash_table_lookup(j->services->children, key) == p)
        g_hash_table_remove(j->services->children, key);
    gboolean good = g_subprocess_get_if_exited(p) && g_subprocess_get_exit_status(p) == 0;
    g_autofree char *result = g_subprocess_get_if_exited(p)
                                  ? g_strdup_printf("exit status %d", g_subprocess_get_exit_status(p))
                                  : g_strdup("killed");
    struct domain *d = manager_find(j->services->manager, j->domain);
    gboolean ends_with_domain = !j->must && (!d || d->domid < 0 || d->state == STATE_DYING);
    job_finish(j, good || ends_with_domain ? NULL : result);
}

static void spawn(struct services *s, struct job *j, const char *const *argv, struct domain *d)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocessLauncher) l = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    g_autofree char *timeout = property_get(d, "qrexec_timeout", NULL);
    g_subprocess_launcher_setenv(l, "DISPLAY", s->display, TRUE);
    g_subprocess_launcher_setenv(l, "QREXEC_STARTUP_TIMEOUT", timeout, TRUE);
    if (s->xauthority[0])
        g_subprocess_launcher_setenv(l, "XAUTHORITY", s->xauthority, TRUE);
    GSubprocess *p = g_subprocess_launcher_spawnv(l, argv, &error);
    if (!p) {
        job_finish(j, error->message);
        return;
    }
    g_hash_table_insert(s->children, g_strdup_printf("%s@%s", j->what, j->domain), p);
    g_subprocess_wait_async(p, NULL, on_child_exit, j);
}

static void spawn_service(struct services *s, struct job *j, struct domain *d)
{
    g_autofree char *label_name = property_get(d, "label", NULL);
    const struct label *label = labels_find(label_name);
    g_autofree char *user = property_get(d, "default_user", NULL);
    g_autofree char *domid = g_strdup_printf("%d", d->domid);
    g_autofree char *color = g_strdup_printf("0x%06x", label->rgb);
    g_autofree char *index = g_strdup_printf("%u", label->index);
    g_autofree char *uuid = g_strconcat("--uuid=", d->uuid, NULL);
    const char *qrexec[] = {s->qrexec_daemon, "-q", uuid, "--", domid, d->name, user, NULL};
    const char *gui[] = {s->gui_daemon, "-f", "-d", domid, "-N", d->name, "-c", color, "-l", index, NULL};
    spawn(s, j, j->must ? qrexec : gui, d);
}

/* -- both -- */

static void start_one(struct services *s, struct domain *d, const char *what, gboolean must, done_fn done,
                      void *data)
{
    struct job *j = g_new0(struct job, 1);
    *j = (struct job){.services = s,
                      .domain = g_strdup(d->name),
                      .what = g_strdup(what),
                      .must = must,
                      .done = done,
                      .data = data};
    g_autofree char *unit = g_strconcat("bulkhead-", what, NULL);
    if (s->mode == MODE_SYSTEMD) {
        s->starting++;
        systemd_call(s, "StartUnit", unit, d->name, on_unit_started, j);
    } else {
        spawn_service(s, j, d);
    }
}

void services_start(struct services *s, struct domain *d, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    struct domain *guivm = property_get_vm(d, "guivm");
    if (!write_env(s, d, &error)) {
        done(error, data);
        return;
    }
    if (s->mode != MODE_NONE && s->display[0] && guivm && guivm->klass == CLASS_ADMIN &&
        domain_feature_bool(d, "gui", TRUE))
        start_one(s, d, "guid", FALSE, NULL, NULL);
    if (s->mode != MODE_NONE && domain_feature_bool(d, "qrexec", TRUE))
        start_one(s, d, "qrexec", TRUE, done, data);
    else
        done(NULL, data);
}

void services_stop(struct services *s, struct domain *d)
{
    static const char *const whats[] = {"guid", "qrexec"};
    g_autofree char *path = env_path(s, d->name);
    for (guint i = 0; i < G_N_ELEMENTS(whats); i++) {
        g_autofree char *unit = g_strconcat("bulkhead-", whats[i], NULL);
        g_autofree char *key = g_strdup_printf("%s@%s", whats[i], d->name);
        GSubprocess *p = g_hash_table_lookup(s->children, key);
        if (s->mode == MODE_SYSTEMD)
            systemd_call(s, "StopUnit", unit, d->name, NULL, NULL);
        else if (p)
            g_subprocess_send_signal(p, 15);
    }
    g_unlink(path);
}

static char *setting(GKeyFile *config, const char *key, const char *otherwise)
{
    char *value = config ? g_key_file_get_string(config, "services", key, NULL) : NULL;
    return value ? value : g_strdup(otherwise);
}

struct services *services_new(struct manager *m, GKeyFile *config)
{
    struct services *s = g_new0(struct services, 1);
    g_autofree char *mode = setting(config, "mode", "auto");
    s->manager = m;
    s->qrexec_daemon = setting(config, "qrexec-daemon", "/usr/sbin/qrexec-daemon");
    s->gui_daemon = setting(config, "gui-daemon", "/usr/bin/qubes-guid");
    s->display = setting(config, "display", ":0");
    s->xauthority = setting(config, "xauthority", "/run/bulkhead/Xauthority");
    s->user = setting(config, "user", "user");
    s->jobs = g_hash_table_new(g_str_hash, g_str_equal);
    s->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    s->children = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
    if (strcmp(mode, "none") == 0)
        s->mode = MODE_NONE;
    else if (strcmp(mode, "systemd") == 0 ||
             (strcmp(mode, "auto") == 0 && g_access("/run/systemd/system", F_OK) == 0))
        s->mode = systemd_open(s) ? MODE_SYSTEMD : MODE_SPAWN;
    else
        s->mode = MODE_SPAWN;
    return s;
}

void services_free(struct services *s)
{
    if (s->job_signal)
        g_dbus_connection_signal_unsubscribe(s->bus, s->job_signal);
    g_clear_object(&s->bus);
    g_hash_table_unref(s->jobs);
    g_hash_table_unref(s->ended);
    g_hash_table_unref(s->children);
    g_free(s->qrexec_daemon);
    g_free(s->gui_daemon);
    g_free(s->display);
    g_free(s->xauthority);
    g_free(s->user);
    g_free(s);
}
