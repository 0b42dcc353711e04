/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system tray of the domain (freedesktop system tray protocol, XEmbed): an icon that docks is put into a
 * window of the agent, which the daemon shows in dom0's tray.
 */
#ifndef TRAY_H
#define TRAY_H

#include "agent.h"

/* Take the tray's selection. */
void tray_start(struct agent *agent);

/* True if the message was for the tray. */
bool tray_message(struct agent *agent, const xcb_client_message_event_t *message);

/* An icon went away: remove its holder. */
void tray_icon_gone(struct agent *agent, struct window *holder);

#endif
