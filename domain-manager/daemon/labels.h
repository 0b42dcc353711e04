/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels: the eight of Qubes, and those that an administrator has made. One list a process (the daemon has
 * the true one, in the system settings; the desktop programs fetch it). Main thread. */
#ifndef DM_LABELS_H
#define DM_LABELS_H

#include <glib.h>

#define LABELS_NAME_MAX 31

struct label {
    char name[LABELS_NAME_MAX + 1];
    unsigned index;
    guint32 rgb;
};

/* NULL when there is none. Valid until the list changes, as the next one. */
const struct label *labels_find(const char *name);
/* The i-th, by index; NULL after the last. */
const struct label *labels_nth(guint i);

/* A new one; the colour is written 0xRRGGBB. */
gboolean labels_add(const char *untrusted_name, const char *untrusted_colour, GError **error);
/* The eight stay. */
gboolean labels_remove(const char *name, GError **error);

/* Those that an administrator has made, as one line; and the reverse, which drops what was before. Items that
 * cannot be are left out. NULL: none. */
char *labels_text(void);
void labels_load(const char *untrusted_text);

#endif
