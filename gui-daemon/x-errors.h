/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * X errors end nothing here: any program of the desktop can destroy any window at any time, a tray takes its
 * icons along, so a request may always be about a window that is gone.
 */
#ifndef X_ERRORS_H
#define X_ERRORS_H

struct view;

/* From now on errors of view->display go to its pixels, to the log, and no farther. One view a process. */
void x_errors_watch(struct view *view);

/* The view goes away: errors are only ignored. */
void x_errors_forget(void);

#endif
