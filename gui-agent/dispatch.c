/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dispatch.h"

#include <stdio.h>

#include "clipboard.h"
#include "convert.h"
#include "frame.h"
#include "gui-message.h"
#include "input.h"
#include "scale.h"
#include "track.h"
#include "wm.h"

static void on_key(struct agent *agent, struct window *win, const void *body)
{
    input_key(agent, win, body);
}

static void on_button(struct agent *agent, struct window *win, const void *body)
{
    input_button(agent, win, body);
}

static void on_motion(struct agent *agent, struct window *win, const void *body)
{
    input_motion(agent, win, body);
}

static void on_crossing(struct agent *agent, struct window *win, const void *body)
{
    input_crossing(agent, win, body);
}

static void on_focus(struct agent *agent, struct window *win, const void *body)
{
    input_focus(agent, win, body);
}

/* The user moved or resized: do so, and echo exactly this geometry, which is the acknowledgement. */
static void on_configure(struct agent *agent, struct window *win, const void *body)
{
    const struct gui_msg_configure *configure = body;

    track_configure(
        agent, win,
        convert_clamp((struct rect){configure->x, configure->y, configure->width, configure->height}));
    track_send_configure(agent, win);
}

static void on_close(struct agent *agent, struct window *win, const void *body)
{
    (void)body;
    wm_close(agent, win);
}

static void on_flags(struct agent *agent, struct window *win, const void *body)
{
    const struct gui_msg_window_flags *flags = body;

    wm_flags(agent, win, flags->set, flags->unset);
}

static void on_dump_ack(struct agent *agent, struct window *win, const void *body)
{
    (void)body;
    frame_acked(agent, win);
}

static void on_frame_done(struct agent *agent, struct window *win, const void *body)
{
    const struct gui_msg_frame_done *done = body;

    frame_done(agent, win, done->serial);
}

static void on_scale(struct agent *agent, struct window *win, const void *body)
{
    const struct gui_msg_window_scale *message = body;

    (void)win;
    scale_set(agent, message->scale);
}

/* Messages about a window; those of windows that are gone meanwhile are dropped. */
static const struct {
    uint32_t type;
    void (*handle)(struct agent *agent, struct window *win, const void *body);
} window_messages[] = {
    {MSG_KEYPRESS, on_key},          {MSG_BUTTON, on_button},      {MSG_MOTION, on_motion},
    {MSG_CROSSING, on_crossing},     {MSG_FOCUS, on_focus},        {MSG_CONFIGURE, on_configure},
    {MSG_CLOSE, on_close},           {MSG_WINDOW_FLAGS, on_flags}, {MSG_WINDOW_DUMP_ACK, on_dump_ack},
    {MSG_FRAME_DONE, on_frame_done}, {MSG_WINDOW_SCALE, on_scale},
};

static void handle_window_message(struct agent *agent, const struct gui_msg_header *header, const void *body)
{
    struct window *win = window_find(&agent->windows, header->window);

    if (!win || !win->announced)
        return;
    for (size_t i = 0; i < sizeof(window_messages) / sizeof(window_messages[0]); i++) {
        if (window_messages[i].type == header->type)
            window_messages[i].handle(agent, win, body);
    }
}

static void message(void *context, const struct gui_msg_header *header, const void *body)
{
    struct agent *agent = context;

    if (agent->verbose)
        fprintf(stderr, "qubes-gui: %s for 0x%x\n", gui_message_name(header->type), header->window);
    if (!agent->x.conn && header->type != MSG_DESTROY)
        return;
    switch (header->type) {
    case MSG_DESTROY:
        track_released(agent, header->window);
        break;
    case MSG_CLIPBOARD_REQ:
        clipboard_ask(agent);
        break;
    case MSG_CLIPBOARD_DATA:
        clipboard_set(agent, body, header->length);
        break;
    case MSG_KEYMAP_NOTIFY:
        input_keymap(agent, body);
        break;
    default:
        handle_window_message(agent, header, body);
    }
}

static void up(void *context)
{
    struct agent *agent = context;

    if (!agent->x.conn)
        return;
    scale_fit_screen(agent);
    track_announce_all(agent);
}

static void down(void *context)
{
    struct agent *agent = context;

    if (agent->x.conn) {
        input_release_all(agent);
        wm_focus(agent, NULL);
    }
    track_forget_all(agent);
}

const struct link_events dispatch_events = {.up = up, .down = down, .message = message};
