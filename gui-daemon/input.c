/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input.h"

#include <X11/XKBlib.h>
#include <X11/Xutil.h>
#include <gdk/gdkx.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clipboard.h"
#include "toplevel.h"

/* X's own numbers; the protocol uses the same. */
#define NOTIFY_NORMAL    0
#define NOTIFY_NONLINEAR 3

struct delayed {
    int64_t due;
    uint32_t type, window, length;
    uint8_t body[32];
};

static bool bit_get(const uint8_t *bits, unsigned n)
{
    return bits[n / 8 % 32] >> (n % 8) & 1;
}

static void bit_set(uint8_t *bits, unsigned n, bool on)
{
    uint8_t mask = (uint8_t)(1u << (n % 8));

    bits[n / 8 % 32] = on ? bits[n / 8 % 32] | mask : (uint8_t)(bits[n / 8 % 32] & ~mask);
}

void input_init(struct view *view)
{
    memset(&view->input, 0, sizeof(view->input));
    g_queue_init(&view->input.delayed);
}

void input_free(struct view *view)
{
    if (view->input.timer)
        g_source_remove(view->input.timer);
    g_queue_clear_full(&view->input.delayed, g_free);
    memset(&view->input, 0, sizeof(view->input));
}

/* ---- input-timing hardening: each event waits a random time, the order stays ---- */

static gboolean send_delayed(gpointer data);

static void arm_timer(struct view *view)
{
    struct delayed *first = g_queue_peek_head(&view->input.delayed);
    int64_t wait;

    if (!first || view->input.timer)
        return;
    wait = first->due - g_get_monotonic_time();
    view->input.timer = g_timeout_add((guint)(MAX(wait, 0) / 1000), send_delayed, view);
}

static gboolean send_delayed(gpointer data)
{
    struct view *view = data;
    struct delayed *d;

    view->input.timer = 0;
    while ((d = g_queue_peek_head(&view->input.delayed)) && d->due <= g_get_monotonic_time()) {
        g_queue_pop_head(&view->input.delayed);
        view_send(view, d->type, d->window, d->body, d->length);
        g_free(d);
    }
    arm_timer(view);
    return G_SOURCE_REMOVE;
}

static void send_input(struct view *view, uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    int max_ms = view->config->events_max_delay;
    struct delayed *d;
    uint32_t random = 0;

    if (!max_ms) {
        view_send(view, type, window, body, length);
        return;
    }
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        random = UINT32_MAX;
    d = g_new0(struct delayed, 1);
    d->due = g_get_monotonic_time() + (int64_t)(random % (uint32_t)(max_ms + 1)) * 1000;
    d->due = view->input.last_due = MAX(d->due, view->input.last_due);
    d->type = type;
    d->window = window;
    d->length = length;
    memcpy(d->body, body, length);
    g_queue_push_tail(&view->input.delayed, d);
    arm_timer(view);
}

/* ---- keys ---- */

/* By the layout in use, or by the first one: with Cyrillic letters the combinations stay where they were. */
static bool sequence_pressed(const struct key_sequence *sequence, const XKeyEvent *event)
{
    KeySym first, used = NoSymbol;
    XKeyEvent copy = *event;

    if (!key_sequence_modifiers(sequence, event->state))
        return false;
    first = XkbKeycodeToKeysym(event->display, (KeyCode)event->keycode, 0, 0);
    XLookupString(&copy, NULL, 0, &used, NULL);
    return key_sequence_match(sequence, event->state, (uint32_t)used) ||
           key_sequence_match(sequence, event->state, (uint32_t)first);
}

/* A combination that belongs to dom0; true if it was one. */
static bool secure_sequence(struct toplevel *t, const XKeyEvent *event)
{
    const struct config *config = t->view->config;

    if (sequence_pressed(&config->copy, event))
        clipboard_copy(t->view->clipboard, t->window->id, (uint32_t)event->time);
    else if (sequence_pressed(&config->paste, event))
        clipboard_paste(t->view->clipboard, t->window->id, (uint32_t)event->time);
    else if (t->window->fullscreen && sequence_pressed(&config->leave_fullscreen, event))
        gtk_window_unfullscreen(GTK_WINDOW(t->gtk));
    else
        return false;
    return true;
}

static void send_key(struct toplevel *t, const XKeyEvent *event, uint32_t type)
{
    struct gui_msg_keypress msg = {
        .type = type,
        .x = t->pointer_x,
        .y = t->pointer_y,
        .state = event->state & 0x1fff,
        .keycode = event->keycode,
    };

    send_input(t->view, MSG_KEYPRESS, t->window->id, &msg, sizeof(msg));
}

