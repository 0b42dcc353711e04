/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "properties.h"

#include <stdlib.h>
#include <string.h>

#include "convert.h"

/* WM_HINTS, ICCCM 4.1.2.4 */
#define WM_HINTS_WORDS   9
#define WM_HINTS_INPUT   1u
#define WM_HINTS_STATE   2u
#define WM_HINTS_URGENCY 256u
#define STATE_ICONIC     3 /* ICCCM 4.1.3.1 */

static void send_title(struct agent *agent, struct window *win)
{
    struct display *x = &agent->x;
    xcb_window_t named = win->icon ? win->icon : win->id;
    xcb_get_property_reply_t *reply =
        display_property(x, named, x->atoms[ATOM__NET_WM_NAME], x->atoms[ATOM_UTF8_STRING], 8);
    struct gui_msg_wmname name = {{0}};

    if (reply) {
        convert_title(xcb_get_property_value(reply), (size_t)xcb_get_property_value_length(reply), &name);
    } else {
        reply = display_property(x, named, XCB_ATOM_WM_NAME, XCB_GET_PROPERTY_TYPE_ANY, 8);
        if (reply) {
            char utf8[2 * sizeof(name.data)];
            size_t length = (size_t)xcb_get_property_value_length(reply);
            size_t cut = length < sizeof(name.data) ? length : sizeof(name.data);

            if (reply->type == XCB_ATOM_STRING) {
                length = convert_latin1(xcb_get_property_value(reply), cut, utf8);
                convert_title(utf8, length, &name);
            } else {
                convert_title(xcb_get_property_value(reply), length, &name);
            }
        }
    }
    free(reply);
    link_send(&agent->link, MSG_WMNAME, win->id, &name, sizeof(name));
}

static void send_class(struct agent *agent, struct window *win)
{
    xcb_get_property_reply_t *reply =
        display_property(&agent->x, win->id, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING, 8);
    struct gui_msg_wmclass class;

    if (reply) {
        convert_class(xcb_get_property_value(reply), (size_t)xcb_get_property_value_length(reply), &class);
        link_send(&agent->link, MSG_WMCLASS, win->id, &class, sizeof(class));
    }
    free(reply);
}

static void send_size_hints(struct agent *agent, struct window *win)
{
    xcb_get_property_reply_t *reply =
        display_property(&agent->x, win->id, XCB_ATOM_WM_NORMAL_HINTS, XCB_ATOM_WM_SIZE_HINTS, 32);
    struct gui_msg_window_hints hints;

    if (reply) {
        convert_size_hints(xcb_get_property_value(reply), (size_t)xcb_get_property_value_length(reply) / 4,
                           &hints);
        link_send(&agent->link, MSG_WINDOW_HINTS, win->id, &hints, sizeof(hints));
    }
    free(reply);
}

static void send_icon(struct agent *agent, struct window *win)
{
    xcb_get_property_reply_t *reply;
    struct gui_msg_window_icon icon;
    const uint32_t *pixels;

    if (agent->link.minor < GUI_MINOR_FRAMES)
        return;
    reply = display_property(&agent->x, win->id, agent->x.atoms[ATOM__NET_WM_ICON], XCB_ATOM_CARDINAL, 32);
    if (reply && convert_icon(xcb_get_property_value(reply), (size_t)xcb_get_property_value_length(reply) / 4,
                              &icon, &pixels))
        link_send2(&agent->link, MSG_WINDOW_ICON, win->id, &icon, sizeof(icon), pixels,
                   (size_t)icon.width * icon.height * 4);
    free(reply);
}

struct wm_hints {
    uint32_t flags, input, initial_state;
};

/* False if there are none. */
static bool read_wm_hints(struct agent *agent, const struct window *win, struct wm_hints *hints)
{
    xcb_get_property_reply_t *reply =
        display_property(&agent->x, win->id, XCB_ATOM_WM_HINTS, XCB_ATOM_WM_HINTS, 32);
    bool good = reply && xcb_get_property_value_length(reply) >= (WM_HINTS_WORDS - 1) * 4;

    if (good) {
        memcpy(hints, xcb_get_property_value(reply), sizeof(*hints));
    }
    free(reply);
    return good;
}

bool properties_wants_input(struct agent *agent, const struct window *win)
{
    struct wm_hints hints;

    return !read_wm_hints(agent, win, &hints) || !(hints.flags & WM_HINTS_INPUT) || hints.input;
}

void properties_send_flags(struct agent *agent, const struct window *win, uint32_t set, uint32_t unset)
{
    struct gui_msg_window_flags flags = {set, unset};

    if (win->announced)
        link_send(&agent->link, MSG_WINDOW_FLAGS, win->id, &flags, sizeof(flags));
}

