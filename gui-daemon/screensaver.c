/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screensaver.h"

#include <X11/Xlib-xcb.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcb.h>

/* Lockers are near the top of the stack. All are asked about at once: what counts is the number of round
 * trips. */
#define LOOK_AT 64

/* Known without being named by an option. */
static const char *const known[] = {"i3lock", "xscreensaver", "xfce4-screensaver", "xsecurelock", "slock"};

static bool name_matches(const struct view *view, const char *name)
{
    for (guint i = 0; i < view->config->screensavers->len; i++) {
        if (!strcmp(name, view->config->screensavers->pdata[i]))
            return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!strcmp(name, known[i]))
            return true;
    }
    return false;
}

/* Either of the two strings in the window's WM_CLASS. */
static bool class_matches(const struct view *view, xcb_connection_t *c, xcb_window_t window)
{
    xcb_get_property_reply_t *reply = xcb_get_property_reply(
        c, xcb_get_property(c, 0, window, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING, 0, 64), NULL);
    char text[2][256] = {"", ""};
    bool found = false;

    if (reply) {
        const char *value = xcb_get_property_value(reply);
        size_t length = (size_t)xcb_get_property_value_length(reply), first = strnlen(value, length);

        g_snprintf(text[0], sizeof(text[0]), "%.*s", (int)first, value);
        if (first + 1 < length)
            g_snprintf(text[1], sizeof(text[1]), "%.*s", (int)(length - first - 1), value + first + 1);
        found = name_matches(view, text[0]) || name_matches(view, text[1]);
        free(reply);
    }
    return found;
}

/* Which of the windows are shown and managed by nobody, as lockers are? */
static void ask_shown(xcb_connection_t *c, const xcb_window_t *windows, int count, bool shown[LOOK_AT])
{
    xcb_get_window_attributes_cookie_t cookies[LOOK_AT];

    for (int i = 0; i < count; i++)
        cookies[i] = xcb_get_window_attributes(c, windows[i]);
    for (int i = 0; i < count; i++) {
        xcb_get_window_attributes_reply_t *reply = xcb_get_window_attributes_reply(c, cookies[i], NULL);

        shown[i] = reply && reply->map_state == XCB_MAP_STATE_VIEWABLE && reply->override_redirect;
        free(reply);
    }
}

static xcb_window_t find(const struct view *view, xcb_connection_t *c, const xcb_window_t *windows, int count,
                         xcb_window_t popup)
{
    bool shown[LOOK_AT];

    ask_shown(c, windows, count, shown);
    for (int i = count - 1; i >= 0; i--) {
        if (shown[i] && windows[i] != popup && class_matches(view, c, windows[i]))
            return windows[i];
    }
    return XCB_NONE;
}

void screensaver_keep_below(struct view *view, Window popup)
{
    xcb_connection_t *c = XGetXCBConnection(view->display);
    xcb_window_t root = (xcb_window_t)DefaultRootWindow(view->display), saver;
    xcb_query_tree_reply_t *tree = xcb_query_tree_reply(c, xcb_query_tree(c, root), NULL);
    int count;

    if (!tree)
        return;
    count = MIN(xcb_query_tree_children_length(tree), LOOK_AT);
    saver = find(view, c, xcb_query_tree_children(tree) + xcb_query_tree_children_length(tree) - count, count,
                 (xcb_window_t)popup);
    if (saver) {
        uint32_t values[] = {saver, XCB_STACK_MODE_BELOW};

        xcb_configure_window(c, (xcb_window_t)popup, XCB_CONFIG_WINDOW_SIBLING | XCB_CONFIG_WINDOW_STACK_MODE,
                             values);
    }
    free(tree);
}
