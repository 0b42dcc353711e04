/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wm.h"

#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "properties.h"
#include "track.h"
#include "tray.h"

/* ICCCM 4.1.3.1 */
#define STATE_WITHDRAWN 0
#define STATE_NORMAL    1
#define STATE_ICONIC    3

static const enum display_atom supported[] = {
    ATOM__NET_SUPPORTED,
    ATOM__NET_SUPPORTING_WM_CHECK,
    ATOM__NET_WM_NAME,
    ATOM__NET_WM_STATE,
    ATOM__NET_WM_STATE_FULLSCREEN,
    ATOM__NET_WM_STATE_DEMANDS_ATTENTION,
    ATOM__NET_WM_STATE_HIDDEN,
    ATOM__NET_ACTIVE_WINDOW,
    ATOM__NET_CLOSE_WINDOW,
    ATOM__NET_CLIENT_LIST,
    ATOM__NET_NUMBER_OF_DESKTOPS,
    ATOM__NET_CURRENT_DESKTOP,
    ATOM__NET_WORKAREA,
    ATOM__NET_DESKTOP_GEOMETRY,
    ATOM__NET_FRAME_EXTENTS,
    ATOM__NET_REQUEST_FRAME_EXTENTS,
    ATOM__NET_WM_SYNC_REQUEST,
};

static void announce_support(struct display *x)
{
    xcb_atom_t atoms[sizeof(supported) / sizeof(supported[0])];
    const uint32_t one = 1, zero = 0;

    for (size_t i = 0; i < sizeof(supported) / sizeof(supported[0]); i++)
        atoms[i] = x->atoms[supported[i]];
    display_set_atoms(x, x->root, ATOM__NET_SUPPORTED, atoms, sizeof(atoms) / sizeof(atoms[0]));
    display_set_window(x, x->root, ATOM__NET_SUPPORTING_WM_CHECK, x->own);
    display_set_window(x, x->own, ATOM__NET_SUPPORTING_WM_CHECK, x->own);
    xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, x->own, x->atoms[ATOM__NET_WM_NAME],
                        x->atoms[ATOM_UTF8_STRING], 8, 9, "qubes-gui");
    display_set_cardinals(x, x->root, ATOM__NET_NUMBER_OF_DESKTOPS, &one, 1);
    display_set_cardinals(x, x->root, ATOM__NET_CURRENT_DESKTOP, &zero, 1);
}

void wm_start(struct agent *agent)
{
    struct display *x = &agent->x;
    const uint32_t data[5] = {XCB_CURRENT_TIME, x->atoms[ATOM_WM_S0], x->own, 0, 0};

    xcb_set_selection_owner(x->conn, x->own, x->atoms[ATOM_WM_S0], XCB_CURRENT_TIME);
    display_client_message(x, x->root, x->root, x->atoms[ATOM_MANAGER], data,
                           XCB_EVENT_MASK_STRUCTURE_NOTIFY);
    announce_support(x);
    wm_update_screen(agent);
    wm_update_client_list(agent);
    wm_focus(agent, NULL);
}

void wm_update_screen(struct agent *agent)
{
    struct display *x = &agent->x;
    uint32_t area[] = {0, 0, x->width, x->height};

    display_set_cardinals(x, x->root, ATOM__NET_WORKAREA, area, 4);
    display_set_cardinals(x, x->root, ATOM__NET_DESKTOP_GEOMETRY, area + 2, 2);
}

struct id_list {
    xcb_window_t *ids;
    size_t count;
};

static void add_client(struct window *win, void *context)
{
    struct id_list *list = context;

    if (win->mapped && !win->override_redirect)
        list->ids[list->count++] = win->id;
}

void wm_update_client_list(struct agent *agent)
{
    struct display *x = &agent->x;
    struct id_list list = {calloc(agent->windows.count + 1, sizeof(xcb_window_t)), 0};

    if (!list.ids || !x->conn) {
        free(list.ids);
        return;
    }
    window_each(&agent->windows, add_client, &list);
    xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, x->root, x->atoms[ATOM__NET_CLIENT_LIST],
                        XCB_ATOM_WINDOW, 32, (uint32_t)list.count, list.ids);
    free(list.ids);
}

static void set_wm_state(struct agent *agent, uint32_t id, uint32_t state)
{
    const uint32_t values[] = {state, XCB_NONE};
    xcb_atom_t atom = agent->x.atoms[ATOM_WM_STATE];

    xcb_change_property(agent->x.conn, XCB_PROP_MODE_REPLACE, id, atom, atom, 32, 2, values);
}

void wm_withdrawn(struct agent *agent, const struct window *win)
{
    set_wm_state(agent, win->id, STATE_WITHDRAWN);
    xcb_delete_property(agent->x.conn, win->id, agent->x.atoms[ATOM__NET_WM_STATE]);
}