static void send_urgency(struct agent *agent, struct window *win)
{
    struct wm_hints hints;
    bool urgent = read_wm_hints(agent, win, &hints) && (hints.flags & WM_HINTS_URGENCY);

    if (urgent == win->urgent)
        return;
    win->urgent = urgent;
    properties_send_flags(agent, win, urgent ? GUI_FLAG_DEMANDS_ATTENTION : 0,
                          urgent ? 0 : GUI_FLAG_DEMANDS_ATTENTION);
}

void properties_send_initial_flags(struct agent *agent, struct window *win)
{
    struct display *x = &agent->x;
    struct wm_hints hints;

    if (!win->fullscreen)
        win->fullscreen = display_has_atom(x, win->id, ATOM__NET_WM_STATE, XCB_ATOM_ATOM,
                                           x->atoms[ATOM__NET_WM_STATE_FULLSCREEN]);
    if (win->fullscreen)
        properties_send_flags(agent, win, GUI_FLAG_FULLSCREEN, 0);
    win->modal =
        display_has_atom(x, win->id, ATOM__NET_WM_STATE, XCB_ATOM_ATOM, x->atoms[ATOM__NET_WM_STATE_MODAL]);
    if (win->modal)
        properties_send_flags(agent, win, GUI_FLAG_MODAL, 0);
    if (read_wm_hints(agent, win, &hints) && (hints.flags & WM_HINTS_STATE) &&
        hints.initial_state == STATE_ICONIC)
        properties_send_flags(agent, win, GUI_FLAG_MINIMIZE, 0);
    send_urgency(agent, win);
}

uint32_t properties_transient_for(struct agent *agent, const struct window *win)
{
    xcb_get_property_reply_t *reply =
        display_property(&agent->x, win->id, XCB_ATOM_WM_TRANSIENT_FOR, XCB_ATOM_WINDOW, 32);
    uint32_t id = 0;

    if (reply && xcb_get_property_value_length(reply) >= 4) {
        const struct window *other;

        id = *(const uint32_t *)xcb_get_property_value(reply);
        other = window_find(&agent->windows, id);
        if (!other || !other->announced || id == win->id)
            id = 0;
    }
    free(reply);
    return id;
}

void properties_write_state(struct agent *agent, const struct window *win)
{
    struct display *x = &agent->x;
    xcb_atom_t states[4];
    uint32_t n = 0;

    if (win->fullscreen)
        states[n++] = x->atoms[ATOM__NET_WM_STATE_FULLSCREEN];
    if (win->urgent)
        states[n++] = x->atoms[ATOM__NET_WM_STATE_DEMANDS_ATTENTION];
    if (win->iconic)
        states[n++] = x->atoms[ATOM__NET_WM_STATE_HIDDEN];
    if (win->modal)
        states[n++] = x->atoms[ATOM__NET_WM_STATE_MODAL];
    display_set_atoms(x, win->id, ATOM__NET_WM_STATE, states, n);
}

/* The properties that make messages; the position is the bit in struct window's `dirty`. */
static void (*const senders[])(struct agent *agent, struct window *win) = {
    send_title, send_class, send_size_hints, send_icon, send_urgency};
enum { DIRTY_TITLE = 1, DIRTY_CLASS = 2, DIRTY_SIZE_HINTS = 4, DIRTY_ICON = 8, DIRTY_URGENCY = 16 };

static void send_dirty(struct agent *agent, struct window *win)
{
    uint32_t dirty = win->dirty;

    win->dirty = 0;
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
        if (dirty & 1u << i)
            senders[i](agent, win);
    }
}

void properties_send_all(struct agent *agent, struct window *win)
{
    win->dirty = DIRTY_TITLE | DIRTY_CLASS | DIRTY_SIZE_HINTS | DIRTY_ICON;
    send_dirty(agent, win);
}

void properties_changed(struct agent *agent, struct window *win, xcb_atom_t property)
{
    const struct {
        xcb_atom_t atom;
        uint32_t dirty;
    } watched[] = {
        {XCB_ATOM_WM_NAME, DIRTY_TITLE},
        {agent->x.atoms[ATOM__NET_WM_NAME], DIRTY_TITLE},
        {XCB_ATOM_WM_CLASS, DIRTY_CLASS},
        {XCB_ATOM_WM_NORMAL_HINTS, DIRTY_SIZE_HINTS},
        {agent->x.atoms[ATOM__NET_WM_ICON], DIRTY_ICON},
        {XCB_ATOM_WM_HINTS, DIRTY_URGENCY},
    };

    if (!win->announced)
        return;
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        if (watched[i].atom == property)
            win->dirty |= watched[i].dirty;
    }
}

static void flush_window(struct window *win, void *context)
{
    struct agent *agent = context;

    if (win->dirty && win->announced && !link_congested(&agent->link))
        send_dirty(agent, win);
}

void properties_flush(struct agent *agent)
{
    if (agent->link.state == LINK_UP && agent->x.conn)
        window_each(&agent->windows, flush_window, agent);
}
