/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qubes-gui: shows the windows of this domain's X server in the GUI domain. One thread that sleeps in poll()
 * until the X server, the daemon or a signal has something to say.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "buffer.h"
#include "capture.h"
#include "clipboard.h"
#include "dispatch.h"
#include "frame.h"
#include "grant-limit.h"
#include "grants.h"
#include "input.h"
#include "properties.h"
#include "resize.h"
#include "scale.h"
#include "shmbuf.h"
#include "track.h"
#include "tray.h"
#include "wm.h"

#define X_SOCKETS   "/tmp/.X11-unix"
#define X_RETRY_MS  500   /* while there is no X server; inotify is faster */
#define X_SETTLE_MS 20    /* between the socket's appearance and its listen() */
#define WIPE_MAX    86400 /* seconds */

uint64_t agent_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct options {
    const char *display;
    int domain;
    int wipe_seconds;
    uint32_t scale; /* in 1/120 */
    bool verbose;
};

static const char usage[] =
    "Usage: qubes-gui [-d DOMID] [-D DISPLAY] [-w SECONDS] [-s SCALE] [-v]\n"
    "Show the windows of this domain's X server in the GUI domain.\n"
    "  -d, --domain=DOMID     the GUI domain (default 0)\n"
    "  -D, --display=DISPLAY  the X server (default: $DISPLAY)\n"
    "  -w, --clipboard-wipe=SECONDS  forget pasted text after that time\n"
    "  -s, --scale=SCALE      what applications here draw for, whatever the desktop wants\n"
    "  -v, --verbose          log every message of the daemon\n"
    "  -h, --help\n";

static bool parse_scale(const char *text, uint32_t *scale)
{
    double wanted = atof(text) * GUI_SCALE_ONE;

    if (!(wanted >= GUI_SCALE_MIN && wanted <= GUI_SCALE_MAX))
        return false;
    *scale = (uint32_t)wanted;
    return true;
}

/* 0: go on; 1: done; 2: usage. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"domain", required_argument, NULL, 'd'},
                                          {"display", required_argument, NULL, 'D'},
                                          {"clipboard-wipe", required_argument, NULL, 'w'},
                                          {"scale", required_argument, NULL, 's'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "d:D:w:s:vh", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            options->domain = atoi(optarg);
            break;
        case 'D':
            options->display = optarg;
            break;
        case 'w':
            options->wipe_seconds = atoi(optarg);
            break;
        case 's':
            if (!parse_scale(optarg, &options->scale)) {
                fputs(usage, stderr);
                return 2;
            }
            break;
        case 'v':
            options->verbose = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    return 0;
}

/* Connect to X and take the display over. */
static void start_display(struct agent *agent, const char *name)
{
    if (display_open(&agent->x, name))
        return;
    fprintf(stderr, "qubes-gui: X server found, %ux%u\n", agent->x.width, agent->x.height);
    grants_start(agent);
    wm_start(agent);
    track_start(agent);
    tray_start(agent);
    input_start(agent);
    if (agent->link.state == LINK_UP) {
        scale_fit_screen(agent);
        track_announce_all(agent);
    }
}

static void stop_display(struct agent *agent)
{
    track_stop(agent);
    capture_close(agent);
    clipboard_clear(agent);
    display_close(&agent->x);
}

static void handle_x_event(struct agent *agent, const xcb_generic_event_t *event)
{
    if (event->response_type == 0)
        return; /* an error: the window it was about is gone, its event comes */
    if (clipboard_event(agent, event) || track_event(agent, event) || wm_event(agent, event))
        return;
    if (!resize_event(agent, event))
        input_event(agent, event);
}

/* All events that are there. True if there was one. */
static bool handle_x(struct agent *agent)
{
    xcb_generic_event_t *event;
    bool any = false;

    while (agent->x.conn && (event = xcb_poll_for_event(agent->x.conn))) {
        handle_x_event(agent, event);
        free(event);
        any = true;
    }
    return any;
}

/* Waiting for answers of X may have put events into the queue, which poll() does not see. */
static bool handle_queued(struct agent *agent)
{
    xcb_generic_event_t *event = agent->x.conn ? xcb_poll_for_queued_event(agent->x.conn) : NULL;

    if (!event)
        return false;
    handle_x_event(agent, event);
    free(event);
    return true;
}

static void print_stats(const struct agent *agent)
{
    const struct agent_stats *s = &agent->stats;

    fprintf(stderr,
            "qubes-gui: stats frames=%llu rects=%llu bytes-copied=%llu bytes-damaged=%llu dumps=%llu "
            "messages=%llu "
            "wakeups=%llu windows=%zu\n",
            (unsigned long long)s->frames, (unsigned long long)s->rects, (unsigned long long)s->bytes_copied,
            (unsigned long long)s->bytes_damaged, (unsigned long long)s->dumps,
            (unsigned long long)agent->link.messages_out, (unsigned long long)s->wakeups,
            agent->windows.count);
}

