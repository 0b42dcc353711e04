/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the user's keys and pointer to messages. The combinations for copy, paste and leaving fullscreen never
 * reach the agent. Repeated presses of a held key are left to the guest, whose own X server repeats.
 */
#ifndef INPUT_H
#define INPUT_H

#include <X11/Xlib.h>
#include <gtk/gtk.h>
#include <stdbool.h>
#include <stdint.h>

struct toplevel;
struct view;

struct input {
    uint8_t down[32];      /* keys that the agent believes to be down */
    uint8_t swallowed[32]; /* keys whose press was kept, so that the release is, too */
    uint32_t focus;        /* window that has the keyboard, or 0 */
    GQueue delayed;        /* events that wait: events_max_delay */
    int64_t last_due;
    guint timer;
};

void input_init(struct view *view);
void input_free(struct view *view);

/* A key event of the window. */
void input_key(struct toplevel *toplevel, const XKeyEvent *event);

/* A button, motion or crossing event of the content area. */
void input_pointer(struct toplevel *toplevel, const XEvent *event);

/* A click into the middle of a window that is not on the screen itself. */
void input_click(struct toplevel *toplevel, uint32_t button);

/* The window got or lost the keyboard. */
void input_focus(struct toplevel *toplevel, bool in);

/* The keys that were held, one bit each as in XQueryKeymap(3), when the window that has the keyboard got it.
 */
void input_keymap(struct view *view, const char keys[32]);

#endif