void input_key(struct toplevel *t, const XKeyEvent *event)
{
    struct input *input = &t->view->input;
    unsigned code = event->keycode & 0xff;

    if (event->type == KeyPress) {
        if (bit_get(input->swallowed, code) || bit_get(input->down, code))
            return;
        if (secure_sequence(t, event)) {
            bit_set(input->swallowed, code, true);
            return;
        }
        bit_set(input->down, code, true);
        send_key(t, event, GUI_KEY_PRESS);
        return;
    }
    if (bit_get(input->swallowed, code)) {
        bit_set(input->swallowed, code, false);
        return;
    }
    bit_set(input->down, code, false);
    send_key(t, event, GUI_KEY_RELEASE);
}

/* ---- pointer ---- */

static void send_button(struct toplevel *t, const XButtonEvent *e)
{
    struct gui_msg_button msg = {
        .type = e->type == ButtonPress ? GUI_BUTTON_PRESS : GUI_BUTTON_RELEASE,
        .x = e->x,
        .y = e->y,
        .state = e->state & 0x1fff,
        .button = e->button,
    };

    send_input(t->view, MSG_BUTTON, t->window->id, &msg, sizeof(msg));
}

static void send_crossing(struct toplevel *t, const XCrossingEvent *e)
{
    struct gui_msg_crossing msg = {
        .type = e->type == EnterNotify ? GUI_ENTER : GUI_LEAVE,
        .x = e->x,
        .y = e->y,
        .state = e->state & 0x1fff,
        .mode = (uint32_t)e->mode,
        .detail = (uint32_t)e->detail,
        .focus = (uint32_t)e->focus,
    };

    send_input(t->view, MSG_CROSSING, t->window->id, &msg, sizeof(msg));
}

static void send_motion(struct toplevel *t, const XMotionEvent *e)
{
    struct gui_msg_motion msg = {.x = e->x, .y = e->y, .state = e->state & 0x1fff, .is_hint = 0};

    send_input(t->view, MSG_MOTION, t->window->id, &msg, sizeof(msg));
}

void input_pointer(struct toplevel *t, const XEvent *event)
{
    struct zoom zoom = window_zoom(t->window);
    XEvent guest = *event;

    /* All of these events have the coordinates at the same place. */
    t->pointer_x = guest.xmotion.x = zoom_point(zoom, event->xmotion.x);
    t->pointer_y = guest.xmotion.y = zoom_point(zoom, event->xmotion.y);
    switch (event->type) {
    case ButtonPress:
    case ButtonRelease:
        send_button(t, &guest.xbutton);
        break;
    case MotionNotify:
        send_motion(t, &guest.xmotion);
        break;
    default:
        send_crossing(t, &guest.xcrossing);
        break;
    }
}

void input_click(struct toplevel *t, uint32_t button)
{
    const struct rect *g = &t->window->configure.geometry;
    XButtonEvent event = {.type = ButtonPress, .x = g->w / 2, .y = g->h / 2, .button = button};

    send_button(t, &event);
    event.type = ButtonRelease;
    send_button(t, &event);
}

/* ---- focus ---- */

static void send_keymap(struct view *view, const char keys[32])
{
    struct input *input = &view->input;
    struct gui_msg_keymap_notify msg;

    /* Keys that are kept from the agent (a combination still held) are not down for it. */
    for (int i = 0; i < 32; i++)
        msg.keys[i] = (uint8_t)((uint8_t)keys[i] & ~input->swallowed[i]);
    memcpy(input->down, msg.keys, sizeof(input->down));
    send_input(view, MSG_KEYMAP_NOTIFY, input->focus, &msg, sizeof(msg));
}

void input_keymap(struct view *view, const char keys[32])
{
    if (view->input.focus)
        send_keymap(view, keys);
}

void input_focus(struct toplevel *t, bool in)
{
    struct gui_msg_focus msg = {in ? GUI_FOCUS_IN : GUI_FOCUS_OUT, NOTIFY_NORMAL, NOTIFY_NONLINEAR};
    struct input *input = &t->view->input;
    char keys[32];

    input->focus = in ? t->window->id : 0;
    if (in) {
        XQueryKeymap(t->view->display, keys);
        send_keymap(t->view, keys);
    } else {
        memset(input->swallowed, 0, sizeof(input->swallowed));
    }
    send_input(t->view, MSG_FOCUS, t->window->id, &msg, sizeof(msg));
}