static void set_frame_extents(struct agent *agent, uint32_t id)
{
    const uint32_t none[4] = {0};

    display_set_cardinals(&agent->x, id, ATOM__NET_FRAME_EXTENTS, none, 4);
}

/* Frames are dom0's business: no border here. */
static void handle_map_request(struct agent *agent, const void *event)
{
    const xcb_map_request_event_t *request = event;
    struct window *win = window_find(&agent->windows, request->window);
    const uint32_t no_border = 0;

    if (win && win->border) {
        xcb_configure_window(agent->x.conn, win->id, XCB_CONFIG_WINDOW_BORDER_WIDTH, &no_border);
        /* The outer corner stays where it is. */
        win->geo.x -= (int32_t)win->border;
        win->geo.y -= (int32_t)win->border;
        win->border = 0;
    }
    set_wm_state(agent, request->window, STATE_NORMAL);
    set_frame_extents(agent, request->window);
    xcb_map_window(agent->x.conn, request->window);
}

/* ICCCM 4.1.5: a request that changes nothing, or only the place, is answered with a synthetic event. */
static void answer_configure(struct agent *agent, const struct window *win)
{
    xcb_configure_notify_event_t notify = {
        .response_type = XCB_CONFIGURE_NOTIFY,
        .event = win->id,
        .window = win->id,
        .x = (int16_t)win->geo.x,
        .y = (int16_t)win->geo.y,
        .width = (uint16_t)win->geo.width,
        .height = (uint16_t)win->geo.height,
    };

    xcb_send_event(agent->x.conn, 0, win->id, XCB_EVENT_MASK_STRUCTURE_NOTIFY, (const char *)&notify);
}

/* Not one of our windows (too shallow, say): the server may do as asked. */
static void pass_configure(struct agent *agent, const xcb_configure_request_event_t *request)
{
    const uint16_t places =
        XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT;
    uint32_t values[4], n = 0;

    if (request->value_mask & XCB_CONFIG_WINDOW_X)
        values[n++] = (uint32_t)request->x;
    if (request->value_mask & XCB_CONFIG_WINDOW_Y)
        values[n++] = (uint32_t)request->y;
    if (request->value_mask & XCB_CONFIG_WINDOW_WIDTH)
        values[n++] = request->width;
    if (request->value_mask & XCB_CONFIG_WINDOW_HEIGHT)
        values[n++] = request->height;
    xcb_configure_window(agent->x.conn, request->window, request->value_mask & places, values);
}

static void handle_configure_request(struct agent *agent, const void *event)
{
    const xcb_configure_request_event_t *request = event;
    struct window *win = window_find(&agent->windows, request->window);
    struct rect geo;

    if (!win) {
        pass_configure(agent, request);
        return;
    }
    geo = win->geo;
    if (request->value_mask & XCB_CONFIG_WINDOW_X)
        geo.x = request->x;
    if (request->value_mask & XCB_CONFIG_WINDOW_Y)
        geo.y = request->y;
    if (request->value_mask & XCB_CONFIG_WINDOW_WIDTH)
        geo.width = request->width;
    if (request->value_mask & XCB_CONFIG_WINDOW_HEIGHT)
        geo.height = request->height;
    geo = convert_clamp(geo);
    if (memcmp(&geo, &win->geo, sizeof(geo))) {
        track_configure(agent, win, geo);
        win->moved = true;
    }
    answer_configure(agent, win);
}

/* _NET_WM_STATE: remove, add, toggle are 0, 1, 2 (EWMH). */
static bool state_wanted(uint32_t action, bool now)
{
    return action == 1 || (action == 2 && !now);
}

static void request_flag(struct agent *agent, struct window *win, bool *state, uint32_t action, uint32_t flag)
{
    bool want = state_wanted(action, *state);

    *state = want;
    properties_send_flags(agent, win, want ? flag : 0, want ? 0 : flag);
}

static void message_state(struct agent *agent, struct window *win, const uint32_t *data)
{
    const xcb_atom_t *atoms = agent->x.atoms;

    for (int i = 1; i <= 2; i++) {
        if (data[i] == atoms[ATOM__NET_WM_STATE_FULLSCREEN])
            request_flag(agent, win, &win->fullscreen, data[0], GUI_FLAG_FULLSCREEN);
        if (data[i] == atoms[ATOM__NET_WM_STATE_DEMANDS_ATTENTION])
            request_flag(agent, win, &win->urgent, data[0], GUI_FLAG_DEMANDS_ATTENTION);
        if (data[i] == atoms[ATOM__NET_WM_STATE_MODAL])
            request_flag(agent, win, &win->modal, data[0], GUI_FLAG_MODAL);
    }
    properties_write_state(agent, win);
}

