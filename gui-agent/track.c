/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "track.h"

#include <stdio.h>
#include <stdlib.h>
#include <xcb/composite.h>

#include "convert.h"
#include "frame.h"
#include "properties.h"
#include "resize.h"
#include "scale.h"
#include "tray.h"
#include "watch.h"
#include "wm.h"

#define ROOT_EVENTS                                                                                          \
    (XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY | XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT |                             \
     XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_PROPERTY_CHANGE)

/* Begin to know a top-level window. NULL: not one to show, or gone already. */
static struct window *adopt(struct agent *agent, uint32_t id)
{
    xcb_connection_t *conn = agent->x.conn;
    xcb_get_window_attributes_cookie_t attributes_cookie = xcb_get_window_attributes(conn, id);
    xcb_get_geometry_cookie_t geometry_cookie = xcb_get_geometry(conn, id);
    xcb_get_window_attributes_reply_t *attributes =
        xcb_get_window_attributes_reply(conn, attributes_cookie, NULL);
    xcb_get_geometry_reply_t *geo = xcb_get_geometry_reply(conn, geometry_cookie, NULL);
    struct window *win = NULL;

    if (attributes && geo && attributes->_class == XCB_WINDOW_CLASS_INPUT_OUTPUT &&
        (geo->depth == 24 || geo->depth == 32))
        win = window_add(&agent->windows, id);
    if (win) {
        uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE;

        win->border = geo->border_width;
        win->geo = win->actual =
            (struct rect){geo->x + geo->border_width, geo->y + geo->border_width, geo->width, geo->height};
        win->override_redirect = attributes->override_redirect;
        win->mapped = attributes->map_state != XCB_MAP_STATE_UNMAPPED;
        xcb_change_window_attributes(conn, id, XCB_CW_EVENT_MASK, &mask);
    }
    free(attributes);
    free(geo);
    return win;
}

static void send_create(struct agent *agent, struct window *win)
{
    struct rect geo = convert_clamp(win->geo);
    struct gui_msg_create create = {geo.x, geo.y, geo.width, geo.height, 0, win->override_redirect};

    link_send(&agent->link, MSG_CREATE, win->id, &create, sizeof(create));
    fprintf(stderr, "qubes-gui: window 0x%x sent\n", win->id);
}

/* Make the daemon know a mapped window; the dump follows with the next flush. */
static void announce(struct agent *agent, struct window *win)
{
    if (agent->link.state != LINK_UP || win->announced || !win->mapped ||
        window_buried(&agent->windows, win->id))
        return;
    send_create(agent, win);
    scale_announce(agent, win);
    win->announced = true;
    properties_send_all(agent, win);
    if (win->docked)
        link_send(&agent->link, MSG_DOCK, win->id, NULL, 0);
    watch_start(agent, win);
    frame_invalidate(agent, win);
}

void track_show(struct agent *agent, struct window *win)
{
    struct gui_msg_map map = {properties_transient_for(agent, win), win->override_redirect};

    if (win->shown)
        return;
    win->shown = true;
    link_send(&agent->link, MSG_MAP, win->id, &map, sizeof(map));
    if (!win->override_redirect)
        properties_send_initial_flags(agent, win);
}

static void mapped(struct agent *agent, struct window *win)
{
    win->mapped = true;
    if (win->announced)
        frame_invalidate(agent, win); /* mapping makes a new pixmap */
    else
        announce(agent, win);
    wm_update_client_list(agent);
}

static void unmapped(struct agent *agent, struct window *win)
{
    win->mapped = false;
    if (win->shown)
        link_send(&agent->link, MSG_UNMAP, win->id, NULL, 0);
    win->shown = win->frame_open = false;
    if (!win->override_redirect)
        wm_withdrawn(agent, win);
    wm_update_client_list(agent);
}

