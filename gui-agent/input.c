/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input.h"

#include <stdlib.h>
#include <string.h>
#include <xcb/xfixes.h>
#include <xcb/xkb.h>
#include <xcb/xtest.h>

#include "convert.h"
#include "keymap.h"
#include "wm.h"

#define MAX_KEYCODE  255
#define MAX_BUTTON   31
#define LOCK_MASK    (XCB_MOD_MASK_LOCK | XCB_MOD_MASK_2) /* Caps Lock, Num Lock */
#define ROOT_IS_SAME XCB_NONE /* of XTest motion: the screen that the pointer is on */

static void fake(struct agent *agent, uint8_t type, uint8_t detail, xcb_window_t root, int16_t x, int16_t y)
{
    xcb_test_fake_input(agent->x.conn, type, detail, XCB_CURRENT_TIME, root, x, y, 0);
}

static void set_key(struct agent *agent, uint8_t keycode, bool down)
{
    fake(agent, down ? XCB_KEY_PRESS : XCB_KEY_RELEASE, keycode, ROOT_IS_SAME, 0, 0);
    keymap_set(agent->input.keys, keycode, down);
}

/* A key held in dom0 repeats there; repeating here as well would double it. */
static void disable_repeat(struct agent *agent)
{
    const uint32_t off = XCB_AUTO_REPEAT_MODE_OFF;

    xcb_change_keyboard_control(agent->x.conn, XCB_KB_AUTO_REPEAT_MODE, &off);
}

void input_start(struct agent *agent)
{
    struct display *x = &agent->x;
    xcb_xkb_select_events_details_t details = {.affectState = XCB_XKB_STATE_PART_MODIFIER_LOCK,
                                               .stateDetails = XCB_XKB_STATE_PART_MODIFIER_LOCK};

    memset(&agent->input, 0, sizeof(agent->input));
    disable_repeat(agent);
    xcb_xkb_select_events_aux(x->conn, XCB_XKB_ID_USE_CORE_KBD, XCB_XKB_EVENT_TYPE_STATE_NOTIFY, 0, 0, 0, 0,
                              &details);
    xcb_xfixes_select_cursor_input(x->conn, x->root, XCB_XFIXES_CURSOR_NOTIFY_MASK_DISPLAY_CURSOR);
}

/* Tell the daemon the cursor of the window that the pointer is in. */
static void update_cursor(struct agent *agent)
{
    struct window *win = window_find(&agent->windows, agent->input.pointer);
    struct gui_msg_cursor message = {agent->input.shape};

    if (!win || !win->announced || win->cursor == agent->input.shape || agent->link.minor < GUI_MINOR_CURSOR)
        return;
    win->cursor = agent->input.shape;
    link_send(&agent->link, MSG_CURSOR, win->id, &message, sizeof(message));
}

static void cursor_changed(struct agent *agent, xcb_atom_t name)
{
    xcb_get_atom_name_reply_t *reply =
        name ? xcb_get_atom_name_reply(agent->x.conn, xcb_get_atom_name(agent->x.conn, name), NULL) : NULL;

    agent->input.shape = GUI_CURSOR_DEFAULT;
    if (reply)
        agent->input.shape =
            convert_cursor_name(xcb_get_atom_name_name(reply), (size_t)xcb_get_atom_name_name_length(reply));
    free(reply);
    update_cursor(agent);
}

bool input_event(struct agent *agent, const xcb_generic_event_t *event)
{
    uint8_t type = event->response_type & 0x7f;

    if (type == agent->x.xkb_event) {
        const xcb_xkb_state_notify_event_t *state = (const void *)event;

        if (state->xkbType == XCB_XKB_STATE_NOTIFY)
            agent->input.locked = state->lockedMods;
        return true;
    }
    if (type == agent->x.xfixes_event + XCB_XFIXES_CURSOR_NOTIFY) {
        cursor_changed(agent, ((const xcb_xfixes_cursor_notify_event_t *)event)->name);
        return true;
    }
    return false;
}

/* Make Caps and Num Lock what they are in dom0. Setting, not toggling: doing it twice does no harm. */
static void sync_locks(struct agent *agent, uint32_t state)
{
    if (!((state ^ agent->input.locked) & LOCK_MASK))
        return;
    xcb_xkb_latch_lock_state(agent->x.conn, XCB_XKB_ID_USE_CORE_KBD, LOCK_MASK, (uint8_t)(state & LOCK_MASK),
                             0, 0, 0, 0, 0);
}

void input_key(struct agent *agent, struct window *win, const struct gui_msg_keypress *key)
{
    bool down = key->type == GUI_KEY_PRESS;
    uint8_t code = (uint8_t)key->keycode;

    (void)win;
    if (key->keycode < KEYMAP_FIRST || key->keycode > MAX_KEYCODE || (!down && key->type != GUI_KEY_RELEASE))
        return;
    if (down)
        sync_locks(agent, key->state);
    if (down && keymap_get(agent->input.keys, code))
        set_key(agent, code, false); /* a repeat */
    set_key(agent, code, down);
}

