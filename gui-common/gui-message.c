/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gui-message.h"

#define FIXED(size)   .min_length = (size), .max_length = (size)
#define RANGE(lo, hi) .min_length = (lo), .max_length = (hi)
#define AGENT         .directions = GUI_FROM_AGENT
#define DAEMON        .directions = GUI_FROM_DAEMON
#define BOTH          .directions = GUI_FROM_AGENT | GUI_FROM_DAEMON
#define ROW(t)        .type = t, .name = #t

static const struct gui_message_info table[] = {
    {ROW(MSG_KEYPRESS), DAEMON, FIXED(sizeof(struct gui_msg_keypress))},
    {ROW(MSG_BUTTON), DAEMON, FIXED(sizeof(struct gui_msg_button))},
    {ROW(MSG_MOTION), DAEMON, FIXED(sizeof(struct gui_msg_motion))},
    {ROW(MSG_CROSSING), DAEMON, FIXED(sizeof(struct gui_msg_crossing))},
    {ROW(MSG_FOCUS), DAEMON, FIXED(sizeof(struct gui_msg_focus))},
    {ROW(MSG_CREATE), AGENT, FIXED(sizeof(struct gui_msg_create))},
    {ROW(MSG_DESTROY), BOTH, FIXED(0)},
    {ROW(MSG_MAP), BOTH, FIXED(sizeof(struct gui_msg_map))},
    {ROW(MSG_UNMAP), AGENT, FIXED(0)},
    {ROW(MSG_CONFIGURE), BOTH, FIXED(sizeof(struct gui_msg_configure))},
    {ROW(MSG_SHMIMAGE), AGENT, FIXED(sizeof(struct gui_msg_shmimage))},
    {ROW(MSG_CLOSE), DAEMON, FIXED(0)},
    {ROW(MSG_EXECUTE), DAEMON, FIXED(255)},
    {ROW(MSG_CLIPBOARD_REQ), DAEMON, FIXED(0)},
    {ROW(MSG_CLIPBOARD_DATA), BOTH, .minor = GUI_MINOR_WINDOW_DUMP, RANGE(0, GUI_CLIPBOARD_MAX + 1)},
    {ROW(MSG_WMNAME), AGENT, FIXED(sizeof(struct gui_msg_wmname))},
    {ROW(MSG_KEYMAP_NOTIFY), DAEMON, FIXED(sizeof(struct gui_msg_keymap_notify))},
    {ROW(MSG_DOCK), AGENT, FIXED(0)},
    {ROW(MSG_WINDOW_HINTS), AGENT, FIXED(sizeof(struct gui_msg_window_hints))},
    {ROW(MSG_WINDOW_FLAGS), BOTH, FIXED(sizeof(struct gui_msg_window_flags))},
    {ROW(MSG_WMCLASS), AGENT, .minor = GUI_MINOR_WMCLASS, FIXED(sizeof(struct gui_msg_wmclass))},
    {ROW(MSG_WINDOW_DUMP), AGENT, .minor = GUI_MINOR_WINDOW_DUMP,
     RANGE(sizeof(struct gui_msg_window_dump) + 4, sizeof(struct gui_msg_window_dump) + 4 * GUI_MAX_GRANTS)},
    {ROW(MSG_CURSOR), AGENT, .minor = GUI_MINOR_CURSOR, FIXED(sizeof(struct gui_msg_cursor))},
    {ROW(MSG_WINDOW_DUMP_ACK), DAEMON, .minor = GUI_MINOR_DUMP_ACK, FIXED(0)},
    {ROW(MSG_FRAME_REQUEST), AGENT, .minor = GUI_MINOR_FRAMES, FIXED(sizeof(struct gui_msg_frame_request))},
    {ROW(MSG_FRAME_DONE), DAEMON, .minor = GUI_MINOR_FRAMES, FIXED(sizeof(struct gui_msg_frame_done))},
    {ROW(MSG_WINDOW_SCALE), BOTH, .minor = GUI_MINOR_FRAMES, FIXED(sizeof(struct gui_msg_window_scale))},
    {ROW(MSG_WINDOW_ICON), AGENT, .minor = GUI_MINOR_FRAMES,
     RANGE(sizeof(struct gui_msg_window_icon) + 4,
           sizeof(struct gui_msg_window_icon) + 4 * GUI_ICON_MAX * GUI_ICON_MAX)},
};

const struct gui_message_info *gui_message_info(uint32_t type)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].type == type)
            return &table[i];
    }
    return NULL;
}

const char *gui_message_name(uint32_t type)
{
    const struct gui_message_info *info = gui_message_info(type);

    return info ? info->name : "unknown";
}

bool gui_message_valid(const struct gui_msg_header *header, enum gui_direction from, uint32_t minor)
{
    const struct gui_message_info *info = gui_message_info(header->type);
    uint32_t max;

    if (!info || !(info->directions & (unsigned)from) || minor < info->minor)
        return false;
    max = info->max_length;
    if (info->type == MSG_CLIPBOARD_DATA && minor < GUI_MINOR_BIG_CLIPBOARD)
        max = GUI_CLIPBOARD_OLD_MAX;
    if ((info->type == MSG_WINDOW_DUMP || info->type == MSG_WINDOW_ICON) && header->length % 4)
        return false;
    return header->length >= info->min_length && header->length <= max;
}

uint32_t gui_message_max_length(enum gui_direction from)
{
    uint32_t max = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if ((table[i].directions & (unsigned)from) && table[i].max_length > max)
            max = table[i].max_length;
    }
    return max;
}

int gui_version_effective(uint32_t peer_version)
{
    uint32_t minor = peer_version & 0xffff;

    if (peer_version >> 16 != GUI_VERSION_MAJOR)
        return -1;
    if (minor >= GUI_MINOR_FRAMES)
        return GUI_MINOR_FRAMES;
    return (int)(minor > GUI_MINOR_BIG_CLIPBOARD ? GUI_MINOR_BIG_CLIPBOARD : minor);
}

uint32_t gui_buffer_pages(uint32_t width, uint32_t height)
{
    return (width * height * 4 + GUI_PAGE_SIZE - 1) / GUI_PAGE_SIZE;
}
