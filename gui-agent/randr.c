/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "randr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <xcb/randr.h>
#include <xcb/xcbext.h>

#define REFRESH_HZ 60

struct card {
    xcb_randr_output_t output;
    xcb_randr_crtc_t crtc;
    xcb_randr_mode_t mode; /* of the wanted size, 0 = none yet */
    xcb_timestamp_t time;
};

static void find_mode(xcb_randr_get_screen_resources_current_reply_t *resources, const struct layout *layout,
                      struct card *card)
{
    xcb_randr_mode_info_iterator_t it = xcb_randr_get_screen_resources_current_modes_iterator(resources);

    for (; it.rem; xcb_randr_mode_info_next(&it)) {
        if (it.data->width == layout->width && it.data->height == layout->height)
            card->mode = it.data->id;
    }
}

/* The first connected output and a controller for it. */
static void find_output(xcb_connection_t *conn, xcb_randr_get_screen_resources_current_reply_t *resources,
                        struct card *card)
{
    xcb_randr_output_t *outputs = xcb_randr_get_screen_resources_current_outputs(resources);
    int n = xcb_randr_get_screen_resources_current_outputs_length(resources);

    for (int i = 0; i < n && !card->output; i++) {
        xcb_randr_get_output_info_reply_t *info = xcb_randr_get_output_info_reply(
            conn, xcb_randr_get_output_info(conn, outputs[i], resources->config_timestamp), NULL);

        if (info && info->connection != XCB_RANDR_CONNECTION_DISCONNECTED && info->num_crtcs) {
            card->output = outputs[i];
            card->crtc = info->crtc ? info->crtc : xcb_randr_get_output_info_crtcs(info)[0];
        }
        free(info);
    }
}

static int find_card(xcb_connection_t *conn, xcb_window_t root, const struct layout *layout,
                     struct card *card)
{
    xcb_randr_get_screen_resources_current_reply_t *resources = xcb_randr_get_screen_resources_current_reply(
        conn, xcb_randr_get_screen_resources_current(conn, root), NULL);

    memset(card, 0, sizeof(*card));
    if (!resources)
        return -ENODEV;
    card->time = resources->config_timestamp;
    find_mode(resources, layout, card);
    find_output(conn, resources, card);
    free(resources);
    return card->output ? 0 : -ENODEV;
}

/* Timings do not matter to memory, but the server checks that they are in order. */
static int create_mode(xcb_connection_t *conn, xcb_window_t root, const struct layout *layout,
                       struct card *card)
{
    char name[32];
    xcb_randr_mode_info_t info = {
        .width = (uint16_t)layout->width,
        .height = (uint16_t)layout->height,
        .hsync_start = (uint16_t)(layout->width + 1),
        .hsync_end = (uint16_t)(layout->width + 2),
        .htotal = (uint16_t)(layout->width + 3),
        .vsync_start = (uint16_t)(layout->height + 1),
        .vsync_end = (uint16_t)(layout->height + 2),
        .vtotal = (uint16_t)(layout->height + 3),
    };
    xcb_randr_create_mode_reply_t *reply;

    info.dot_clock = (uint32_t)info.htotal * info.vtotal * REFRESH_HZ;
    info.name_len = (uint16_t)snprintf(name, sizeof(name), "qubes-%ux%u", layout->width, layout->height);
    reply =
        xcb_randr_create_mode_reply(conn, xcb_randr_create_mode(conn, root, info, info.name_len, name), NULL);
    if (!reply)
        return -ENOTSUP;
    card->mode = reply->mode;
    free(reply);
    return 0;
}

static int set_crtc(xcb_connection_t *conn, const struct card *card, xcb_randr_mode_t mode)
{
    xcb_randr_set_crtc_config_reply_t *reply = xcb_randr_set_crtc_config_reply(
        conn,
        xcb_randr_set_crtc_config(conn, card->crtc, XCB_CURRENT_TIME, card->time, 0, 0, mode,
                                  XCB_RANDR_ROTATION_ROTATE_0, mode ? 1 : 0, &card->output),
        NULL);
    int rc = reply && reply->status == XCB_RANDR_SET_CONFIG_SUCCESS ? 0 : -ENOTSUP;

    free(reply);
    return rc;
}

