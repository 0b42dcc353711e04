/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray.h"

#include <gdk/gdkx.h>
#include <gtk/gtkx.h>

#include "tint.h"
#include "toplevel.h"

#define REQUEST_DOCK 0

static Atom selection(struct view *view)
{
    char name[32];

    g_snprintf(name, sizeof(name), "_NET_SYSTEM_TRAY_S%d", DefaultScreen(view->display));
    return gdk_x11_get_xatom_by_name(name);
}

void tray_init(struct view *view)
{
    Window root = DefaultRootWindow(view->display);
    XWindowAttributes attributes;

    /* The announcement of a new tray is sent to the root window; what GDK selected there stays selected. */
    XGetWindowAttributes(view->display, root, &attributes);
    XSelectInput(view->display, root, attributes.your_event_mask | StructureNotifyMask);
}

static Window owner_of(struct view *view)
{
    return XGetSelectionOwner(view->display, selection(view));
}

bool tray_present(struct view *view)
{
    return owner_of(view) != None;
}

void tray_dock(struct view *view, GtkWidget *plug)
{
    Window owner = owner_of(view);
    XClientMessageEvent message = {
        .type = ClientMessage,
        .window = owner,
        .message_type = gdk_x11_get_xatom_by_name("_NET_SYSTEM_TRAY_OPCODE"),
        .format = 32,
    };

    message.data.l[0] = CurrentTime;
    message.data.l[1] = REQUEST_DOCK;
    message.data.l[2] = (long)gtk_plug_get_id(GTK_PLUG(plug));
    XSendEvent(view->display, owner, False, NoEventMask, (XEvent *)&message);
}

bool tray_event(struct view *view, const XEvent *event)
{
    return event->type == ClientMessage &&
           event->xclient.message_type == gdk_x11_get_xatom_by_name("MANAGER") &&
           (Atom)event->xclient.data.l[1] == selection(view);
}

void tray_filter(void *data, uint32_t *pixels, size_t count)
{
    struct toplevel *t = data;
    uint32_t label = t->view->config->color;

    switch (t->view->config->tray_mode) {
    case TRAY_TINT:
        tint_pixels(pixels, count, label);
        break;
    case TRAY_BACKGROUND:
        /* The colour of the first pixel is taken for the icon's background. */
        tint_background(pixels, count, *(const uint32_t *)t->window->buffer.data, label);
        break;
    case TRAY_BORDER:
        break;
    }
}
