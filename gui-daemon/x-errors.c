/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x-errors.h"

#include <X11/Xlibint.h>
#include <gdk/gdkx.h>

#include "view.h"

/* Xlib's macros of these names are in the way of GLib's. */
#undef min
#undef max

#define LOGGED_ERRORS 20
#define LAST_ERROR    255

/* Xlib's hook has no argument. */
static struct view *watched;

/* Xlib calls this for each error before any handler, with the display locked: nothing may be asked of Xlib in
 * here. True: handlers see the error, too. */
static Bool on_error(Display *display, XErrorEvent *error, xError *wire)
{
    (void)display;
    (void)wire;
    if (!watched || pixels_error(watched->pixels, error) || watched->x_errors++ >= LOGGED_ERRORS)
        return True;
    view_log(watched, 1, "X error %d, request %d.%d", error->error_code, error->request_code,
             error->minor_code);
    return True;
}

/*
 * GDK's handler ends the program at an error outside of its traps. A handler of our own does not help: GDK
 * puts its own in place whenever it sets a trap, and then errors of requests from before the trap end the
 * program. So everything happens inside of one trap, and the hook sees what the trap would hide.
 */
void x_errors_watch(struct view *view)
{
    watched = view;
    gdk_x11_display_error_trap_push(gdk_x11_lookup_xdisplay(view->display));
    for (int code = 1; code <= LAST_ERROR; code++)
        XESetWireToError(view->display, code, on_error);
}

void x_errors_forget(void)
{
    watched = NULL;
}
