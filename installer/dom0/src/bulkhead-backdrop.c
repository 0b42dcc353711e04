/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paint the dom0 desktop's background: a vertical gradient in dom0's own grey, which no domain's label has.
 * One pixmap, set on the root window and named in _XROOTPMAP_ID as programs expect it; it stays after we end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcb.h>

static const uint8_t top[3] = {0x3a, 0x44, 0x52};
static const uint8_t bottom[3] = {0x16, 0x1a, 0x20};

static uint32_t mix(unsigned int row, unsigned int rows)
{
    uint32_t pixel = 0;

    for (int i = 0; i < 3; i++)
        pixel = pixel << 8 | (uint32_t)((top[i] * (rows - row) + bottom[i] * row) / rows);
    return pixel;
}

static void paint(xcb_connection_t *connection, const xcb_screen_t *screen, xcb_pixmap_t pixmap)
{
    xcb_gcontext_t gc = xcb_generate_id(connection);
    const uint16_t height = screen->height_in_pixels, step = 4;

    xcb_create_gc(connection, gc, pixmap, 0, NULL);
    for (uint16_t y = 0; y < height; y = (uint16_t)(y + step)) {
        const xcb_rectangle_t band = {0, (int16_t)y, screen->width_in_pixels, step};
        const uint32_t pixel = mix(y, height);
        xcb_change_gc(connection, gc, XCB_GC_FOREGROUND, &pixel);
        xcb_poly_fill_rectangle(connection, pixmap, gc, 1, &band);
    }
    xcb_free_gc(connection, gc);
}

static void publish(xcb_connection_t *connection, xcb_window_t root, xcb_pixmap_t pixmap)
{
    static const char *const names[] = {"_XROOTPMAP_ID", "ESETROOT_PMAP_ID"};

    for (int i = 0; i < 2; i++) {
        xcb_intern_atom_reply_t *atom = xcb_intern_atom_reply(
            connection, xcb_intern_atom(connection, 0, (uint16_t)strlen(names[i]), names[i]), NULL);
        if (atom)
            xcb_change_property(connection, XCB_PROP_MODE_REPLACE, root, atom->atom, XCB_ATOM_PIXMAP, 32, 1,
                                &pixmap);
        free(atom);
    }
}

int main(void)
{
    xcb_connection_t *connection = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(connection))
        return EXIT_FAILURE;
    const xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(connection)).data;
    xcb_pixmap_t pixmap = xcb_generate_id(connection);

    xcb_set_close_down_mode(connection, XCB_CLOSE_DOWN_RETAIN_PERMANENT);
    xcb_create_pixmap(connection, screen->root_depth, pixmap, screen->root, screen->width_in_pixels,
                      screen->height_in_pixels);
    paint(connection, screen, pixmap);
    xcb_change_window_attributes(connection, screen->root, XCB_CW_BACK_PIXMAP, &pixmap);
    xcb_clear_area(connection, 0, screen->root, 0, 0, 0, 0);
    publish(connection, screen->root, pixmap);
    /* a round trip: all of it has arrived */
    free(xcb_get_input_focus_reply(connection, xcb_get_input_focus(connection), NULL));
    xcb_disconnect(connection);
    return EXIT_SUCCESS;
}
