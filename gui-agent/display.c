/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "display.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/composite.h>
#include <xcb/damage.h>
#include <xcb/randr.h>
#include <xcb/shm.h>
#include <xcb/sync.h>
#include <xcb/xfixes.h>
#include <xcb/xtest.h>
#include <xcb/xcbext.h>
#include <xcb/xkb.h>

static const char *const atom_names[] = {
#define X(name) #name,
    DISPLAY_ATOMS(X)
#undef X
};

static int intern_atoms(struct display *x)
{
    xcb_intern_atom_cookie_t cookies[ATOM_COUNT];
    int rc = 0;

    for (int i = 0; i < ATOM_COUNT; i++)
        cookies[i] = xcb_intern_atom(x->conn, 0, (uint16_t)strlen(atom_names[i]), atom_names[i]);
    for (int i = 0; i < ATOM_COUNT; i++) {
        xcb_intern_atom_reply_t *reply = xcb_intern_atom_reply(x->conn, cookies[i], NULL);

        if (reply)
            x->atoms[i] = reply->atom;
        else
            rc = -ENOENT;
        free(reply);
    }
    return rc;
}

/* Each extension wants its version asked for once before use; only that there is an answer matters here. */
#define ASK_VERSION(call, ...)                                                                               \
    do {                                                                                                     \
        call##_reply_t *reply_ = call##_reply(x->conn, call(x->conn, __VA_ARGS__), NULL);                    \
        if (!reply_)                                                                                         \
            return -ENOTSUP;                                                                                 \
        free(reply_);                                                                                        \
    } while (0)

static int ask_versions(struct display *x)
{
    xcb_shm_query_version_reply_t *shm =
        xcb_shm_query_version_reply(x->conn, xcb_shm_query_version(x->conn), NULL);
    bool shm_fd = shm && (shm->major_version > 1 || shm->minor_version >= 2);

    free(shm);
    if (!shm_fd) {
        fprintf(stderr, "qubes-gui: this X server's MIT-SHM is too old (1.2 is needed)\n");
        return -ENOTSUP;
    }
    ASK_VERSION(xcb_composite_query_version, 0, 4);
    ASK_VERSION(xcb_xfixes_query_version, 5, 0);
    ASK_VERSION(xcb_damage_query_version, 1, 1);
    ASK_VERSION(xcb_randr_query_version, 1, 5);
    ASK_VERSION(xcb_sync_initialize, 3, 1);
    ASK_VERSION(xcb_xkb_use_extension, 1, 0);
    return 0;
}

static int query_extensions(struct display *x)
{
    static const struct {
        xcb_extension_t *extension;
        size_t first_event; /* where in struct display its first event goes, 0: nowhere */
    } wanted[] = {
        {&xcb_composite_id, 0},
        {&xcb_shm_id, 0},
        {&xcb_test_id, 0},
        {&xcb_damage_id, offsetof(struct display, damage_event)},
        {&xcb_xfixes_id, offsetof(struct display, xfixes_event)},
        {&xcb_randr_id, offsetof(struct display, randr_event)},
        {&xcb_sync_id, offsetof(struct display, sync_event)},
        {&xcb_xkb_id, offsetof(struct display, xkb_event)},
    };
    enum { N = sizeof(wanted) / sizeof(wanted[0]) };

    for (int i = 0; i < N; i++)
        xcb_prefetch_extension_data(x->conn, wanted[i].extension);
    for (int i = 0; i < N; i++) {
        const xcb_query_extension_reply_t *reply = xcb_get_extension_data(x->conn, wanted[i].extension);

        if (!reply || !reply->present) {
            fprintf(stderr, "qubes-gui: the X server lacks the extension %s\n", wanted[i].extension->name);
            return -ENOTSUP;
        }
        if (wanted[i].first_event)
            *((uint8_t *)x + wanted[i].first_event) = reply->first_event;
    }
    return ask_versions(x);
}

