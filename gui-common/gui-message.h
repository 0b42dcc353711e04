/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about each message type as a table: name, direction, first minor version, allowed lengths. Pure: no
 * globals, no input or output. Both ends check what arrives by it.
 */
#ifndef GUI_MESSAGE_H
#define GUI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gui-protocol.h"

enum gui_direction {
    GUI_FROM_AGENT = 1,
    GUI_FROM_DAEMON = 2,
};

struct gui_message_info {
    uint32_t type;
    const char *name;
    unsigned directions; /* enum gui_direction, or'ed */
    uint32_t minor;      /* first minor version that has it */
    uint32_t min_length; /* of the body */
    uint32_t max_length; /* same as min_length for fixed ones */
};

/* The table's row of a type, NULL if there is no such type. */
const struct gui_message_info *gui_message_info(uint32_t type);

/* Name for log lines; "unknown" for an unknown type. */
const char *gui_message_name(uint32_t type);

/* True if `header` may come from direction `from` under minor version `minor`: type, direction and length
 * fit. */
bool gui_message_valid(const struct gui_msg_header *header, enum gui_direction from, uint32_t minor);

/* The longest body that may come from `from`. */
uint32_t gui_message_max_length(enum gui_direction from);

/*
 * The minor version to use with a peer that announced `peer_version`: the smaller one, where an unknown minor
 * between ours and the extension's counts as 8. Negative if the major version differs.
 */
int gui_version_effective(uint32_t peer_version);

/* Pages of GUI_PAGE_SIZE that a width x height buffer needs. Arguments must be within GUI_MAX_WIDTH/HEIGHT.
 */
uint32_t gui_buffer_pages(uint32_t width, uint32_t height);

#endif
