/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The demonstration of the live medium, started by the kernel command line word "bulkhead.demo": two of the
 * live system's domains with a program each. Tells on its standard output (the console) when the desktop and
 * each window are really there: a window counts when it is mapped, carries the domain's name in _QUBES_VMNAME
 * and shows more than one colour. With --power-off the machine is switched off after it. `--window DOMAIN`
 * only waits for a window of that domain, for tests and figures.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xcb/xcb.h>

#define DESKTOP_LIMIT_S 120
#define WINDOW_LIMIT_S  300
#define PANEL           "/usr/bin/bulkhead-panel"

static const struct demo_domain {
    const char *name;
    const char *command;
} demo_domains[] = {
    {"work", "xterm"},
    {"personal", "mousepad"},
};
#define DEMO_DOMAINS (sizeof(demo_domains) / sizeof(demo_domains[0]))

struct demo {
    xcb_connection_t *connection;
    xcb_window_t root;
    xcb_atom_t client_list, vmname, wm_check;
};

static void tell(const char *phase, const char *more)
{
    printf("\nBULKHEAD-PHASE %s%s%s\n", phase, more[0] ? " " : "", more);
    fflush(stdout);
}

static void wait_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 300000000};

    nanosleep(&moment, NULL);
}

/* Start a program; wait for it only where asked. Returns its exit status, or 0 when not waited for. */
static int run(bool wait, char *const arguments[])
{
    int status = 0;

    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[0], arguments);
        fprintf(stderr, "bulkhead-demo: %s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    if (child < 0)
        return -1;
    if (wait && waitpid(child, &status, 0) == child)
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return 0;
}

static xcb_atom_t intern(xcb_connection_t *connection, const char *name)
{
    xcb_intern_atom_cookie_t cookie = xcb_intern_atom(connection, 0, (uint16_t)strlen(name), name);
    xcb_intern_atom_reply_t *reply = xcb_intern_atom_reply(connection, cookie, NULL);
    xcb_atom_t atom = reply ? reply->atom : XCB_ATOM_NONE;

    free(reply);
    return atom;
}

static bool connect_to_screen(struct demo *demo)
{
    demo->connection = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(demo->connection)) {
        xcb_disconnect(demo->connection);
        return false;
    }
    demo->root = xcb_setup_roots_iterator(xcb_get_setup(demo->connection)).data->root;
    demo->client_list = intern(demo->connection, "_NET_CLIENT_LIST");
    demo->vmname = intern(demo->connection, "_QUBES_VMNAME");
    demo->wm_check = intern(demo->connection, "_NET_SUPPORTING_WM_CHECK");
    return true;
}

/* The caller frees the reply; NULL when there is no such property. */
static xcb_get_property_reply_t *property(const struct demo *demo, xcb_window_t window, xcb_atom_t atom)
{
    xcb_get_property_cookie_t cookie =
        xcb_get_property(demo->connection, 0, window, atom, XCB_GET_PROPERTY_TYPE_ANY, 0, 1024);
    xcb_get_property_reply_t *reply = xcb_get_property_reply(demo->connection, cookie, NULL);

    if (reply && xcb_get_property_value_length(reply) == 0) {
        free(reply);
        reply = NULL;
    }
    return reply;
}

static unsigned int client_windows(const struct demo *demo, xcb_window_t *windows, unsigned int most)
{
    xcb_get_property_reply_t *reply = property(demo, demo->root, demo->client_list);
    if (!reply)
        return 0;
    unsigned int count = (unsigned int)xcb_get_property_value_length(reply) / sizeof(xcb_window_t);
    if (count > most)
        count = most;
    memcpy(windows, xcb_get_property_value(reply), count * sizeof(xcb_window_t));
    free(reply);
    return count;
}

/* The window manager answers, and the panel, where there is one, has a window. */
static bool desktop_is_up(const struct demo *demo)
{
    xcb_window_t windows[8];
    xcb_get_property_reply_t *reply = property(demo, demo->root, demo->wm_check);

    if (!reply)
        return false;
    free(reply);
    return access(PANEL, X_OK) != 0 || client_windows(demo, windows, 8) > 0;
}

