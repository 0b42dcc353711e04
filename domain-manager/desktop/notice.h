/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short notices in the corner below the panel. */
#ifndef DESKTOP_NOTICE_H
#define DESKTOP_NOTICE_H

#include <gtk/gtk.h>

/* Show title and text for 12 seconds, or until clicked. Text is shown as is, without markup. */
void notice_show(const char *title, const char *text);

#endif
