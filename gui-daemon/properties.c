/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "properties.h"

#include <X11/Xatom.h>
#include <X11/Xutil.h>
#include <gdk/gdkx.h>
#include <stdlib.h>
#include <string.h>

#include "tint.h"

#define ICON_SIZE 32

static Atom atom(struct view *view, const char *name)
{
    return gdk_x11_get_xatom_by_name_for_display(gdk_x11_lookup_xdisplay(view->display), name);
}

static void set_cardinal(struct view *view, Window xid, const char *name, unsigned long value)
{
    XChangeProperty(view->display, xid, atom(view, name), XA_CARDINAL, 32, PropModeReplace,
                    (unsigned char *)&value, 1);
}

static void set_string(struct view *view, Window xid, const char *name, const char *value)
{
    XChangeProperty(view->display, xid, atom(view, name), XA_STRING, 8, PropModeReplace,
                    (const unsigned char *)value, (int)strlen(value));
}

void properties_class(struct view *view, const struct window *window, GdkWindow *gdk)
{
    char class[128], name[128];
    XClassHint hint = {.res_name = name, .res_class = class};

    g_snprintf(class, sizeof(class), "%s:%s", view->config->name, window->res_class);
    g_snprintf(name, sizeof(name), "%s:%s", view->config->name, window->res_name);
    XSetClassHint(view->display, GDK_WINDOW_XID(gdk), &hint);
}

/* A padlock-like square in the label's colour: known in a task list at a glance, and made without any image
 * file. */
static void set_icon(struct view *view, Window xid)
{
    unsigned long data[2 + ICON_SIZE * ICON_SIZE], color = 0xff000000ul | view->config->color;

    data[0] = data[1] = ICON_SIZE;
    for (int y = 0; y < ICON_SIZE; y++) {
        for (int x = 0; x < ICON_SIZE; x++) {
            bool edge = x < 3 || y < 3 || x >= ICON_SIZE - 3 || y >= ICON_SIZE - 3;
            bool bar = y >= 6 && y < 10 && x >= 6 && x < ICON_SIZE - 6;

            data[2 + y * ICON_SIZE + x] = edge || bar ? color : color & 0x60fffffful;
        }
    }
    XChangeProperty(view->display, xid, atom(view, "_NET_WM_ICON"), XA_CARDINAL, 32, PropModeReplace,
                    (unsigned char *)data, G_N_ELEMENTS(data));
}

void properties_icon(struct view *view, GdkWindow *gdk, uint32_t *pixels, int w, int h)
{
    size_t count = (size_t)w * (size_t)h;
    /* X takes 32-bit properties as longs. */
    unsigned long *data = g_new(unsigned long, count + 2);

    tint_pixels(pixels, count, view->config->color);
    data[0] = (unsigned long)w;
    data[1] = (unsigned long)h;
    for (size_t i = 0; i < count; i++)
        data[2 + i] = pixels[i];
    XChangeProperty(view->display, GDK_WINDOW_XID(gdk), atom(view, "_NET_WM_ICON"), XA_CARDINAL, 32,
                    PropModeReplace, (unsigned char *)data, (int)count + 2);
    g_free(data);
}

/* NAME=TYPE:VALUE of option -p, for types CARDINAL (numbers) and STRING, UTF8_STRING, ATOM (text). */
static void set_custom(struct view *view, Window xid, const char *text)
{
    g_auto(GStrv) parts = g_strsplit_set(text, "=:", 3);

    if (g_strv_length(parts) != 3)
        return;
    if (!strcmp(parts[1], "CARDINAL")) {
        set_cardinal(view, xid, parts[0], strtoul(parts[2], NULL, 0));
    } else if (!strcmp(parts[1], "ATOM")) {
        unsigned long value = atom(view, parts[2]);

        XChangeProperty(view->display, xid, atom(view, parts[0]), XA_ATOM, 32, PropModeReplace,
                        (unsigned char *)&value, 1);
    } else {
        XChangeProperty(view->display, xid, atom(view, parts[0]), atom(view, parts[1]), 8, PropModeReplace,
                        (unsigned char *)parts[2], (int)strlen(parts[2]));
    }
}

void properties_set(struct view *view, const struct window *window, GdkWindow *gdk)
{
    Window xid = GDK_WINDOW_XID(gdk);

    properties_class(view, window, gdk);
    set_cardinal(view, xid, "_QUBES_LABEL", (unsigned long)view->config->label);
    set_cardinal(view, xid, "_QUBES_LABEL_COLOR", view->config->color);
    set_string(view, xid, "_QUBES_VMNAME", view->config->name);
    XChangeProperty(view->display, xid, atom(view, "_QUBES_VMWINDOWID"), XA_WINDOW, 32, PropModeReplace,
                    (unsigned char *)&(unsigned long){window->id}, 1);
    set_icon(view, xid);
    for (guint i = 0; i < view->config->properties->len; i++)
        set_custom(view, xid, view->config->properties->pdata[i]);
}
