/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's workers: each handles one checked request. */
#ifndef QREXEC_BROKER_H
#define QREXEC_BROKER_H

#include "call.h"
#include "workers.h"

/** Start them; for the last two see workers_start(). @return 0 or -errno */
int broker_start(struct workers *w, const struct call_settings *settings, int not_theirs, bool detach);

/** Hand a request over; its result is 0 if the call was made. @return 0, or -errno if they are busy or gone
 */
int broker_send(const struct workers *w, uint32_t id, const struct call *call);

#endif