/* True: end. */
static bool handle_signal(struct agent *agent, int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof(info)) != sizeof(info))
        return false;
    if (info.ssi_signo != SIGUSR1)
        return true;
    print_stats(agent);
    return false;
}

static int poll_timeout(const struct agent *agent)
{
    uint64_t now = agent_now_ms(), at = UINT64_MAX;

    if (!agent->x.conn)
        return X_RETRY_MS;
    if (agent->frames_due)
        at = agent->frames_at_ms;
    if (agent->clipboard.wipe_at_ms && agent->clipboard.wipe_at_ms < at)
        at = agent->clipboard.wipe_at_ms;
    if (at == UINT64_MAX)
        return -1;
    return at > now ? (int)(at - now) : 0;
}

/* Make everything that is pending go out, until nothing is left that poll() would not report. */
static int settle(struct agent *agent)
{
    int rc;

    do {
        handle_x(agent);
        rc = link_process(&agent->link, false);
        track_flush(agent);
        properties_flush(agent);
        frame_flush(agent);
        link_flush(&agent->link);
        if (agent->x.conn) {
            clipboard_flush(agent);
            xcb_flush(agent->x.conn);
        }
    } while (!rc && handle_queued(agent));
    return rc;
}

static void drain(int fd)
{
    char buffer[4096];

    while (read(fd, buffer, sizeof(buffer)) > 0)
        ;
    usleep(X_SETTLE_MS * 1000);
}

static int run(struct agent *agent, const struct options *options, int signals, int sockets)
{
    enum { SIGNALS, LINK, X, SOCKETS, COUNT };
    int rc = 0;

    while (!rc) {
        struct pollfd fds[COUNT] = {
            {.fd = signals, .events = POLLIN},
            {.fd = link_fd(&agent->link), .events = POLLIN},
            {.fd = agent->x.conn ? xcb_get_file_descriptor(agent->x.conn) : -1, .events = POLLIN},
            {.fd = agent->x.conn ? -1 : sockets, .events = POLLIN}};

        if (poll(fds, COUNT, poll_timeout(agent)) < 0 && errno != EINTR)
            return -errno;
        agent->stats.wakeups++;
        if (fds[SIGNALS].revents && handle_signal(agent, signals))
            return 0;
        if (fds[SOCKETS].revents)
            drain(sockets);
        if (fds[LINK].revents)
            rc = link_process(&agent->link, true);
        /* The server shall begin with the user's input while we look at the rest. */
        if (agent->x.conn)
            xcb_flush(agent->x.conn);
        if (agent->x.conn && xcb_connection_has_error(agent->x.conn)) {
            fprintf(stderr, "qubes-gui: the X server went away; waiting for the next\n");
            stop_display(agent);
        }
        if (!agent->x.conn)
            start_display(agent, options->display);
        if (!rc)
            rc = settle(agent);
    }
    return rc;
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int open_sockets(void)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd >= 0)
        inotify_add_watch(fd, X_SOCKETS, IN_CREATE | IN_MOVED_TO);
    return fd;
}

static int fail(const char *what, int rc)
{
    fprintf(stderr, "qubes-gui: %s: %s\n", what, strerror(-rc));
    return 1;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct agent agent = {.link = {.events = &dispatch_events}};
    int rc = parse_options(argc, argv, &options), signals, sockets;

    if (rc)
        return rc == 1 ? 0 : 2;
    if (options.wipe_seconds < 0 || options.wipe_seconds > WIPE_MAX)
        return fail("the time of --clipboard-wipe", -ERANGE);
    agent.own_scale = options.scale;
    agent.verbose = options.verbose;
    agent.wipe_seconds = (unsigned)options.wipe_seconds;
    agent.link.domain = options.domain;
    agent.link.context = &agent;
    grant_limit_raise();
    rc = shmbuf_exporter_open((uint16_t)options.domain, &agent.exporter);
    if (rc)
        return fail("no shared memory to grant (is the module xen-gntalloc loaded?)", rc);
    rc = link_open(&agent.link);
    if (rc)
        return fail("cannot offer the vchan to the GUI domain", rc);
    fprintf(stderr, "qubes-gui: waiting for the daemon of domain %d\n", options.domain);
    signals = open_signals();
    sockets = open_sockets();
    start_display(&agent, options.display);
    settle(&agent);
    rc = run(&agent, &options, signals, sockets);
    stop_display(&agent);
    window_release_all(&agent.windows);
    buffer_drop_spares(&agent);
    link_close(&agent.link);
    shmbuf_exporter_close(agent.exporter);
    return rc ? fail("stopped", rc) : 0;
}
