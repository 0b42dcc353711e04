/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Menus must not come up above a screensaver or screen locker that is only a window on top. */
#ifndef SCREENSAVER_H
#define SCREENSAVER_H

#include <X11/Xlib.h>

#include "view.h"

/* If a window of a known locker, or of a class that option --screensaver-name names, is shown: put `popup`
 * below it. */
void screensaver_keep_below(struct view *view, Window popup);

#endif
