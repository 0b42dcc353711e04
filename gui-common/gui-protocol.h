/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire format of the GUI protocol (Qubes GUI protocol 1.8 and our extension), used by both ends.
 *
 * One vchan (port GUI_VCHAN_PORT, the server is the agent in the domain) carries it. At the start, without
 * headers: the agent sends u32 version; the daemon answers u32 version (if the agent's minor is at least 4),
 * then struct gui_xconf. From there on both directions are struct gui_msg_header plus a body.
 *
 * All integers are little-endian; no structure has padding. Lengths that are allowed for each type are in
 * gui-message.h. Everything that arrives from an agent is untrusted until a check has passed.
 */
#ifndef GUI_PROTOCOL_H
#define GUI_PROTOCOL_H

#include <assert.h>
#include <stdint.h>

#define GUI_VCHAN_PORT 6000

/* Version numbers are major << 16 | minor. */
#define GUI_VERSION_MAJOR  1
#define GUI_VERSION(minor) ((uint32_t)GUI_VERSION_MAJOR << 16 | (minor))

#define GUI_MINOR_WMCLASS       1 /* MSG_WMCLASS */
#define GUI_MINOR_WINDOW_DUMP   2 /* grant references; clipboard length in the length field */
#define GUI_MINOR_CURSOR        3 /* MSG_CURSOR */
#define GUI_MINOR_BIDIRECTIONAL 4 /* the daemon sends its version, too */
#define GUI_MINOR_DESTROY_ACK   5 /* the daemon answers DESTROY by DESTROY: only then the id is free */
#define GUI_MINOR_LENGTHS       6 /* a wrong length is fatal */
#define GUI_MINOR_DUMP_ACK      7 /* MSG_WINDOW_DUMP_ACK */
#define GUI_MINOR_BIG_CLIPBOARD 8 /* clipboard of up to GUI_CLIPBOARD_MAX bytes */
/*
 * Our extension. The number leaves room for minors that Qubes may define: an agent that says 9…63 is
 * answered 8. With this minor: MSG_FRAME_REQUEST, MSG_FRAME_DONE, MSG_WINDOW_SCALE,
 * MSG_WINDOW_ICON.
 */
#define GUI_MINOR_FRAMES 64

/* Limits of the protocol page, section 6. */
#define GUI_MAX_WIDTH         16384
#define GUI_MAX_HEIGHT        6144
#define GUI_PAGE_SIZE         4096
#define GUI_MAX_GRANTS        (GUI_MAX_WIDTH * GUI_MAX_HEIGHT / (GUI_PAGE_SIZE / 4)) /* 98304 */
#define GUI_CLIPBOARD_OLD_MAX 65000  /* minor < GUI_MINOR_BIG_CLIPBOARD */
#define GUI_CLIPBOARD_MIN     256    /* smallest limit that may be configured */
#define GUI_CLIPBOARD_DEFAULT 64000  /* limit when nothing is configured */
#define GUI_CLIPBOARD_MAX     256000 /* an agent may send one byte more: "too long" */
#define GUI_CURSOR_DEFAULT    0
#define GUI_CURSOR_X11        0x100 /* + index of a glyph of X's cursor font (even numbers) */
#define GUI_CURSOR_X11_MAX    0x19a /* first value out of range */

enum gui_msg_type {
    MSG_KEYPRESS = 124,       /* d→a struct gui_msg_keypress */
    MSG_BUTTON = 125,         /* d→a struct gui_msg_button */
    MSG_MOTION = 126,         /* d→a struct gui_msg_motion */
    MSG_CROSSING = 127,       /* d→a struct gui_msg_crossing */
    MSG_FOCUS = 128,          /* d→a struct gui_msg_focus */
    MSG_RESIZE = 129,         /* obsolete, never sent */
    MSG_CREATE = 130,         /* a→d struct gui_msg_create: a window, not visible yet */
    MSG_DESTROY = 131,        /* both, empty */
    MSG_MAP = 132,            /* both, struct gui_msg_map */
    MSG_UNMAP = 133,          /* a→d, empty */
    MSG_CONFIGURE = 134,      /* both, struct gui_msg_configure */
    MSG_MFNDUMP = 135,        /* obsolete (frames of dom0), refused */
    MSG_SHMIMAGE = 136,       /* a→d struct gui_msg_shmimage: damage */
    MSG_CLOSE = 137,          /* d→a, empty: the user wants the window closed */
    MSG_EXECUTE = 138,        /* d→a, obsolete */
    MSG_CLIPBOARD_REQ = 139,  /* d→a, empty: send your clipboard */
    MSG_CLIPBOARD_DATA = 140, /* both, bytes */
    MSG_WMNAME = 141,         /* a→d struct gui_msg_wmname: title */
    MSG_KEYMAP_NOTIFY = 142,  /* d→a struct gui_msg_keymap_notify */
    MSG_DOCK = 143,           /* a→d, empty: show it as a tray icon */
    MSG_WINDOW_HINTS = 144,   /* a→d struct gui_msg_window_hints */
    MSG_WINDOW_FLAGS = 145,   /* both, struct gui_msg_window_flags */
    MSG_WMCLASS = 146,        /* a→d struct gui_msg_wmclass */
    MSG_WINDOW_DUMP = 147,    /* a→d struct gui_msg_window_dump and grant references: the window's buffer */
    MSG_CURSOR = 148,         /* a→d struct gui_msg_cursor */
    MSG_WINDOW_DUMP_ACK = 149, /* d→a, empty: the dump is mapped, the one before it may be freed */
    /* from GUI_MINOR_FRAMES on */
    MSG_FRAME_REQUEST = 150, /* a→d struct gui_msg_frame_request */
    MSG_FRAME_DONE = 151,    /* d→a struct gui_msg_frame_done */
    MSG_WINDOW_SCALE = 152,  /* both, struct gui_msg_window_scale */
    MSG_WINDOW_ICON = 153,   /* a→d struct gui_msg_window_icon and pixels */
};

struct gui_msg_header {
    uint32_t type;
    uint32_t window;
    uint32_t length; /* of the body that follows */
};

/* The daemon's screen, sent once after the version. */
struct gui_xconf {
    uint32_t width, height;
    uint32_t depth; /* 24 */
    uint32_t mem;   /* KiB of video memory that a screen of that size needs: w * h * 4 / 1024 + 1 */
};

struct gui_msg_keypress {
    uint32_t type; /* GUI_KEY_PRESS or GUI_KEY_RELEASE */
    int32_t x, y;
    uint32_t state;   /* X modifier and button mask */
    uint32_t keycode; /* X key code */
};
#define GUI_KEY_PRESS   2
#define GUI_KEY_RELEASE 3

struct gui_msg_button {
    uint32_t type; /* GUI_BUTTON_PRESS or GUI_BUTTON_RELEASE */
    int32_t x, y;
    uint32_t state;
    uint32_t button; /* 1…; 4–7 are wheel steps */
};
#define GUI_BUTTON_PRESS   4
#define GUI_BUTTON_RELEASE 5

struct gui_msg_motion {
    int32_t x, y;
    uint32_t state;
    uint32_t is_hint;
};

struct gui_msg_crossing {
    uint32_t type; /* GUI_ENTER or GUI_LEAVE */
    int32_t x, y;
    uint32_t state;
    uint32_t mode;   /* X NotifyNormal, NotifyGrab, NotifyUngrab */
    uint32_t detail; /* X NotifyAncestor … */
    uint32_t focus;
};
#define GUI_ENTER 7
#define GUI_LEAVE 8

struct gui_msg_focus {
    uint32_t type; /* GUI_FOCUS_IN or GUI_FOCUS_OUT */
    uint32_t mode;
    uint32_t detail;
};
#define GUI_FOCUS_IN  9
#define GUI_FOCUS_OUT 10

struct gui_msg_create {
    int32_t x, y;
    uint32_t width, height;
    uint32_t parent; /* 0 or a known window */
    uint32_t override_redirect;
};

struct gui_msg_map {
    uint32_t transient_for; /* 0 or a known window */
    uint32_t override_redirect;
};

struct gui_msg_configure {
    int32_t x, y;
    uint32_t width, height;
    uint32_t override_redirect; /* ignored */
};

/* Damage, in pixels of the window. */
struct gui_msg_shmimage {
    int32_t x, y;
    uint32_t width, height;
};

struct gui_msg_wmname {
    char data[128]; /* NUL-terminated if shorter */
};

/* X's key map: bit n of byte n/8 is set while key code n is down. */
struct gui_msg_keymap_notify {
    uint8_t keys[32];
};

struct gui_msg_window_hints {
    uint32_t flags; /* GUI_HINT_… */
    uint32_t min_width, min_height;
    uint32_t max_width, max_height;
    uint32_t width_inc, height_inc;
    uint32_t base_width, base_height;
};
#define GUI_HINT_USER_POSITION 1
#define GUI_HINT_POSITION      4
#define GUI_HINT_MIN_SIZE      16
#define GUI_HINT_MAX_SIZE      32
#define GUI_HINT_RESIZE_INC    64
#define GUI_HINT_BASE_SIZE     256
#define GUI_HINT_ALL           0x175

struct gui_msg_window_flags {
    uint32_t set, unset; /* GUI_FLAG_… */
};
#define GUI_FLAG_FULLSCREEN        1
#define GUI_FLAG_DEMANDS_ATTENTION 2
#define GUI_FLAG_MINIMIZE          4
#define GUI_FLAG_MODAL             8 /* a→d from GUI_MINOR_FRAMES on: the window it is transient for waits for it */
#define GUI_FLAG_ALL               15

struct gui_msg_wmclass {
    char res_class[64]; /* NUL-terminated if shorter */
    char res_name[64];
};

/*
 * The window's buffer: 32 bits a pixel, bytes B G R X, width * 4 bytes a row, the first pixel at the start of
 * the first page. It replaces the buffer of the dump before it; the agent keeps the former grants until it
 * has the MSG_WINDOW_DUMP_ACK of this one (minor >= GUI_MINOR_DUMP_ACK).
 */
struct gui_msg_window_dump {
    uint32_t type; /* GUI_DUMP_GRANTS */
    uint32_t width, height;
    uint32_t bpp; /* 24 */
    /* uint32_t refs[(length - 16) / 4] */
};
#define GUI_DUMP_GRANTS 0
#define GUI_DUMP_BPP    24

struct gui_msg_cursor {
    uint32_t cursor; /* GUI_CURSOR_… */
};

/*
 * Frame callback: "all damage of this window that I sent before this message belongs to frame `serial`; tell
 * me when it is on the screen". One request may be open for a window; a later one replaces it. The daemon
 * answers also when the window is hidden, but then slowly (once a second), so that video of a minimised
 * window costs little.
 */
struct gui_msg_frame_request {
    uint32_t serial;
};

struct gui_msg_frame_done {
    uint32_t serial;
    uint32_t time_ms;    /* of the daemon's monotonic clock, wraps */
    uint32_t refresh_us; /* length of one frame of the monitor, 0 = not known */
};

/*
 * Scale of one window in 1/120: 120 is one to one, 180 is 1.5. d→a: what the user's monitor wants for this
 * window. a→d: what the content of the following dumps is drawn for; where the two differ the daemon shows it
 * enlarged or reduced. Without it content is shown as it is. Geometry, damage, hints and pointer stay in the
 * guest's pixels.
 */
struct gui_msg_window_scale {
    uint32_t scale;
};
#define GUI_SCALE_ONE 120
#define GUI_SCALE_MIN 60
#define GUI_SCALE_MAX 600

/*
 * Icon of a window: width * height pixels, 32 bits each, bytes B G R A (not premultiplied), rows from the
 * top. The daemon tints it by the label's colour. Send one, the size nearest to 48 x 48.
 */
struct gui_msg_window_icon {
    uint32_t width, height; /* 1…GUI_ICON_MAX */
    /* uint32_t pixels[width * height] */
};
#define GUI_ICON_MAX 128

static_assert(sizeof(struct gui_msg_header) == 12, "header");
static_assert(sizeof(struct gui_xconf) == 16, "xconf");
static_assert(sizeof(struct gui_msg_keypress) == 20, "keypress");
static_assert(sizeof(struct gui_msg_button) == 20, "button");
static_assert(sizeof(struct gui_msg_motion) == 16, "motion");
static_assert(sizeof(struct gui_msg_crossing) == 28, "crossing");
static_assert(sizeof(struct gui_msg_focus) == 12, "focus");
static_assert(sizeof(struct gui_msg_create) == 24, "create");
static_assert(sizeof(struct gui_msg_map) == 8, "map");
static_assert(sizeof(struct gui_msg_configure) == 20, "configure");
static_assert(sizeof(struct gui_msg_shmimage) == 16, "shmimage");
static_assert(sizeof(struct gui_msg_wmname) == 128, "wmname");
static_assert(sizeof(struct gui_msg_keymap_notify) == 32, "keymap");
static_assert(sizeof(struct gui_msg_window_hints) == 36, "hints");
static_assert(sizeof(struct gui_msg_window_flags) == 8, "flags");
static_assert(sizeof(struct gui_msg_wmclass) == 128, "wmclass");
static_assert(sizeof(struct gui_msg_window_dump) == 16, "dump");
static_assert(sizeof(struct gui_msg_cursor) == 4, "cursor");
static_assert(sizeof(struct gui_msg_frame_done) == 12, "frame done");
static_assert(sizeof(struct gui_msg_window_icon) == 8, "icon");

#endif