/* Does the middle of the window show more than one colour? An unpainted one does not. */
static bool has_content(const struct demo *demo, xcb_window_t window)
{
    xcb_get_geometry_reply_t *geometry =
        xcb_get_geometry_reply(demo->connection, xcb_get_geometry(demo->connection, window), NULL);
    if (!geometry)
        return false;
    xcb_get_image_cookie_t cookie = xcb_get_image(demo->connection, XCB_IMAGE_FORMAT_Z_PIXMAP, window, 0, 0,
                                                  geometry->width, geometry->height, ~0U);
    xcb_get_image_reply_t *image = xcb_get_image_reply(demo->connection, cookie, NULL);
    free(geometry);
    if (!image)
        return false;
    const uint32_t *pixels = (const uint32_t *)xcb_get_image_data(image);
    unsigned int count = (unsigned int)xcb_get_image_data_length(image) / 4, different = 0;
    for (unsigned int i = 1; i < count; i++)
        different += (pixels[i] ^ pixels[count / 2]) << 8 != 0;
    free(image);
    return different > 100;
}

static bool shows_window_of(const struct demo *demo, const char *domain)
{
    xcb_window_t windows[64];

    unsigned int count = client_windows(demo, windows, 64);
    for (unsigned int i = 0; i < count; i++) {
        xcb_get_property_reply_t *reply = property(demo, windows[i], demo->vmname);
        if (!reply)
            continue;
        size_t length = (size_t)xcb_get_property_value_length(reply);
        const char *name = xcb_get_property_value(reply);
        bool ours = strnlen(name, length) == strlen(domain) && memcmp(name, domain, strlen(domain)) == 0;
        free(reply);
        if (ours && has_content(demo, windows[i]))
            return true;
    }
    return false;
}

static bool wait_for_desktop(struct demo *demo)
{
    time_t limit = time(NULL) + DESKTOP_LIMIT_S;

    while (!connect_to_screen(demo)) {
        if (time(NULL) > limit)
            return false;
        wait_a_moment();
    }
    while (!desktop_is_up(demo)) {
        if (time(NULL) > limit)
            return false;
        wait_a_moment();
    }
    return true;
}

static bool wait_for_window(const struct demo *demo, const char *domain)
{
    time_t limit = time(NULL) + WINDOW_LIMIT_S;

    while (!shows_window_of(demo, domain)) {
        if (time(NULL) > limit)
            return false;
        wait_a_moment();
    }
    return true;
}

static bool show_domain(const struct demo *demo, const struct demo_domain *domain)
{
    char *start[] = {"qvm-start", "--skip-if-running", (char *)domain->name, NULL};
    char *command[] = {"qvm-run", (char *)domain->name, (char *)domain->command, NULL};
    char phase[64];

    snprintf(phase, sizeof(phase), "start-%s", domain->name);
    tell(phase, "");
    if (run(true, start) != 0)
        return false;
    snprintf(phase, sizeof(phase), "running-%s", domain->name);
    tell(phase, "");
    if (run(false, command) != 0)
        return false;
    if (!wait_for_window(demo, domain->name))
        return false;
    snprintf(phase, sizeof(phase), "window-%s", domain->name);
    tell(phase, "");
    return true;
}

static int power_off(void)
{
    char *domains[] = {"qvm-shutdown", "--all", "--wait", "--timeout", "40", NULL};
    char *machine[] = {"systemctl", "poweroff", NULL};

    tell("power-off", "");
    run(true, domains);
    return run(true, machine);
}

static bool has_option(int argc, char **argv, const char *option)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

static bool show_domains(const struct demo *demo)
{
    for (size_t i = 0; i < DEMO_DOMAINS; i++) {
        if (!show_domain(demo, &demo_domains[i])) {
            tell("failed", demo_domains[i].name);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct demo demo;

    signal(SIGPIPE, SIG_IGN);
    if (!wait_for_desktop(&demo)) {
        tell("failed", "the desktop did not come up");
        return EXIT_FAILURE;
    }
    if (argc == 3 && strcmp(argv[1], "--window") == 0)
        return wait_for_window(&demo, argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
    tell("desktop", "");
    if (!has_option(argc, argv, "--desktop-only") && !show_domains(&demo))
        return EXIT_FAILURE;
    sleep(3); /* time for whoever takes the last picture */
    tell("done", "");
    return has_option(argc, argv, "--power-off") && power_off() != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
