/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "content.h"

#include <X11/Xlib.h>
#include <cairo.h>
#include <gdk/gdkx.h>

/* Above this many rectangles the bounding box is cheaper than the bookkeeping. */
#define MAX_RECTS 12
/* Pace of frame callbacks while nothing can be seen. */
#define HIDDEN_FRAME_MS 1000
/* When the monitor does not say. */
#define DEFAULT_FRAME_US 16667

#define EVENTS                                                                                               \
    (ExposureMask | VisibilityChangeMask | ButtonPressMask | ButtonReleaseMask | PointerMotionMask |         \
     EnterWindowMask | LeaveWindowMask | StructureNotifyMask)

struct content {
    const struct content_ops *ops;
    void *data;
    Display *display;
    Window xid;
    GSource *clock;     /* ready when a frame is scheduled and may be drawn */
    int64_t next_frame; /* not before this time */
    int64_t interval;   /* of frames, microseconds */
    struct pixels_surface *surface;
    int w, h;               /* of the X window */
    int buffer_w, buffer_h; /* as zoomed; 0: no buffer */
    cairo_region_t *damage;
    bool visible, obscured;
    bool scheduled; /* there is something for the next frame */
    bool in_flight; /* the server has a frame and will tell */
    bool shown;     /* first_frame was called */
    struct {
        bool wanted, sent; /* for damage not sent yet; with the frame in flight */
        uint32_t wanted_serial, sent_serial;
    } callback;
    guint hidden_timer;
};

static void frame_done(struct content *c)
{
    c->callback.sent = false;
    c->ops->frame_done(c->data, c->callback.sent_serial);
}

/* The request goes along with what is sent now. */
static bool take_callback(struct content *c)
{
    c->callback.sent = c->callback.wanted;
    c->callback.sent_serial = c->callback.wanted_serial;
    c->callback.wanted = false;
    return c->callback.sent;
}

static gboolean hidden_frame(gpointer data)
{
    struct content *c = data;

    c->hidden_timer = 0;
    if (take_callback(c))
        frame_done(c);
    return G_SOURCE_REMOVE;
}

static bool drawable(const struct content *c)
{
    return c->visible && !c->obscured && c->buffer_w > 0;
}

static void schedule(struct content *c)
{
    if (c->scheduled || c->in_flight)
        return;
    if (!c->callback.wanted && cairo_region_is_empty(c->damage))
        return;
    if (!drawable(c)) {
        if (c->callback.wanted && !c->hidden_timer)
            c->hidden_timer = g_timeout_add(HIDDEN_FRAME_MS, hidden_frame, c);
        return;
    }
    c->scheduled = true;
}

/* Damage inside of both buffer and X window as a short list. */
static int collect_rects(struct content *c, struct rect rects[MAX_RECTS])
{
    cairo_rectangle_int_t all = {0, 0, MIN(c->buffer_w, c->w), MIN(c->buffer_h, c->h)}, r;
    int count;

    cairo_region_intersect_rectangle(c->damage, &all);
    count = cairo_region_num_rectangles(c->damage);
    if (count > MAX_RECTS) {
        cairo_region_get_extents(c->damage, &r);
        rects[0] = (struct rect){r.x, r.y, r.width, r.height};
        return 1;
    }
    for (int i = 0; i < count; i++) {
        cairo_region_get_rectangle(c->damage, i, &r);
        rects[i] = (struct rect){r.x, r.y, r.width, r.height};
    }
    return count;
}

static void clear_damage(struct content *c)
{
    cairo_region_destroy(c->damage);
    c->damage = cairo_region_create();
}

static void draw_frame(struct content *c, int64_t now)
{
    struct rect rects[MAX_RECTS];
    int count = collect_rects(c, rects);

    /* In step with the frame before if it was the last one, else from now. */
    c->next_frame = MAX(c->next_frame + c->interval, now);
    if (count && !pixels_put(c->surface, rects, count))
        return; /* put_done() will try again */
    clear_damage(c);
    c->in_flight = count > 0;
    if (take_callback(c) && !c->in_flight)
        frame_done(c);
}

/*
 * The clock of one window. Not GTK's: that one stands still while the window manager has not answered a
 * request of ours, and a guest's pixels shall not wait for it. Not a source's ready time either: whenever it
 * is set the main loop turns once more, even if the frame has been drawn by then.
 */
struct clock {
    GSource source; /* first: GLib allocates it with this structure's size */
    struct content *content;
};

static gboolean clock_ready(GSource *source, int *timeout_ms)
{
    const struct content *c = ((struct clock *)source)->content;
    int64_t left = c->next_frame - g_source_get_time(source);

    *timeout_ms = c->scheduled ? (int)((MAX(left, 0) + 999) / 1000) : -1;
    return c->scheduled && left <= 0;
}

static gboolean clock_check(GSource *source)
{
    int timeout_ms;

    return clock_ready(source, &timeout_ms);
}

static gboolean tick(GSource *source, GSourceFunc callback, gpointer data)
{
    struct content *c = ((struct clock *)source)->content;

    (void)callback;
    (void)data;
    c->scheduled = false;
    if (drawable(c))
        draw_frame(c, g_source_get_time(source));
    else
        schedule(c);
    return G_SOURCE_CONTINUE;
}

