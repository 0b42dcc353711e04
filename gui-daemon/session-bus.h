/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SESSION_BUS_H
#define SESSION_BUS_H

#include <stdbool.h>

/* True if there is a session bus. GIO would otherwise look for one, or start it. */
bool session_bus_exists(void);

#endif
