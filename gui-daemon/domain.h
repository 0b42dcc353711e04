/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of one domain's windows: what its agent said, checked. Pure: everything visible happens behind
 * struct domain_view, so that the same code runs in the daemon, in unit tests and in the fuzzer.
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../gui-common/gui-message.h"
#include "../gui-common/gui-protocol.h"
#include "../gui-common/shmbuf.h"
#include "configure.h"
#include "geometry.h"

#define DOMAIN_TITLE_SIZE 256

struct domain;

/* One window of the domain. Every field has been checked. */
struct window {
    struct domain *domain;
    uint32_t id;
    uint32_t parent;        /* 0, or a window that was known at CREATE */
    uint32_t transient_for; /* 0, or a window that was known at MAP */
    bool override_redirect; /* as shown: a too large one is shown as a normal window */
    bool mapped;
    bool docked; /* is a tray icon */
    bool fullscreen;
    bool modal;
    bool minimized;             /* as the agent knows */
    struct configure configure; /* geometry of the content, in the guest's pixels, and the handshake */
    struct shmbuf_map buffer;   /* the last dump, data == NULL before the first */
    struct {
        int w, h;
    } buffer_size;                     /* pixels */
    uint32_t buffer_scale;             /* what it is drawn for, in 1/120; 0: the agent has not said */
    uint32_t next_scale;               /* that of the next buffer */
    struct gui_msg_window_hints hints; /* only valid ones are left in flags */
    char title[DOMAIN_TITLE_SIZE];     /* sanitised */
    char res_class[64], res_name[64];
    void *view; /* the view's own */
};

/* What the model asks of the screen. `data` is domain->view_data. Nothing here may call back into
 * domain_message(). */
struct domain_view {
    void (*create)(void *data, struct window *window);
    void (*destroy)(void *data, struct window *window);
    void (*map)(void *data, struct window *window);
    void (*unmap)(void *data, struct window *window);
    void (*configure)(void *data, struct window *window); /* bring it to window_on_screen() */
    void (*zoom)(void *data, struct window *window); /* window_zoom() is another: position, size, hints */
    void (*title)(void *data, struct window *window);
    void (*wmclass)(void *data, struct window *window);
    void (*hints)(void *data, struct window *window);
    void (*attention)(void *data, struct window *window, bool on);
    void (*modal)(void *data, struct window *window); /* as window->modal says */
    void (*minimize)(void *data, struct window *window);
    void (*fullscreen)(void *data, struct window *window); /* as window->fullscreen says */
    void (*maximize)(void *data, struct window *window);   /* instead of a refused fullscreen */
    void (*buffer)(void *data, struct window *window);     /* window->buffer is a new one */
    void (*damage)(void *data, struct window *window, const struct rect *rect); /* inside the buffer */
    void (*cursor)(void *data, struct window *window, uint32_t cursor);
    void (*dock)(void *data, struct window *window);
    void (*frame_request)(void *data, struct window *window, uint32_t serial);
    /* An icon of w * h pixels, 0xAARRGGBB; only valid during the call, may be changed. */
    void (*icon)(void *data, struct window *window, uint32_t *pixels, int w, int h);
    void (*clipboard)(void *data, const uint8_t *untrusted_bytes, size_t length);
    /* A menu is shown as a framed window, because it would cover nearly all of the work area. */
    void (*popup_refused)(void *data, struct window *window);
    /* The work area of the monitor that most of `rect` is on. */
    void (*work_area)(void *data, const struct rect *rect, struct rect *work);
    /* Queue a message to the agent. */
    void (*send)(void *data, uint32_t type, uint32_t window, const void *body, uint32_t length);
};

struct domain_options {
    bool allow_fullscreen;
    bool allow_utf8_titles;
    bool override_redirect;            /* false: all windows are normal ones */
    bool override_redirect_protection; /* turn off override-redirect of too large windows */
    const char *title_prefix;          /* put before each title, or NULL */
    uint32_t max_windows;
    size_t max_pages; /* of all buffers together */
};

struct domain {
    const struct domain_options *options;
    const struct domain_view *view;
    void *view_data;
    struct shmbuf_importer *importer;
    uint32_t minor;      /* protocol version in force */
    uint32_t scale;      /* of the desktop, in 1/120 */
    GHashTable *windows; /* id → struct window */
    size_t pages;        /* mapped in all windows */
    char violation[160]; /* why the last message was refused */
};

/* `options`, `view` and `importer` must outlive the domain. */
void domain_init(struct domain *domain, const struct domain_options *options, const struct domain_view *view,
                 void *view_data, struct shmbuf_importer *importer);

/* Destroy all windows (the agent went away). The domain may be used again. */
void domain_reset(struct domain *domain);
void domain_free(struct domain *domain);

/* NULL if there is no such window. */
struct window *domain_window(struct domain *domain, uint32_t id);

/*
 * Obey one message. `header` has passed gui_message_valid(), `untrusted_body` holds header->length bytes.
 * Returns 0, or -EPROTO if the agent broke a rule: nothing was changed, domain->violation says which.
 */
int domain_message(struct domain *domain, const struct gui_msg_header *header, const uint8_t *untrusted_body);

/*
 * What obeying a message of this type costs dom0, in units of the cheapest one (damage of a few pixels).
 * Messages that make the X server, the window manager and panels work are dear, so that a flood of them is
 * slowed down early.
 */
uint32_t domain_message_cost(uint32_t type);

/* How the window is zoomed: as much larger as the desktop's scale is than what the content is drawn for. */
struct zoom window_zoom(const struct window *window);

/* Where the content is on dom0's screen. */
struct rect window_on_screen(const struct window *window);

/* The window's content is now at `geometry` on the screen; tells the agent if it must know. */
void domain_window_moved(struct window *window, const struct rect *geometry);

/* The desktop's scale is another one now, in 1/120. */
void domain_set_scale(struct domain *domain, uint32_t scale);

/* The user left or entered fullscreen (by key or window manager). */
void domain_window_fullscreen(struct window *window, bool on);

/* The user or the desktop minimised the window, or brought it back. Only agents of our extension are told. */
void domain_window_minimized(struct window *window, bool on);

/* How a window is framed. */
enum frame_kind window_frame_kind(const struct window *window);

#endif
