/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray.h"

#include <stdlib.h>

#include "track.h"

#define REQUEST_DOCK           0 /* _NET_SYSTEM_TRAY_OPCODE */
#define XEMBED_EMBEDDED_NOTIFY 0
#define ICON_SIZE              24

void tray_start(struct agent *agent)
{
    struct display *x = &agent->x;
    const uint32_t data[5] = {XCB_CURRENT_TIME, x->atoms[ATOM__NET_SYSTEM_TRAY_S0], x->own, 0, 0};
    const uint32_t visual = x->screen->root_visual;

    xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, x->own, x->atoms[ATOM__NET_SYSTEM_TRAY_VISUAL],
                        XCB_ATOM_VISUALID, 32, 1, &visual);
    xcb_set_selection_owner(x->conn, x->own, x->atoms[ATOM__NET_SYSTEM_TRAY_S0], XCB_CURRENT_TIME);
    display_client_message(x, x->root, x->root, x->atoms[ATOM_MANAGER], data,
                           XCB_EVENT_MASK_STRUCTURE_NOTIFY);
}

static void embed(struct agent *agent, uint32_t icon)
{
    struct display *x = &agent->x;
    /* The holder hears of what happens to the icon inside it by SUBSTRUCTURE_NOTIFY. */
    const uint32_t values[] = {x->screen->black_pixel, 1, XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY};
    const uint32_t size[] = {ICON_SIZE, ICON_SIZE}, mask = XCB_EVENT_MASK_PROPERTY_CHANGE;
    uint32_t holder = xcb_generate_id(x->conn);
    const uint32_t data[5] = {XCB_CURRENT_TIME, XEMBED_EMBEDDED_NOTIFY, 0, holder, 0};

    xcb_create_window(x->conn, XCB_COPY_FROM_PARENT, holder, x->root, 0, 0, ICON_SIZE, ICON_SIZE, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
                      XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
    track_add_docked(agent, holder, icon, ICON_SIZE, ICON_SIZE);
    xcb_change_window_attributes(x->conn, icon, XCB_CW_EVENT_MASK, &mask);
    xcb_reparent_window(x->conn, icon, holder, 0, 0);
    xcb_configure_window(x->conn, icon, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, size);
    display_client_message(x, icon, icon, x->atoms[ATOM__XEMBED], data, 0);
    xcb_map_window(x->conn, icon);
    xcb_map_window(x->conn, holder);
}

bool tray_message(struct agent *agent, const xcb_client_message_event_t *message)
{
    if (message->type != agent->x.atoms[ATOM__NET_SYSTEM_TRAY_OPCODE])
        return false;
    if (message->data.data32[1] == REQUEST_DOCK)
        embed(agent, message->data.data32[2]);
    return true;
}

void tray_icon_gone(struct agent *agent, struct window *holder)
{
    holder->icon = 0;
    xcb_destroy_window(agent->x.conn, holder->id);
}
