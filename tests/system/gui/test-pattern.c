/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-pattern WIDTH HEIGHT SEED   a window, titled "pattern SEED", in which each pixel has a known colour
 * (compare_window.py: pattern()). Prints "ready" when it has drawn.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcb.h>

#define ROW_STEP  5
#define SEED_RED  40
#define SEED_BLUE 70

struct pattern {
    xcb_connection_t *conn;
    xcb_window_t window;
    xcb_gcontext_t gc;
    uint8_t depth;
    uint16_t width, height;
    uint32_t seed;
};

static uint32_t pixel(uint32_t x, uint32_t y, uint32_t seed)
{
    uint32_t red = (3 * x + SEED_RED * seed) & 0xff, green = ROW_STEP * y & 0xff;
    uint32_t blue = ((x ^ y) + SEED_BLUE * seed) & 0xff;

    return red << 16 | green << 8 | blue;
}

static void open_window(struct pattern *p, const xcb_screen_t *screen)
{
    uint32_t events = XCB_EVENT_MASK_EXPOSURE;
    char title[32];
    int length = snprintf(title, sizeof(title), "pattern %u", p->seed);

    p->window = xcb_generate_id(p->conn);
    p->gc = xcb_generate_id(p->conn);
    p->depth = screen->root_depth;
    xcb_create_window(p->conn, XCB_COPY_FROM_PARENT, p->window, screen->root, 0, 0, p->width, p->height, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &events);
    xcb_create_gc(p->conn, p->gc, p->window, 0, NULL);
    xcb_change_property(p->conn, XCB_PROP_MODE_REPLACE, p->window, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, 8,
                        (uint32_t)length, title);
    xcb_map_window(p->conn, p->window);
}

/* Row by row: any request is small then. */
static void draw(const struct pattern *p, uint32_t *row)
{
    for (uint16_t y = 0; y < p->height; y++) {
        for (uint16_t x = 0; x < p->width; x++)
            row[x] = pixel(x, y, p->seed);
        xcb_put_image(p->conn, XCB_IMAGE_FORMAT_Z_PIXMAP, p->window, p->gc, p->width, 1, 0, (int16_t)y, 0,
                      p->depth, (uint32_t)p->width * 4, (uint8_t *)row);
    }
    xcb_flush(p->conn);
}

int main(int argc, char **argv)
{
    struct pattern p = {0};
    xcb_generic_event_t *event;
    uint32_t *row;

    if (argc != 4)
        return 2;
    p.width = (uint16_t)atoi(argv[1]);
    p.height = (uint16_t)atoi(argv[2]);
    p.seed = (uint32_t)atoi(argv[3]);
    p.conn = xcb_connect(NULL, NULL);
    row = calloc(p.width, sizeof(*row));
    if (!row || xcb_connection_has_error(p.conn))
        return 1;
    open_window(&p, xcb_setup_roots_iterator(xcb_get_setup(p.conn)).data);
    xcb_flush(p.conn);
    while ((event = xcb_wait_for_event(p.conn))) {
        if ((event->response_type & 0x7f) == XCB_EXPOSE) {
            draw(&p, row);
            puts("ready");
            fflush(stdout);
        }
        free(event);
    }
    return 0;
}
