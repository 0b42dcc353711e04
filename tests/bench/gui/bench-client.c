/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-client stream WIDTH HEIGHT FPS SECONDS   full-window updates by MIT-SHM; FPS 0: as fast as the server
 * answers bench-client echo WIDTH HEIGHT                 changes the colour of some lines with every key
 * press
 *
 * The same program runs locally in dom0 and in a domain; "ready" on standard output means that it is mapped.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

#define BUFFERS 4

struct client {
    xcb_connection_t *conn;
    xcb_screen_t *screen;
    xcb_window_t window;
    xcb_gcontext_t gc;
    uint16_t width, height;
    xcb_shm_seg_t segments[BUFFERS];
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sync_server(struct client *c)
{
    free(xcb_get_input_focus_reply(c->conn, xcb_get_input_focus(c->conn), NULL));
}

static bool open_window(struct client *c)
{
    uint32_t values[] = {0, XCB_EVENT_MASK_EXPOSURE | XCB_EVENT_MASK_KEY_PRESS |
                                XCB_EVENT_MASK_STRUCTURE_NOTIFY};
    xcb_generic_event_t *event;

    c->conn = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(c->conn))
        return false;
    c->screen = xcb_setup_roots_iterator(xcb_get_setup(c->conn)).data;
    c->window = xcb_generate_id(c->conn);
    c->gc = xcb_generate_id(c->conn);
    xcb_create_window(c->conn, XCB_COPY_FROM_PARENT, c->window, c->screen->root, 0, 0, c->width, c->height, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
                      XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, values);
    xcb_create_gc(c->conn, c->gc, c->window, 0, NULL);
    xcb_change_property(c->conn, XCB_PROP_MODE_REPLACE, c->window, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, 8, 5,
                        "bench");
    xcb_map_window(c->conn, c->window);
    xcb_flush(c->conn);
    while ((event = xcb_wait_for_event(c->conn))) {
        bool exposed = (event->response_type & 0x7f) == XCB_EXPOSE;

        free(event);
        if (exposed)
            break;
    }
    puts("ready");
    fflush(stdout);
    return true;
}

static bool make_buffers(struct client *c)
{
    size_t size = (size_t)c->width * c->height * 4;

    for (int i = 0; i < BUFFERS; i++) {
        int fd = memfd_create("bench", MFD_CLOEXEC);
        uint8_t *data;

        if (fd < 0 || ftruncate(fd, (off_t)size))
            return false;
        data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
            return false;
        for (size_t n = 0; n < size; n++)
            data[n] = (uint8_t)(n * 7 / 4 + (size_t)i * 60);
        munmap(data, size);
        c->segments[i] = xcb_generate_id(c->conn);
        xcb_shm_attach_fd(c->conn, c->segments[i], fd, 0);
    }
    return true;
}

static void sleep_until(double when)
{
    double left = when - now();

    if (left > 0)
        usleep((useconds_t)(left * 1e6));
}

static int stream(struct client *c, double fps, double seconds)
{
    unsigned long frames = 0;
    double start;

    if (!make_buffers(c))
        return 1;
    sync_server(c);
    usleep(1500000); /* frames and focus of the window are settled, and who measures has begun */
    start = now();
    while (now() - start < seconds) {
        xcb_shm_put_image(c->conn, c->window, c->gc, c->width, c->height, 0, 0, c->width, c->height, 0, 0, 24,
                          XCB_IMAGE_FORMAT_Z_PIXMAP, 0, c->segments[frames % BUFFERS], 0);
        sync_server(c);
        frames++;
        if (fps > 0)
            sleep_until(start + (double)frames / fps);
    }
    printf("frames %lu seconds %.3f\n", frames, now() - start);
    fflush(stdout);
    usleep(300000);
    return 0;
}

static int echo(struct client *c)
{
    uint32_t colour = 0x202020;
    xcb_generic_event_t *event;

    while ((event = xcb_wait_for_event(c->conn))) {
        if ((event->response_type & 0x7f) == XCB_KEY_PRESS) {
            /* a few lines of text in the middle */
            xcb_rectangle_t line = {0, (int16_t)(c->height / 2 - 30), c->width, 60};

            colour ^= 0xffffff;
            xcb_change_gc(c->conn, c->gc, XCB_GC_FOREGROUND, &colour);
            xcb_poly_fill_rectangle(c->conn, c->window, c->gc, 1, &line);
            xcb_flush(c->conn);
        }
        free(event);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct client c = {0};

    if (argc < 4)
        return 2;
    c.width = (uint16_t)atoi(argv[2]);
    c.height = (uint16_t)atoi(argv[3]);
    if (!open_window(&c))
        return 1;
    if (!strcmp(argv[1], "stream") && argc == 6)
        return stream(&c, atof(argv[4]), atof(argv[5]));
    return strcmp(argv[1], "echo") ? 2 : echo(&c);
}