static void destroyed(struct agent *agent, struct window *win)
{
    if (agent->input.focus == win->id)
        agent->input.focus = 0;
    if (agent->input.pointer == win->id)
        agent->input.pointer = 0;
    if (win->announced) {
        link_send(&agent->link, MSG_DESTROY, win->id, NULL, 0);
        if (agent->link.minor >= GUI_MINOR_DESTROY_ACK)
            window_bury(&agent->windows, win->id);
    }
    resize_forget(agent, win);
    frame_forget(agent, win);
    window_remove(&agent->windows, win);
}

static void handle_create(struct agent *agent, const void *event)
{
    const xcb_create_notify_event_t *create = event;

    if (create->parent == agent->x.root && create->window != agent->x.own &&
        !window_find(&agent->windows, create->window))
        adopt(agent, create->window);
}

/* An event about an icon inside its holder: the holder goes, too. */
static void icon_gone(struct agent *agent, uint32_t parent, uint32_t icon)
{
    struct window *holder = window_find(&agent->windows, parent);

    if (holder && holder->docked && holder->icon == icon)
        tray_icon_gone(agent, holder);
}

static void handle_destroy(struct agent *agent, const void *event)
{
    const xcb_destroy_notify_event_t *destroy = event;
    struct window *win = window_find(&agent->windows, destroy->window);

    icon_gone(agent, destroy->event, destroy->window);
    if (win) {
        destroyed(agent, win);
        wm_update_client_list(agent);
    }
}

static void handle_map(struct agent *agent, const void *event)
{
    const xcb_map_notify_event_t *map = event;
    struct window *win = window_find(&agent->windows, map->window);

    if (!win || map->event != agent->x.root)
        return;
    win->override_redirect = map->override_redirect;
    mapped(agent, win);
}

static void handle_unmap(struct agent *agent, const void *event)
{
    const xcb_unmap_notify_event_t *unmap = event;
    struct window *win = window_find(&agent->windows, unmap->window);

    icon_gone(agent, unmap->event, unmap->window);
    if (win && unmap->event == agent->x.root && win->mapped)
        unmapped(agent, win);
}

/* Into another window: no top-level any more. Back to the root: one again. */
static void handle_reparent(struct agent *agent, const void *event)
{
    const xcb_reparent_notify_event_t *reparent = event;
    struct window *win = window_find(&agent->windows, reparent->window);

    if (reparent->parent != reparent->event)
        icon_gone(agent, reparent->event, reparent->window);
    if (win && reparent->parent != agent->x.root) {
        destroyed(agent, win);
        wm_update_client_list(agent);
    } else if (!win && reparent->parent == agent->x.root) {
        adopt(agent, reparent->window);
    }
}

static bool same_rect(struct rect a, struct rect b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

static void handle_configure(struct agent *agent, const void *event)
{
    const xcb_configure_notify_event_t *configure = event;
    struct window *win = window_find(&agent->windows, configure->window);
    struct rect geo, old;

    if (configure->window == agent->x.root) {
        agent->x.width = configure->width;
        agent->x.height = configure->height;
        wm_update_screen(agent);
        return;
    }
    if (!win)
        return;
    geo = (struct rect){configure->x + configure->border_width, configure->y + configure->border_width,
                        configure->width, configure->height};
    old = win->actual;
    win->border = configure->border_width;
    if (win->override_redirect && !same_rect(geo, win->geo)) {
        win->geo = geo;
        win->moved = true;
    }
    win->actual = geo;
    if (geo.width != old.width || geo.height != old.height)
        frame_invalidate(agent, win);
}

static void handle_property(struct agent *agent, const void *event)
{
    const xcb_property_notify_event_t *property = event;
    struct window *win = window_find(&agent->windows, property->window);

    if (!win)
        win = window_holding(&agent->windows, property->window);
    agent->x.time = property->time;
    if (win)
        properties_changed(agent, win, property->atom);
}

bool track_event(struct agent *agent, const xcb_generic_event_t *event)
{
    static const struct {
        uint8_t type;
        void (*handle)(struct agent *agent, const void *event);
    } handlers[] = {
        {XCB_CREATE_NOTIFY, handle_create},     {XCB_DESTROY_NOTIFY, handle_destroy},
        {XCB_MAP_NOTIFY, handle_map},           {XCB_UNMAP_NOTIFY, handle_unmap},
        {XCB_REPARENT_NOTIFY, handle_reparent}, {XCB_CONFIGURE_NOTIFY, handle_configure},
        {XCB_PROPERTY_NOTIFY, handle_property},
    };
    uint8_t type = event->response_type & 0x7f;

    if (watch_event(agent, event))
        return true;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].type == type) {
            handlers[i].handle(agent, event);
            return true;
        }
    }
    return false;
}