static int set_size(xcb_connection_t *conn, xcb_window_t root, const struct layout *layout)
{
    xcb_void_cookie_t cookie =
        xcb_randr_set_screen_size_checked(conn, root, (uint16_t)layout->width, (uint16_t)layout->height,
                                          layout_mm(layout->width), layout_mm(layout->height));
    xcb_generic_error_t *error = xcb_request_check(conn, cookie);
    int rc = error ? -ENOTSUP : 0;

    free(error);
    return rc;
}

static xcb_atom_t monitor_name(xcb_connection_t *conn, unsigned index)
{
    char name[32];
    int length = snprintf(name, sizeof(name), "qubes-%u", index);
    xcb_intern_atom_reply_t *reply =
        xcb_intern_atom_reply(conn, xcb_intern_atom(conn, 0, (uint16_t)length, name), NULL);
    xcb_atom_t atom = reply ? reply->atom : XCB_NONE;

    free(reply);
    return atom;
}

/* libxcb's own xcb_randr_set_monitor() computes a wrong length (seen with 1.15), so the request is built
 * here. */
static void set_monitor(xcb_connection_t *conn, xcb_window_t root, const struct layout_monitor *monitor,
                        unsigned index, xcb_randr_output_t output)
{
    static const xcb_protocol_request_t request = {
        .count = 1, .ext = &xcb_randr_id, .opcode = XCB_RANDR_SET_MONITOR, .isvoid = 1};
    struct {
        xcb_randr_set_monitor_request_t head;
        xcb_randr_monitor_info_t info;
        xcb_randr_output_t output;
    } wire = {
        .head = {.window = root},
        .info = {.name = monitor_name(conn, index),
                 .primary = index == 0,
                 .nOutput = index == 0, /* the only output belongs to the first one */
                 .x = (int16_t)monitor->area.x,
                 .y = (int16_t)monitor->area.y,
                 .width = (uint16_t)monitor->area.width,
                 .height = (uint16_t)monitor->area.height,
                 .width_in_millimeters = monitor->mm_width,
                 .height_in_millimeters = monitor->mm_height},
        .output = output,
    };
    /* xcb wants two spare vectors before the first */
    struct iovec parts[3] = {[2] = {&wire, sizeof(wire) - (index ? sizeof(wire.output) : 0)}};

    xcb_send_request(conn, 0, parts + 2, &request);
}

/* Replace our monitors by the layout's. A single one needs none: the output itself is the monitor. */
static void set_monitors(xcb_connection_t *conn, xcb_window_t root, const struct layout *layout,
                         xcb_randr_output_t output)
{
    for (unsigned i = 0; i < LAYOUT_MAX_MONITORS; i++)
        xcb_discard_reply(conn, xcb_randr_delete_monitor(conn, root, monitor_name(conn, i)).sequence);
    for (unsigned i = 0; layout->count > 1 && i < layout->count; i++)
        set_monitor(conn, root, &layout->monitors[i], i, output);
}

int randr_apply(xcb_connection_t *conn, xcb_screen_t *screen, const struct layout *layout)
{
    struct card card;
    int rc = find_card(conn, screen->root, layout, &card);

    if (rc)
        return rc;
    if (!card.mode)
        rc = create_mode(conn, screen->root, layout, &card);
    if (rc)
        return rc;
    xcb_randr_add_output_mode(conn, card.output, card.mode);
    xcb_grab_server(conn); /* nobody sees the screen without a mode */
    rc = set_crtc(conn, &card, XCB_NONE);
    if (!rc)
        rc = set_size(conn, screen->root, layout);
    if (!rc)
        rc = set_crtc(conn, &card, card.mode);
    if (!rc)
        set_monitors(conn, screen->root, layout, card.output);
    xcb_ungrab_server(conn);
    /* A round trip: the caller may disconnect at once, and the server drops what it has not read by then. */
    free(xcb_get_input_focus_reply(conn, xcb_get_input_focus(conn), NULL));
    return rc;
}
