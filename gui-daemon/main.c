/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qubes-guid: shows the windows of one domain on dom0's screen, framed in the domain's colour. See
 * docs/gui.md.
 */
#include <errno.h>
#include <inttypes.h>
#include <glib-unix.h>
#include <gdk/gdkx.h>
#include <gtk/gtk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "background.h"
#include "clipboard.h"
#include "config.h"
#include "connection.h"
#include "helper.h"
#include "seccomp.h"
#include "view.h"
#include "violation.h"

#define LOGGED_VIOLATIONS 50
#define RECONNECT_MS      500
#define DISPLAY_TIMEOUT   600 /* seconds */

enum { EXIT_USAGE = 2, EXIT_TIMEOUT = 3 };

struct guid {
    struct config config;
    struct view view;
    struct shmbuf_importer *importer;
    struct background background;
    struct helper helper;
    struct violation violation;
    GMainLoop *loop;
    guint startup_timer;
    bool connected, was_connected; /* now; ever */
    unsigned violations;
    int status;
};

static void quit(struct guid *d, int status)
{
    if (!d->status)
        d->status = status;
    g_main_loop_quit(d->loop);
}

/* ---- connection ---- */

static void screen_size(struct gui_xconf *xconf)
{
    Display *display = gdk_x11_get_default_xdisplay();
    int screen = DefaultScreen(display);

    xconf->width = (uint32_t)DisplayWidth(display, screen);
    xconf->height = (uint32_t)DisplayHeight(display, screen);
    xconf->depth = 24;
    xconf->mem = xconf->width * xconf->height * 4 / 1024 + 1;
}

static void started(void *data, uint32_t minor, struct gui_xconf *xconf)
{
    struct guid *d = data;

    screen_size(xconf);
    d->view.domain.minor = minor;
    d->connected = d->was_connected = true;
    if (d->startup_timer)
        g_source_remove(d->startup_timer);
    d->startup_timer = 0;
    view_log(&d->view, 1, "connected, protocol 1.%u", minor);
    background_ready(&d->background);
    if (d->config.kill_pid > 0 && !d->config.foreground)
        kill(d->config.kill_pid, SIGUSR1);
}

static void violated(struct guid *d, const char *text, bool fatal)
{
    /* A flood must not fill the disk by its log lines. */
    if (d->violations++ < LOGGED_VIOLATIONS)
        view_log(&d->view, 0, "violation: %s", text);
    violation_ask(&d->violation, text, fatal);
}

static void on_violation(void *data, const char *text, bool fatal)
{
    violated(data, text, fatal);
}

static uint32_t message(void *data, const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct guid *d = data;

    view_log(&d->view, 3, "got %s window 0x%x", gui_message_name(header->type), header->window);
    if (domain_message(&d->view.domain, header, untrusted_body))
        violated(d, d->view.domain.violation, false);
    return domain_message_cost(header->type);
}

static void closed(void *data);

static const struct connection_ops connection_ops = {
    .started = started,
    .message = message,
    .violation = on_violation,
    .closed = closed,
};

static void disconnect(struct guid *d)
{
    connection_free(d->view.connection);
    d->view.connection = NULL;
    violation_reset(&d->violation);
    clipboard_reset(d->view.clipboard);
    domain_reset(&d->view.domain);
}

static gboolean connect_agent(gpointer data)
{
    struct guid *d = data;

    d->view.connection = connection_new(d->config.domid, &connection_ops, d);
    if (!d->view.connection) {
        view_log(&d->view, 0, "cannot connect to domain %d: %s", d->config.domid, strerror(errno));
        quit(d, EXIT_FAILURE);
    }
    return G_SOURCE_REMOVE;
}

/* An agent may start again (its X server did) as long as its domain lives; an attempt fails when the domain
 * is gone. */