static void message_change_state(struct agent *agent, struct window *win, const uint32_t *data)
{
    if (data[0] == STATE_ICONIC)
        properties_send_flags(agent, win, GUI_FLAG_MINIMIZE, 0);
}

/* An application asks for the keyboard: whether it gets it is the user's decision, so only attention is asked
 * for. */
static void message_activate(struct agent *agent, struct window *win, const uint32_t *data)
{
    (void)data;
    if (agent->input.focus == win->id || win->urgent)
        return;
    win->urgent = true;
    properties_send_flags(agent, win, GUI_FLAG_DEMANDS_ATTENTION, 0);
    properties_write_state(agent, win);
}

static void message_close(struct agent *agent, struct window *win, const uint32_t *data)
{
    (void)data;
    wm_close(agent, win);
}

static void handle_client_message(struct agent *agent, const void *event)
{
    const xcb_client_message_event_t *message = event;
    const struct {
        enum display_atom type;
        void (*handle)(struct agent *agent, struct window *win, const uint32_t *data);
    } handlers[] = {
        {ATOM__NET_WM_STATE, message_state},
        {ATOM_WM_CHANGE_STATE, message_change_state},
        {ATOM__NET_ACTIVE_WINDOW, message_activate},
        {ATOM__NET_CLOSE_WINDOW, message_close},
    };
    struct window *win = window_find(&agent->windows, message->window);

    if (message->format != 32 || tray_message(agent, message))
        return;
    if (message->type == agent->x.atoms[ATOM__NET_REQUEST_FRAME_EXTENTS])
        set_frame_extents(agent, message->window);
    for (size_t i = 0; win && i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (message->type == agent->x.atoms[handlers[i].type])
            handlers[i].handle(agent, win, message->data.data32);
    }
}

bool wm_event(struct agent *agent, const xcb_generic_event_t *event)
{
    switch (event->response_type & 0x7f) {
    case XCB_MAP_REQUEST:
        handle_map_request(agent, event);
        return true;
    case XCB_CONFIGURE_REQUEST:
        handle_configure_request(agent, event);
        return true;
    case XCB_CLIENT_MESSAGE:
        handle_client_message(agent, event);
        return true;
    default:
        return false;
    }
}

static bool has_protocol(struct agent *agent, const struct window *win, enum display_atom protocol)
{
    return display_has_atom(&agent->x, win->id, ATOM_WM_PROTOCOLS, XCB_ATOM_ATOM, agent->x.atoms[protocol]);
}

static void send_protocol(struct agent *agent, const struct window *win, enum display_atom protocol)
{
    const uint32_t data[5] = {agent->x.atoms[protocol], agent->x.time, 0, 0, 0};

    display_client_message(&agent->x, win->id, win->id, agent->x.atoms[ATOM_WM_PROTOCOLS], data, 0);
}

void wm_focus(struct agent *agent, struct window *win)
{
    struct display *x = &agent->x;

    display_set_window(x, x->root, ATOM__NET_ACTIVE_WINDOW, win ? win->id : XCB_NONE);
    if (!win) {
        xcb_set_input_focus(x->conn, XCB_INPUT_FOCUS_NONE, XCB_NONE, XCB_CURRENT_TIME);
        return;
    }
    if (properties_wants_input(agent, win))
        xcb_set_input_focus(x->conn, XCB_INPUT_FOCUS_PARENT, win->id, XCB_CURRENT_TIME);
    if (has_protocol(agent, win, ATOM_WM_TAKE_FOCUS))
        send_protocol(agent, win, ATOM_WM_TAKE_FOCUS);
    if (win->urgent || win->iconic) {
        win->urgent = win->iconic = false;
        properties_write_state(agent, win);
    }
}

void wm_close(struct agent *agent, const struct window *win)
{
    if (has_protocol(agent, win, ATOM_WM_DELETE_WINDOW))
        send_protocol(agent, win, ATOM_WM_DELETE_WINDOW);
    else
        xcb_kill_client(agent->x.conn, win->id);
}

static void apply_flag(bool *state, uint32_t flag, uint32_t set, uint32_t unset)
{
    if (set & flag)
        *state = true;
    else if (unset & flag)
        *state = false;
}

void wm_flags(struct agent *agent, struct window *win, uint32_t set, uint32_t unset)
{
    apply_flag(&win->fullscreen, GUI_FLAG_FULLSCREEN, set, unset);
    apply_flag(&win->urgent, GUI_FLAG_DEMANDS_ATTENTION, set, unset);
    apply_flag(&win->iconic, GUI_FLAG_MINIMIZE, set, unset);
    set_wm_state(agent, win->id, win->iconic ? STATE_ICONIC : STATE_NORMAL);
    properties_write_state(agent, win);
}
