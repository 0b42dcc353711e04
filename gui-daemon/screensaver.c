/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screensaver.h"

#include <X11/Xutil.h>
#include <gdk/gdkx.h>
#include <string.h>

/* Lockers are at the top of the stack: no need to ask about every window of the screen. */
#define LOOK_AT 24

static bool is_screensaver(struct view *view, Window xid)
{
    XWindowAttributes attributes;
    XClassHint hint = {0};
    bool found = false;

    if (!XGetWindowAttributes(view->display, xid, &attributes) || attributes.map_state != IsViewable ||
        !XGetClassHint(view->display, xid, &hint))
        return false;
    for (guint i = 0; i < view->config->screensavers->len; i++) {
        const char *name = view->config->screensavers->pdata[i];

        found = found || !strcmp(name, hint.res_class) || !strcmp(name, hint.res_name);
    }
    XFree(hint.res_class);
    XFree(hint.res_name);
    return found;
}

void screensaver_keep_below(struct view *view, Window popup)
{
    XWindowChanges changes = {.stack_mode = Below};
    Window root, parent, *children = NULL;
    unsigned count = 0;

    if (!view->config->screensavers->len)
        return;
    /* Windows may vanish while we look. */
    gdk_x11_display_error_trap_push(gdk_display_get_default());
    XQueryTree(view->display, DefaultRootWindow(view->display), &root, &parent, &children, &count);
    for (unsigned i = count; i > 0 && count - i < LOOK_AT && !changes.sibling; i--) {
        if (children[i - 1] != popup && is_screensaver(view, children[i - 1]))
            changes.sibling = children[i - 1];
    }
    if (changes.sibling)
        XConfigureWindow(view->display, popup, CWSibling | CWStackMode, &changes);
    if (children)
        XFree(children);
    gdk_x11_display_error_trap_pop_ignored(gdk_display_get_default());
}
