/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-probe key X Y COUNT      press a key by XTest COUNT times; each time wait until the pixel at X,Y of
 * the screen changes; prints median and 95 % in microseconds bench-probe frames X Y SECONDS look at a row of
 * pixels as often as possible; prints how many changes were seen
 *
 * It looks at dom0's screen, so it measures what the user sees, whoever drew it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include <xcb/xtest.h>

#define KEY_A      38
#define TIMEOUT_US 1000000
#define PAUSE_US                                                                                             \
    23000 /* between presses; no multiple of a frame, so that every phase of the frame clock occurs */

struct probe {
    xcb_connection_t *conn;
    xcb_window_t root;
    int16_t x, y;
};

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static uint32_t pixel(const struct probe *p)
{
    xcb_get_image_reply_t *reply = xcb_get_image_reply(
        p->conn, xcb_get_image(p->conn, XCB_IMAGE_FORMAT_Z_PIXMAP, p->root, p->x, p->y, 1, 1, 0xffffffff),
        NULL);
    uint32_t value = 0;

    if (reply && xcb_get_image_data_length(reply) >= 4)
        memcpy(&value, xcb_get_image_data(reply), 4);
    free(reply);
    return value & 0xffffff;
}

static double press_once(const struct probe *p)
{
    uint32_t before = pixel(p);
    double start = now_us(), taken;

    xcb_test_fake_input(p->conn, XCB_KEY_PRESS, KEY_A, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
    xcb_flush(p->conn);
    do {
        usleep(100); /* the machine has few processors: do not keep one busy */
        taken = now_us() - start;
    } while (pixel(p) == before && taken < TIMEOUT_US);
    xcb_test_fake_input(p->conn, XCB_KEY_RELEASE, KEY_A, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
    xcb_flush(p->conn);
    return taken;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int keys(const struct probe *p, int count)
{
    double *taken = calloc((size_t)count, sizeof(*taken));

    if (!taken)
        return 1;
    for (int i = 0; i < count; i++) {
        taken[i] = press_once(p);
        usleep(PAUSE_US);
    }
    qsort(taken, (size_t)count, sizeof(*taken), compare);
    printf("median %.0f p95 %.0f max %.0f\n", taken[count / 2], taken[count * 95 / 100], taken[count - 1]);
    free(taken);
    return 0;
}

static int frames(const struct probe *p, double seconds)
{
    double start = now_us();
    uint32_t last = pixel(p);
    unsigned long seen = 0;

    while (now_us() - start < seconds * 1e6) {
        uint32_t value = pixel(p);

        seen += value != last;
        last = value;
        usleep(1500);
    }
    printf("seen %lu seconds %.3f\n", seen, (now_us() - start) / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    struct probe p;

    if (argc != 5)
        return 2;
    p.conn = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(p.conn))
        return 1;
    p.root = xcb_setup_roots_iterator(xcb_get_setup(p.conn)).data->root;
    p.x = (int16_t)atoi(argv[2]);
    p.y = (int16_t)atoi(argv[3]);
    return strcmp(argv[1], "key") ? frames(&p, atof(argv[4])) : keys(&p, atoi(argv[4]));
}