void input_keymap(struct agent *agent, const struct gui_msg_keymap_notify *keymap)
{
    xcb_get_modifier_mapping_reply_t *modifiers =
        xcb_get_modifier_mapping_reply(agent->x.conn, xcb_get_modifier_mapping(agent->x.conn), NULL);
    uint8_t is_modifier[32] = {0};
    unsigned n = modifiers ? (unsigned)xcb_get_modifier_mapping_keycodes_length(modifiers) : 0;

    for (unsigned i = 0; i < n; i++)
        keymap_set(is_modifier, xcb_get_modifier_mapping_keycodes(modifiers)[i], true);
    free(modifiers);
    for (unsigned code = KEYMAP_FIRST; code <= MAX_KEYCODE; code++) {
        enum keymap_change change =
            keymap_compare(agent->input.keys, keymap->keys, is_modifier, (uint8_t)code);

        if (change != KEYMAP_SAME)
            set_key(agent, (uint8_t)code, change == KEYMAP_PRESS);
    }
}

/*
 * XTest events go to whatever window is topmost under the pointer, so the window that dom0's pointer is in
 * must be on top here. Nobody sees the stacking order: windows are redirected.
 */
static void enter_window(struct agent *agent, struct window *win)
{
    const uint32_t above = XCB_STACK_MODE_ABOVE;

    if (agent->input.pointer == win->id)
        return;
    agent->input.pointer = win->id;
    xcb_configure_window(agent->x.conn, win->id, XCB_CONFIG_WINDOW_STACK_MODE, &above);
    /* If the new window has another cursor than the old one, X tells after the motion. */
    update_cursor(agent);
}

static void move_pointer(struct agent *agent, struct window *win, int32_t x, int32_t y)
{
    enter_window(agent, win);
    fake(agent, XCB_MOTION_NOTIFY, 0, agent->x.root, (int16_t)(win->geo.x + x), (int16_t)(win->geo.y + y));
}

void input_motion(struct agent *agent, struct window *win, const struct gui_msg_motion *motion)
{
    move_pointer(agent, win, motion->x, motion->y);
}

void input_button(struct agent *agent, struct window *win, const struct gui_msg_button *button)
{
    bool down = button->type == GUI_BUTTON_PRESS;

    if (button->button < 1 || button->button > MAX_BUTTON || (!down && button->type != GUI_BUTTON_RELEASE))
        return;
    move_pointer(agent, win, button->x, button->y);
    fake(agent, down ? XCB_BUTTON_PRESS : XCB_BUTTON_RELEASE, (uint8_t)button->button, ROOT_IS_SAME, 0, 0);
    if (down)
        agent->input.buttons |= 1u << button->button;
    else
        agent->input.buttons &= ~(1u << button->button);
}

static bool is_popup(const struct window *win)
{
    return win->override_redirect && win->mapped && !win->docked;
}

/*
 * The pointer left for another domain: put it on the agent's own invisible window, so that nothing stays
 * highlighted. Not while a menu is open or a button is held: the application follows the pointer then.
 */
static void park_pointer(struct agent *agent)
{
    const uint32_t above = XCB_STACK_MODE_ABOVE;

    if (agent->input.buttons || window_count_if(&agent->windows, is_popup))
        return;
    agent->input.pointer = 0;
    xcb_configure_window(agent->x.conn, agent->x.own, XCB_CONFIG_WINDOW_STACK_MODE, &above);
    fake(agent, XCB_MOTION_NOTIFY, 0, agent->x.root, 0, 0);
}

void input_crossing(struct agent *agent, struct window *win, const struct gui_msg_crossing *crossing)
{
    if (crossing->type == GUI_ENTER)
        move_pointer(agent, win, crossing->x, crossing->y);
    else if (crossing->type == GUI_LEAVE && crossing->mode == XCB_NOTIFY_MODE_NORMAL &&
             agent->input.pointer == win->id)
        park_pointer(agent);
}

void input_focus(struct agent *agent, struct window *win, const struct gui_msg_focus *focus)
{
    if (focus->type == GUI_FOCUS_IN) {
        agent->input.focus = win->id;
        wm_focus(agent, win);
    } else if (focus->type == GUI_FOCUS_OUT && agent->input.focus == win->id) {
        struct gui_msg_keymap_notify none = {{0}};

        input_keymap(agent, &none);
        agent->input.focus = 0;
        wm_focus(agent, NULL);
    }
}

void input_release_all(struct agent *agent)
{
    for (unsigned code = KEYMAP_FIRST; code <= MAX_KEYCODE; code++) {
        if (keymap_get(agent->input.keys, (uint8_t)code))
            set_key(agent, (uint8_t)code, false);
    }
    for (unsigned button = 1; button <= MAX_BUTTON; button++) {
        if (agent->input.buttons & 1u << button)
            fake(agent, XCB_BUTTON_RELEASE, (uint8_t)button, ROOT_IS_SAME, 0, 0);
    }
    agent->input.buttons = 0;
    agent->input.pointer = agent->input.focus = 0;
}
