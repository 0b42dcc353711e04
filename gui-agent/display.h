/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to the domain's own X server: extensions, atoms, and the few requests that everything needs.
 */
#ifndef DISPLAY_H
#define DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xcb/xcb.h>

/* X(name): the atom's name is the enumerator's, too. */
#define DISPLAY_ATOMS(X)                                                                                     \
    X(UTF8_STRING)                                                                                           \
    X(TEXT)                                                                                                  \
    X(TARGETS)                                                                                               \
    X(TIMESTAMP)                                                                                             \
    X(INCR)                                                                                                  \
    X(CLIPBOARD)                                                                                             \
    X(MANAGER)                                                                                               \
    X(WM_S0)                                                                                                 \
    X(WM_STATE)                                                                                              \
    X(WM_PROTOCOLS)                                                                                          \
    X(WM_DELETE_WINDOW)                                                                                      \
    X(WM_TAKE_FOCUS)                                                                                         \
    X(WM_CHANGE_STATE)                                                                                       \
    X(_NET_WM_SYNC_REQUEST)                                                                                  \
    X(_NET_WM_SYNC_REQUEST_COUNTER)                                                                          \
    X(_NET_SUPPORTED)                                                                                        \
    X(_NET_SUPPORTING_WM_CHECK)                                                                              \
    X(_NET_WM_NAME)                                                                                          \
    X(_NET_WM_ICON)                                                                                          \
    X(_NET_WM_STATE)                                                                                         \
    X(_NET_WM_STATE_FULLSCREEN)                                                                              \
    X(_NET_WM_STATE_DEMANDS_ATTENTION)                                                                       \
    X(_NET_WM_STATE_HIDDEN)                                                                                  \
    X(_NET_WM_STATE_MODAL)                                                                                   \
    X(_NET_ACTIVE_WINDOW)                                                                                    \
    X(_NET_CLOSE_WINDOW)                                                                                     \
    X(_NET_CLIENT_LIST)                                                                                      \
    X(_NET_NUMBER_OF_DESKTOPS)                                                                               \
    X(_NET_CURRENT_DESKTOP)                                                                                  \
    X(_NET_WORKAREA)                                                                                         \
    X(_NET_DESKTOP_GEOMETRY)                                                                                 \
    X(_NET_FRAME_EXTENTS)                                                                                    \
    X(_NET_REQUEST_FRAME_EXTENTS)                                                                            \
    X(_NET_SYSTEM_TRAY_S0)                                                                                   \
    X(_NET_SYSTEM_TRAY_OPCODE)                                                                               \
    X(_NET_SYSTEM_TRAY_VISUAL)                                                                               \
    X(_XSETTINGS_S0)                                                                                         \
    X(_XSETTINGS_SETTINGS)                                                                                   \
    X(_XEMBED)                                                                                               \
    X(_XEMBED_INFO)                                                                                          \
    X(QUBES_CLIPBOARD)

enum display_atom {
#define X(name) ATOM_##name,
    DISPLAY_ATOMS(X)
#undef X
        ATOM_COUNT
};

struct display {
    xcb_connection_t *conn; /* NULL: no server */
    xcb_screen_t *screen;
    xcb_window_t root;
    uint32_t width, height; /* of the root */
    xcb_atom_t atoms[ATOM_COUNT];
    xcb_window_t own; /* owner of selections, _NET_SUPPORTING_WM_CHECK, and where the pointer is parked */
    uint8_t damage_event, xfixes_event, randr_event, xkb_event, sync_event;
    bool grants;                     /* the server keeps windows in granted pages and reports damage itself */
    uint8_t grants_event;            /* the first event of the extension that does it */
    uint32_t scale, settings_serial; /* see scale.h; 0: nothing said yet */
    xcb_timestamp_t time;            /* of the last event that had one */
};

/* What display_property() returns at most, in bytes: icons are the largest. */
#define DISPLAY_PROPERTY_MAX (1 << 20)

/* Connect to `name` (NULL: $DISPLAY). 0, -ENOENT (no server), -ENOTSUP (an extension is missing; said on
 * stderr). */
int display_open(struct display *x, const char *name);

/* Also after the connection broke. */
void display_close(struct display *x);

/* A property, at most DISPLAY_PROPERTY_MAX bytes; free() the reply. NULL if missing, of another type or
 * format. */
xcb_get_property_reply_t *display_property(struct display *x, xcb_window_t win, xcb_atom_t property,
                                           xcb_atom_t type, uint8_t format);

/* Replace a property. */
void display_set_cardinals(struct display *x, xcb_window_t win, enum display_atom property,
                           const uint32_t *values, uint32_t count);
void display_set_atoms(struct display *x, xcb_window_t win, enum display_atom property,
                       const xcb_atom_t *values, uint32_t count);
void display_set_window(struct display *x, xcb_window_t win, enum display_atom property, xcb_window_t value);

/* Send a client message of format 32; `mask` as for SendEvent. */
void display_client_message(struct display *x, xcb_window_t to, xcb_window_t about, xcb_atom_t type,
                            const uint32_t data[5], uint32_t mask);

/* True if the list of atoms in `property` holds `atom`. */
bool display_has_atom(struct display *x, xcb_window_t win, enum display_atom property, xcb_atom_t type,
                      xcb_atom_t atom);

#endif
