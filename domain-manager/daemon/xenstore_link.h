/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of xenstored by its socket directly: whether it answers, and to be told when a domain has
 * ended. libxenstore and libxl wait for an answer without limit, and turn to dom0's kernel, which waits for
 * ever, when nobody listens. */
#ifndef DM_XENSTORE_LINK_H
#define DM_XENSTORE_LINK_H

#include <glib.h>
#include <xenstore.h>

struct xenstore_link;

enum xenstore_link_event {
    XENSTORE_RELEASED, /* some domain has ended */
    XENSTORE_LOST,     /* xenstored has ended: the last event */
};

typedef void (*xenstore_link_fn)(enum xenstore_link_event event, void *data);

/* Tell of events in the main loop, from now on. */
struct xenstore_link *xenstore_link_new(xenstore_link_fn fn, void *data);
void xenstore_link_free(struct xenstore_link *link);

/* Once a boot: xenstored keeps a mark, by which xenstore_check knows a later one that was started in its
 * place. FALSE: it could not be asked to. */
gboolean xenstore_mark(void);
/* Does the xenstored of this boot answer? A new one is no help: it knows nothing of the domains, and the
 * kernel of dom0 waits for word from the old one, so no device is connected any more. Blocks for five seconds
 * at most. To be asked before each call of libxl that needs it. Any thread. */
gboolean xenstore_check(GError **error);
/* The same, then a handle for the caller to close. */
struct xs_handle *xenstore_open(GError **error);

#endif