static GSource *new_clock(struct content *c)
{
    static GSourceFuncs funcs = {.prepare = clock_ready, .check = clock_check, .dispatch = tick};
    GSource *clock = g_source_new(&funcs, sizeof(struct clock));

    ((struct clock *)clock)->content = c;
    g_source_set_priority(clock, GDK_PRIORITY_REDRAW);
    g_source_attach(clock, NULL);
    return clock;
}

static void put_done(void *data)
{
    struct content *c = data;

    if (c->in_flight) {
        c->in_flight = false;
        if (!c->shown) {
            c->shown = true;
            c->ops->first_frame(c->data);
        }
        if (c->callback.sent)
            frame_done(c);
    }
    schedule(c);
}

struct content *content_new(struct pixels *pixels, GdkWindow *parent, const struct rect *area,
                            const struct content_look *look, const struct content_ops *ops, void *data)
{
    struct content *c = g_new0(struct content, 1);
    XSetWindowAttributes attributes = {
        .background_pixel = look->background,
        .bit_gravity = NorthWestGravity,
        .event_mask = EVENTS,
    };

    c->ops = ops;
    c->data = data;
    c->display = GDK_WINDOW_XDISPLAY(parent);
    c->w = area->w;
    c->h = area->h;
    c->damage = cairo_region_create();
    c->xid = XCreateWindow(c->display, GDK_WINDOW_XID(parent), area->x, area->y, (unsigned)area->w,
                           (unsigned)area->h, 0, CopyFromParent, InputOutput, CopyFromParent,
                           CWBackPixel | CWBitGravity | CWEventMask, &attributes);
    XMapWindow(c->display, c->xid);
    c->surface = pixels_surface_new(pixels, c->xid, put_done, c);
    content_pace(c, look->frame_us);
    c->clock = new_clock(c);
    return c;
}

void content_free(struct content *c)
{
    if (c->hidden_timer)
        g_source_remove(c->hidden_timer);
    g_source_destroy(c->clock);
    g_source_unref(c->clock);
    pixels_surface_free(c->surface);
    cairo_region_destroy(c->damage);
    XDestroyWindow(c->display, c->xid);
    g_free(c);
}

Window content_xid(const struct content *c)
{
    return c->xid;
}

void content_place(struct content *c, const struct rect *area)
{
    c->w = area->w;
    c->h = area->h;
    XMoveResizeWindow(c->display, c->xid, area->x, area->y, (unsigned)area->w, (unsigned)area->h);
}

void content_damage(struct content *c, const struct rect *rect)
{
    cairo_rectangle_int_t r = {rect->x, rect->y, rect->w, rect->h};

    /* What is not visible now is drawn as a whole when it becomes visible: the server sends Expose. */
    if (!c->visible || c->obscured)
        return;
    cairo_region_union_rectangle(c->damage, &r);
    if (cairo_region_num_rectangles(c->damage) > 4 * MAX_RECTS) {
        cairo_region_get_extents(c->damage, &r);
        cairo_region_union_rectangle(c->damage, &r);
    }
    schedule(c);
}

void content_source(struct content *c, const struct shmbuf_map *map, int w, int h, struct zoom zoom)
{
    struct rect all = zoom_to_screen(zoom, &(struct rect){0, 0, w, h});

    c->buffer_w = map->data ? all.w : 0;
    c->buffer_h = map->data ? all.h : 0;
    pixels_surface_source(c->surface, map, w, h, zoom);
    if (map->data)
        content_damage(c, &all);
}

void content_filter(struct content *c, void (*filter)(void *data, uint32_t *pixels, size_t count), void *data)
{
    pixels_surface_filter(c->surface, filter, data);
}

void content_frame_request(struct content *c, uint32_t serial)
{
    int64_t now = g_get_monotonic_time();

    c->callback.wanted_serial = serial;
    c->callback.wanted = true;
    /* The agent has told all of its frame: if one is due it goes out now, without a turn of the main loop. */
    if (drawable(c) && !c->in_flight && now >= c->next_frame) {
        c->scheduled = false;
        draw_frame(c, now);
        return;
    }
    schedule(c);
}

void content_pace(struct content *c, uint32_t frame_us)
{
    c->interval = frame_us ? frame_us : DEFAULT_FRAME_US;
}

void content_visible(struct content *c, bool visible)
{
    c->visible = visible;
    if (!visible)
        clear_damage(c);
    schedule(c);
}

void content_cursor(struct content *c, Cursor cursor)
{
    XDefineCursor(c->display, c->xid, cursor);
}

void content_event(struct content *c, const XEvent *event)
{
    switch (event->type) {
    case Expose:
        content_damage(c, &(struct rect){event->xexpose.x, event->xexpose.y, event->xexpose.width,
                                         event->xexpose.height});
        break;
    case VisibilityNotify:
        c->obscured = event->xvisibility.state == VisibilityFullyObscured;
        if (c->obscured)
            clear_damage(c);
        schedule(c);
        break;
    case ButtonPress:
    case ButtonRelease:
    case MotionNotify:
    case EnterNotify:
    case LeaveNotify:
        c->ops->pointer(c->data, event);
        break;
    case DestroyNotify:
        c->ops->destroyed(c->data);
        break;
    default:
        break;
    }
}
