/* SPDX-License-Identifier: GPL-2.0-or-later */
/* X properties of a guest window's frame: class, label, domain, icon; what window managers and panels read.
 */
#ifndef PROPERTIES_H
#define PROPERTIES_H

#include <gtk/gtk.h>

#include "view.h"

/* Set all of them on a realized window. */
void properties_set(struct view *view, const struct window *window, GdkWindow *gdk);

/* Only WM_CLASS: "DOMAIN:class", "DOMAIN:name". */
void properties_class(struct view *view, const struct window *window, GdkWindow *gdk);

/* The guest's own icon, tinted by the label's colour. `pixels`: w * h of 0xAARRGGBB; they are changed. */
void properties_icon(struct view *view, GdkWindow *gdk, uint32_t *pixels, int w, int h);

#endif
