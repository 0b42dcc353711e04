/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage of windows, gathered in the server and reported when it is about to sleep: one report, complete,
 * then silence until the client asks for the next (GRANTS_WATCH and GRANTS_ARM in grants-protocol.h).
 */
#ifndef DAMAGE_REPORT_H
#define DAMAGE_REPORT_H

#include <xorg-server.h>
#include <dixstruct.h>

/* Begin, for the running generation of the server; `event` is the number of the extension's event. */
Bool damage_report_init(int event);

/* The requests. X errors. */
int damage_report_watch(ClientPtr client);
int damage_report_arm(ClientPtr client);

#endif
