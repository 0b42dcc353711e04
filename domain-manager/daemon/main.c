/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bulkhead-domain-manager: owns domains, their settings and volumes. Started by its systemd unit. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdio.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "backend.h"
#include "dbus.h"
#include "dm_error.h"
#include "lifecycle.h"
#include "manager.h"
#include "property.h"
#include "qubesd.h"
#include "services.h"

struct options {
    char *state_dir, *run_dir, *socket_dir, *backend, *bus, *config;
};

static gboolean on_terminate(void *loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_reload(void *manager)
{
    manager_adopt_templates(manager);
    return G_SOURCE_CONTINUE;
}

static gboolean on_statistics(void *manager)
{
    lifecycle_update(manager);
    return G_SOURCE_CONTINUE;
}

/* Two managers over one directory would overwrite each other's settings. */
static int lock_state(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, ".lock", NULL);
    g_mkdir_with_parents(dir, 0750);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        dm_error_errno(error, "%s", path);
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        dm_fail(error, DM_ERROR_IN_USE, "another domain manager uses %s", dir);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static const struct backend_ops *choose_backend(const char *name)
{
    return g_strcmp0(name, "fake") == 0 ? &backend_fake : &backend_libxl;
}

static void serve(struct manager *m, const struct options *o, GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    struct qubesd *qubesd = qubesd_new(m, error);
    struct dbus *bus = NULL;
    if (!qubesd)
        return;
    if (g_strcmp0(o->bus, "none") != 0)
        bus = dbus_new(m, g_strcmp0(o->bus, "session") == 0 ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM);
    g_autofree char *interval = system_property_get(m, "stats_interval", NULL);
    g_timeout_add_seconds((guint)g_ascii_strtoull(interval, NULL, 10), on_statistics, m);
    g_unix_signal_add(SIGTERM, on_terminate, loop);
    g_unix_signal_add(SIGINT, on_terminate, loop);
    g_unix_signal_add(SIGHUP, on_reload, m);
    sd_notify(0, "READY=1");
    lifecycle_autostart(m);
    g_main_loop_run(loop);
    sd_notify(0, "STOPPING=1");
    m->closing = TRUE;
    if (bus)
        dbus_free(bus);
    qubesd_free(qubesd);
}

static gboolean run(const struct options *o, GError **error)
{
    int lock = lock_state(o->state_dir, error);
    if (lock < 0)
        return FALSE;
    g_autoptr(GKeyFile) config = g_key_file_new();
    g_key_file_load_from_file(config, o->config, G_KEY_FILE_NONE, NULL);
    struct manager *m = manager_new(o->state_dir, o->run_dir, o->socket_dir, error);
    if (!m)
        return FALSE;
    struct backend backend = {.ops = choose_backend(o->backend),
                              .notify = lifecycle_on_backend_event,
                              .notify_data = m,
                              .dir = m->run_dir};
    if (backend.ops->open(&backend, error)) {
        m->backend = &backend;
        m->services = services_new(m, config);
        manager_adopt_templates(m);
        lifecycle_recover(m);
        serve(m, o, error);
        backend.ops->close(&backend);
        services_free(m->services);
    }
    manager_free(m);
    close(lock);
    return *error == NULL;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    const GOptionEntry entries[] = {
        {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &o.state_dir, "Settings and volumes (/var/lib/bulkhead)",
         "DIR"},
        {"run-dir", 0, 0, G_OPTION_ARG_FILENAME, &o.run_dir, "Run-time files (/run/bulkhead)", "DIR"},
        {"socket-dir", 0, 0, G_OPTION_ARG_FILENAME, &o.socket_dir, "Place of qubesd.sock (/var/run)", "DIR"},
        {"backend", 0, 0, G_OPTION_ARG_STRING, &o.backend, "Hypervisor: libxl (default) or fake", "NAME"},
        {"bus", 0, 0, G_OPTION_ARG_STRING, &o.bus, "D-Bus: system (default), session or none", "NAME"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &o.config,
         "Configuration (/etc/bulkhead/domain-manager.conf)", "FILE"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "bulkhead-domain-manager: %s\n", error->message);
        return 2;
    }
    o.state_dir = o.state_dir ? o.state_dir : g_strdup("/var/lib/bulkhead");
    o.run_dir = o.run_dir ? o.run_dir : g_strdup("/run/bulkhead");
    o.socket_dir = o.socket_dir ? o.socket_dir : g_strdup("/var/run");
    o.config = o.config ? o.config : g_strdup("/etc/bulkhead/domain-manager.conf");
    gboolean ok = run(&o, &error);
    if (!ok)
        fprintf(stderr, "bulkhead-domain-manager: %s\n", error ? error->message : "failed");
    g_free(o.state_dir);
    g_free(o.run_dir);
    g_free(o.socket_dir);
    g_free(o.config);
    g_free(o.backend);
    g_free(o.bus);
    return ok ? 0 : 1;
}
