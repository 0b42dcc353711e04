/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secure copy and paste (protocol page, section 6). What a domain copied lies in one place in dom0,
 * /var/run/qubes/qubes-clipboard.bin, with its source beside it; the policy decides about each paste.
 */
#ifndef CLIPBOARD_H
#define CLIPBOARD_H

#include <stddef.h>
#include <stdint.h>

struct clipboard;
struct view;

/* Files are in $QUBES_CLIPBOARD_DIR (default /var/run/qubes), the policy daemon is at $QUBES_POLICY_SOCKET.
 */
struct clipboard *clipboard_new(struct view *view);
void clipboard_free(struct clipboard *clipboard);

/* The user pressed the keys in this window; `time` is X's. */
void clipboard_copy(struct clipboard *clipboard, uint32_t window, uint32_t time);
void clipboard_paste(struct clipboard *clipboard, uint32_t window, uint32_t time);

/* The agent sent what it has (or thinks that we asked). */
void clipboard_received(struct clipboard *clipboard, const uint8_t *untrusted_bytes, size_t length);

/* The agent is gone: an open question is void. */
void clipboard_reset(struct clipboard *clipboard);

#endif