static void adopt_existing(struct agent *agent)
{
    xcb_query_tree_reply_t *tree =
        xcb_query_tree_reply(agent->x.conn, xcb_query_tree(agent->x.conn, agent->x.root), NULL);

    if (!tree)
        return;
    for (int i = 0; i < xcb_query_tree_children_length(tree); i++) {
        uint32_t id = xcb_query_tree_children(tree)[i];

        if (id != agent->x.own && !window_find(&agent->windows, id))
            adopt(agent, id);
    }
    free(tree);
}

void track_start(struct agent *agent)
{
    uint32_t mask = ROOT_EVENTS;

    xcb_composite_redirect_subwindows(agent->x.conn, agent->x.root, XCB_COMPOSITE_REDIRECT_MANUAL);
    xcb_change_window_attributes(agent->x.conn, agent->x.root, XCB_CW_EVENT_MASK, &mask);
    adopt_existing(agent);
}

static void destroyed_each(struct window *win, void *context)
{
    destroyed(context, win);
}

void track_stop(struct agent *agent)
{
    window_each(&agent->windows, destroyed_each, agent);
}

static void announce_each(struct window *win, void *context)
{
    announce(context, win);
}

static void forget_each(struct window *win, void *context)
{
    struct agent *agent = context;

    win->announced = win->shown = win->urgent = false;
    win->cursor = GUI_CURSOR_DEFAULT;
    frame_forget(agent, win);
}

void track_announce_all(struct agent *agent)
{
    window_each(&agent->windows, announce_each, agent);
}

void track_forget_all(struct agent *agent)
{
    window_each(&agent->windows, forget_each, agent);
    window_release_all(&agent->windows);
}

void track_released(struct agent *agent, uint32_t id)
{
    struct window *win = window_find(&agent->windows, id);

    window_release(&agent->windows, id);
    if (win)
        announce(agent, win);
}

void track_send_configure(struct agent *agent, struct window *win)
{
    struct rect geo = convert_clamp(win->geo);
    struct gui_msg_configure configure = {geo.x, geo.y, geo.width, geo.height, win->override_redirect};

    win->moved = false;
    if (win->announced)
        link_send(&agent->link, MSG_CONFIGURE, win->id, &configure, sizeof(configure));
}

static void flush_window(struct window *win, void *context)
{
    struct agent *agent = context;

    if (win->moved && !link_congested(&agent->link))
        track_send_configure(agent, win);
}

void track_flush(struct agent *agent)
{
    window_each(&agent->windows, flush_window, agent);
}

void track_configure(struct agent *agent, struct window *win, struct rect geo)
{
    uint32_t values[] = {(uint32_t)(geo.x - (int32_t)win->border), (uint32_t)(geo.y - (int32_t)win->border),
                         geo.width, geo.height};

    if (geo.width != win->actual.width || geo.height != win->actual.height)
        resize_begin(agent, win);
    win->geo = geo;
    xcb_configure_window(agent->x.conn, win->id,
                         XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH |
                             XCB_CONFIG_WINDOW_HEIGHT,
                         values);
    if (win->icon)
        xcb_configure_window(agent->x.conn, win->icon, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
                             values + 2);
}

void track_add_docked(struct agent *agent, uint32_t id, uint32_t icon, uint32_t width, uint32_t height)
{
    struct window *win = window_find(&agent->windows, id);

    if (!win)
        win = window_add(&agent->windows, id);
    if (!win)
        return;
    win->geo = win->actual = (struct rect){0, 0, width, height};
    win->override_redirect = win->docked = true;
    win->icon = icon;
}
