/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Going to the background: the parent waits until the agent is there, so that its exit status tells the
 * caller. */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include <stdbool.h>

#include "config.h"

struct background {
    int fd; /* to the waiting parent, 0: none */
};

/*
 * Fork; the child goes on with true, its messages going to /var/log/qubes/guid.NAME.log if that can be
 * written. In the parent false is returned when the child is ready or has ended: *status is what the parent
 * must exit with.
 */
bool background_enter(struct background *background, const struct config *config, int *status);

/* Let the parent go. */
void background_ready(struct background *background);

#endif