static void closed(void *data)
{
    struct guid *d = data;
    bool again = d->connected && d->config.reconnect;

    view_log(&d->view, 1, d->connected ? "the agent is gone" : "no agent");
    d->connected = false;
    disconnect(d);
    if (again)
        g_timeout_add(RECONNECT_MS, connect_agent, d);
    else
        quit(d, d->was_connected ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- the user's answer to a violation ---- */

static void resume(void *data, enum violation_answer answer)
{
    struct guid *d = data;

    switch (answer) {
    case VIOLATION_IGNORE:
        if (d->view.connection)
            connection_pause(d->view.connection, false);
        break;
    case VIOLATION_TERMINATE:
        view_log(&d->view, 0, "terminating the domain");
        helper_kill_domain(&d->helper);
        quit(d, EXIT_FAILURE);
        break;
    case VIOLATION_CLOSE:
        quit(d, EXIT_FAILURE);
        break;
    }
}

static void pause_agent(void *data)
{
    struct guid *d = data;

    if (d->view.connection)
        connection_pause(d->view.connection, true);
}

/* ---- start ---- */

static void on_mapped(struct view *view, struct window *window)
{
    view_log(view, 0, "window 0x%x mapped", window->id);
}

static gboolean on_terminate(gpointer data)
{
    quit(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

static void log_counters(struct view *view)
{
    const struct pixels_counters *p = pixels_counters(view->pixels);
    uint64_t in = 0, out = 0;

    if (view->connection)
        connection_counts(view->connection, &in, &out);
    view_log(view, 0,
             "counters: messages-in %" PRIu64 " messages-out %" PRIu64 " frames %" PRIu64
             " bytes-copied %" PRIu64 " events %" PRIu64 " damaged-bytes %" PRIu64 " windows %u pages %zu",
             in, out, p->frames, p->bytes_copied, p->events, view->damaged_bytes,
             g_hash_table_size(view->domain.windows), view->domain.pages);
}

/* SIGUSR1 shows what -I hid, and writes the counters. */
static gboolean on_usr1(gpointer data)
{
    struct guid *d = data;

    if (d->view.invisible)
        view_show_all(&d->view);
    log_counters(&d->view);
    return G_SOURCE_CONTINUE;
}

static gboolean on_startup_timeout(gpointer data)
{
    struct guid *d = data;

    d->startup_timer = 0;
    view_log(&d->view, 0, "no agent within %d s", d->config.startup_timeout);
    quit(d, EXIT_TIMEOUT);
    return G_SOURCE_REMOVE;
}

static void setup_gtk(const struct config *config)
{
    char *name = g_strdup_printf("qubes-guid/%s", config->name);

    /* Nothing here needs the accessibility bus, input methods, remote files, stored settings, printing or a
     * session manager; some of them would start a program, which the system call filter punishes. */
    g_setenv("NO_AT_BRIDGE", "1", TRUE);
    g_setenv("GIO_USE_VFS", "local", TRUE);
    g_setenv("GSETTINGS_BACKEND", "memory", TRUE);
    g_setenv("GTK_IM_MODULE", "gtk-im-context-simple", TRUE);
    /* Our own tiny theme (theme.css) instead of half a second's worth of CSS. */
    g_setenv("GTK_THEME", "Bulkhead-guid", TRUE);
    g_unsetenv("GTK_MODULES");
    g_unsetenv("GTK3_MODULES");
    gdk_set_allowed_backends("x11");
    gdk_disable_multidevice();
    /* Windows are laid out in the X server's pixels, as the protocol is; the scale is the guest's business.
     */
    g_setenv("GDK_SCALE", "1", TRUE);
    g_set_prgname("qubes-guid");
    g_set_application_name(name);
    g_free(name);
}

static int run(struct guid *d)
{
    const char *why = NULL;
    int err = shmbuf_importer_open((uint16_t)d->config.domid, &d->importer);

    if (err) {
        fprintf(stderr, "qubes-guid: %s: cannot map buffers: %s\n", d->config.name, strerror(-err));
        return EXIT_FAILURE;
    }
    if (!view_init(&d->view, &d->config, d->importer, &why)) {
        fprintf(stderr, "qubes-guid: %s: %s\n", d->config.name, why);
        return EXIT_FAILURE;
    }
    d->view.mapped = on_mapped;
    violation_init(&d->violation, &d->config, pause_agent, resume, d);
    d->loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGTERM, on_terminate, d);
    g_unix_signal_add(SIGINT, on_terminate, d);
    g_unix_signal_add(SIGUSR1, on_usr1, d);
    signal(SIGPIPE, SIG_IGN);
    /* The limit is for whoever waits: a slow domain's windows shall still come. */
    if (d->config.startup_timeout && !d->config.foreground && !d->config.no_wait)
        d->startup_timer = g_timeout_add_seconds((guint)d->config.startup_timeout, on_startup_timeout, d);
    if (d->config.no_wait)
        background_ready(&d->background);
    connect_agent(d);
    err = seccomp_enter();
    if (err)
        view_log(&d->view, 0, "no system call filter: %s", strerror(-err));
    if (!d->status)
        g_main_loop_run(d->loop);
    log_counters(&d->view);
    disconnect(d);
    violation_free(&d->violation);
    view_free(&d->view);
    g_main_loop_unref(d->loop);
    return d->status;
}

/* Domains may start before the desktop does. */
static bool open_display(const struct config *config)
{
    for (int seconds = 0; !gtk_init_check(NULL, NULL); seconds++) {
        if (seconds == 0)
            fprintf(stderr, "qubes-guid: %s: waiting for the display\n", config->name);
        if (seconds == DISPLAY_TIMEOUT) {
            fprintf(stderr, "qubes-guid: %s: cannot open the display\n", config->name);
            return false;
        }
        sleep(1);
    }
    return true;
}

/* The main process of a systemd unit must not go to the background by itself. */
static bool systemd_main_process(void)
{
    const char *pid = getenv("SYSTEMD_EXEC_PID");

    return pid && atoi(pid) == getpid();
}

int main(int argc, char **argv)
{
    static struct guid guid;
    GError *error = NULL;
    int status;

    if (!config_load(&guid.config, argc, argv, &error)) {
        fprintf(stderr, "qubes-guid: %s\n", error->message);
        return EXIT_USAGE;
    }
    if (systemd_main_process())
        guid.config.foreground = true;
    if (!guid.config.foreground && !background_enter(&guid.background, &guid.config, &status))
        return status;
    setup_gtk(&guid.config);
    helper_start(&guid.helper, guid.config.name);
    if (!open_display(&guid.config))
        return EXIT_FAILURE;
    status = run(&guid);
    shmbuf_importer_close(guid.importer);
    config_free(&guid.config);
    return status;
}