static void create_own_window(struct display *x)
{
    uint32_t values[] = {1, XCB_EVENT_MASK_PROPERTY_CHANGE};

    x->own = xcb_generate_id(x->conn);
    xcb_create_window(x->conn, 0, x->own, x->root, 0, 0, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                      XCB_COPY_FROM_PARENT, XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
    xcb_map_window(x->conn, x->own);
}

int display_open(struct display *x, const char *name)
{
    int number, rc;
    xcb_screen_iterator_t screens;

    x->conn = xcb_connect(name, &number);
    if (xcb_connection_has_error(x->conn)) {
        display_close(x);
        return -ENOENT;
    }
    screens = xcb_setup_roots_iterator(xcb_get_setup(x->conn));
    x->screen = screens.data;
    x->root = x->screen->root;
    x->width = x->screen->width_in_pixels;
    x->height = x->screen->height_in_pixels;
    rc = intern_atoms(x);
    if (!rc)
        rc = query_extensions(x);
    if (!rc && x->screen->root_depth != 24) {
        fprintf(stderr, "qubes-gui: the X screen's depth is %u, 24 is needed\n", x->screen->root_depth);
        rc = -ENOTSUP;
    }
    if (rc) {
        display_close(x);
        return rc;
    }
    create_own_window(x);
    return 0;
}

void display_close(struct display *x)
{
    if (x->conn)
        xcb_disconnect(x->conn);
    memset(x, 0, sizeof(*x));
}

xcb_get_property_reply_t *display_property(struct display *x, xcb_window_t win, xcb_atom_t property,
                                           xcb_atom_t type, uint8_t format)
{
    xcb_get_property_cookie_t cookie =
        xcb_get_property(x->conn, 0, win, property, type, 0, DISPLAY_PROPERTY_MAX / 4);
    xcb_get_property_reply_t *reply = xcb_get_property_reply(x->conn, cookie, NULL);

    if (reply && (reply->type == XCB_NONE || reply->format != format)) {
        free(reply);
        return NULL;
    }
    return reply;
}

static void set_property(struct display *x, xcb_window_t win, enum display_atom property, xcb_atom_t type,
                         const uint32_t *values, uint32_t count)
{
    xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, win, x->atoms[property], type, 32, count, values);
}

void display_set_cardinals(struct display *x, xcb_window_t win, enum display_atom property,
                           const uint32_t *values, uint32_t count)
{
    set_property(x, win, property, XCB_ATOM_CARDINAL, values, count);
}

void display_set_atoms(struct display *x, xcb_window_t win, enum display_atom property,
                       const xcb_atom_t *values, uint32_t count)
{
    set_property(x, win, property, XCB_ATOM_ATOM, values, count);
}

void display_set_window(struct display *x, xcb_window_t win, enum display_atom property, xcb_window_t value)
{
    set_property(x, win, property, XCB_ATOM_WINDOW, &value, 1);
}

void display_client_message(struct display *x, xcb_window_t to, xcb_window_t about, xcb_atom_t type,
                            const uint32_t data[5], uint32_t mask)
{
    xcb_client_message_event_t event = {
        .response_type = XCB_CLIENT_MESSAGE, .format = 32, .window = about, .type = type};

    memcpy(event.data.data32, data, sizeof(event.data.data32));
    xcb_send_event(x->conn, 0, to, mask, (const char *)&event);
}

bool display_has_atom(struct display *x, xcb_window_t win, enum display_atom property, xcb_atom_t type,
                      xcb_atom_t atom)
{
    xcb_get_property_reply_t *reply = display_property(x, win, x->atoms[property], type, 32);
    bool found = false;

    if (reply) {
        const xcb_atom_t *list = xcb_get_property_value(reply);

        for (int i = 0; i < xcb_get_property_value_length(reply) / 4; i++)
            found |= list[i] == atom;
    }
    free(reply);
    return found;
}
