/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-probe key X Y COUNT [WINDOW]: press a key by XTest COUNT times, each time wait until something is
 * drawn near X,Y; prints all times in microseconds.
 *
 * bench-probe frames X Y SECONDS [WINDOW]: count how often something is drawn there.
 *
 * The X server itself tells when it has drawn into the root window, or into WINDOW and relative to it
 * (DAMAGE), whoever asked for it: the same for a local program and for a domain's window, and nothing polls.
 */
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xcb/damage.h>
#include <xcb/xcb.h>
#include <xcb/xtest.h>

#define KEY_A      38
#define TIMEOUT_MS 1000
/* Between presses, at random and always the same: a program's frame clock runs on for some frames, and a
 * steady typist would always meet it at the same phase. */
#define PAUSE_MS  40
#define SPREAD_MS 50
#define REACH     300 /* what is drawn farther away than this is no answer to a key */

struct probe {
    xcb_connection_t *conn;
    uint8_t damage_event;
    int x, y;
};

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool open_probe(struct probe *p, int x, int y, xcb_window_t window)
{
    const xcb_query_extension_reply_t *damage;

    p->conn = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(p->conn))
        return false;
    damage = xcb_get_extension_data(p->conn, &xcb_damage_id);
    if (!damage || !damage->present)
        return false;
    p->damage_event = damage->first_event;
    if (!window)
        window = xcb_setup_roots_iterator(xcb_get_setup(p->conn)).data->root;
    p->x = x;
    p->y = y;
    free(xcb_damage_query_version_reply(p->conn, xcb_damage_query_version(p->conn, 1, 1), NULL));
    xcb_damage_create(p->conn, xcb_generate_id(p->conn), window, XCB_DAMAGE_REPORT_LEVEL_RAW_RECTANGLES);
    xcb_flush(p->conn);
    return true;
}

static bool is_near(const struct probe *p, const xcb_rectangle_t *area)
{
    return area->x < p->x + REACH && area->x + area->width > p->x - REACH && area->y < p->y + REACH &&
           area->y + area->height > p->y - REACH;
}

/* Drawings near the point until `until`, at most `most`. */
static unsigned long count_drawings(const struct probe *p, double until, unsigned long most)
{
    struct pollfd fd = {.fd = xcb_get_file_descriptor(p->conn), .events = POLLIN};
    unsigned long seen = 0;

    while (seen < most) {
        xcb_generic_event_t *event = xcb_poll_for_event(p->conn);
        double left = until - now_us();

        if (event) {
            seen += (event->response_type & 0x7f) == p->damage_event &&
                    is_near(p, &((const xcb_damage_notify_event_t *)event)->area);
            free(event);
        } else if (left <= 0 || xcb_connection_has_error(p->conn)) {
            break;
        } else {
            poll(&fd, 1, (int)(left / 1e3) + 1);
        }
    }
    return seen;
}

static void key(const struct probe *p, uint8_t type)
{
    xcb_test_fake_input(p->conn, type, KEY_A, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
    xcb_flush(p->conn);
}

static int keys(const struct probe *p, int count)
{
    for (int i = 0; i < count; i++) {
        double start = now_us(), taken;

        key(p, XCB_KEY_PRESS);
        count_drawings(p, start + TIMEOUT_MS * 1e3, 1);
        taken = now_us() - start;
        key(p, XCB_KEY_RELEASE);
        printf("%.0f ", taken);
        count_drawings(p, now_us() + (PAUSE_MS + rand() % SPREAD_MS) * 1e3, UINT32_MAX);
    }
    putchar('\n');
    return 0;
}

static int frames(const struct probe *p, double seconds)
{
    double start = now_us();
    unsigned long seen = count_drawings(p, start + seconds * 1e6, UINT32_MAX);

    printf("seen %lu seconds %.3f\n", seen, (now_us() - start) / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    const struct sched_param first = {.sched_priority = 1};
    struct probe p;

    if (argc < 5)
        return 2;
    /* The pixels are there when the server says so, not when all others that it woke have run. Who may not,
     * waits. */
    sched_setscheduler(0, SCHED_FIFO, &first);
    if (!open_probe(&p, atoi(argv[2]), atoi(argv[3]),
                    argc > 5 ? (xcb_window_t)strtoul(argv[5], NULL, 0) : XCB_NONE))
        return 1;
    return strcmp(argv[1], "key") ? frames(&p, atof(argv[4])) : keys(&p, atoi(argv[4]));
}
