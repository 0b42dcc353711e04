/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scale.h"

#include <stdlib.h>

#include "layout.h"
#include "xsettings.h"

/* Take the selection once; applications look for its owner. */
static void become_manager(struct display *x)
{
    const uint32_t data[5] = {XCB_CURRENT_TIME, x->atoms[ATOM__XSETTINGS_S0], x->own, 0, 0};

    xcb_set_selection_owner(x->conn, x->own, x->atoms[ATOM__XSETTINGS_S0], XCB_CURRENT_TIME);
    display_client_message(x, x->root, x->root, x->atoms[ATOM_MANAGER], data,
                           XCB_EVENT_MASK_STRUCTURE_NOTIFY);
}

static void write_settings(struct display *x, uint32_t scale)
{
    uint8_t bytes[XSETTINGS_MAX];
    size_t length = xsettings_build(++x->settings_serial, scale, bytes);
    xcb_atom_t atom = x->atoms[ATOM__XSETTINGS_SETTINGS];

    xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, x->own, atom, atom, 8, (uint32_t)length, bytes);
}

static void write_resources(struct display *x, uint32_t scale)
{
    xcb_get_property_reply_t *old =
        display_property(x, x->root, XCB_ATOM_RESOURCE_MANAGER, XCB_ATOM_STRING, 8);
    size_t length = old ? (size_t)xcb_get_property_value_length(old) : 0, size = length + 32;
    char *text = malloc(size);

    length =
        text ? xsettings_resources(old ? xcb_get_property_value(old) : "", length, scale, text, size) : 0;
    if (length)
        xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, x->root, XCB_ATOM_RESOURCE_MANAGER,
                            XCB_ATOM_STRING, 8, (uint32_t)length, text);
    free(text);
    free(old);
}

static uint32_t current(const struct display *x)
{
    return x->scale ? x->scale : GUI_SCALE_ONE;
}

void scale_fit_screen(struct agent *agent)
{
    const struct gui_xconf *dom0 = &agent->link.xconf;
    uint64_t wanted = current(&agent->x), own = agent->own_scale ? agent->own_scale : wanted;

    layout_fit(agent, (uint32_t)(dom0->width * own / wanted), (uint32_t)(dom0->height * own / wanted));
}

void scale_announce(struct agent *agent, const struct window *win)
{
    struct gui_msg_window_scale message = {agent->own_scale};

    if (agent->own_scale && agent->link.minor >= GUI_MINOR_FRAMES)
        link_send(&agent->link, MSG_WINDOW_SCALE, win->id, &message, sizeof(message));
}

void scale_set(struct agent *agent, uint32_t scale)
{
    struct display *x = &agent->x;

    if (scale < GUI_SCALE_MIN || scale > GUI_SCALE_MAX || scale == current(x))
        return;
    if (agent->own_scale) {
        x->scale = scale;
        scale_fit_screen(agent);
        return;
    }
    if (!x->scale)
        become_manager(x);
    x->scale = scale;
    write_settings(x, scale);
    write_resources(x, scale);
}
