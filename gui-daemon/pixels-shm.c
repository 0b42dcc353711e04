/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backend of pixels.h by MIT-SHM, and a copy. One segment (a memfd) serves all windows as a ring: a frame
 * takes one piece, the server's completion event of its last put gives it back. The segment grows to the
 * largest frame seen.
 */
#include <X11/Xlib-xcb.h>
#include <X11/extensions/XShm.h>
#include <cairo.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

#include "pixels-backend.h"
#include "staging.h"

#define SEGMENT_MIN (1024 * 1024)
#define PIXEL       4

struct pixels_shm {
    Display *display;
    xcb_connection_t *xcb;
    int completion_event, opcode;
    GC gc;
    unsigned depth;
    xcb_shm_seg_t segment;
    uint8_t *memory;
    struct staging ring;
    struct pixels_surface *owner[STAGING_SLOTS]; /* of the ring's pieces, oldest at `oldest` */
    uint32_t sequence[STAGING_SLOTS];            /* of the request whose completion frees the piece */
    unsigned oldest;
    bool keep;      /* the segment: there are windows */
    GQueue waiting; /* surfaces whose put was refused */
    struct pixels_counters *counters;
};

static void segment_free(struct pixels_shm *p)
{
    if (!p->memory)
        return;
    xcb_shm_detach(p->xcb, p->segment);
    munmap(p->memory, p->ring.capacity);
    p->memory = NULL;
    staging_init(&p->ring, 0);
}

static bool segment_new(struct pixels_shm *p, size_t size)
{
    int fd = memfd_create("qubes-guid", MFD_CLOEXEC);
    void *memory = MAP_FAILED;

    if (fd < 0)
        return false;
    if (!ftruncate(fd, (off_t)size))
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        close(fd);
        return false;
    }
    p->segment = xcb_generate_id(p->xcb);
    xcb_shm_attach_fd(p->xcb, p->segment, fd, true); /* closes fd */
    p->memory = memory;
    staging_init(&p->ring, size);
    return true;
}

struct pixels_shm *pixels_shm_new(Display *display, struct pixels_counters *counters, const char **error)
{
    int screen = DefaultScreen(display), opcode, event, first_error, major, minor;
    struct pixels_shm *p;
    Bool shared;

    if (!XQueryExtension(display, "MIT-SHM", &opcode, &event, &first_error) ||
        !XShmQueryVersion(display, &major, &minor, &shared) || major * 100 + minor < 102) {
        *error = "the X server has no MIT-SHM 1.2";
        return NULL;
    }
    if (DefaultDepth(display, screen) != 24 || ImageByteOrder(display) != LSBFirst) {
        *error = "the X screen's depth is not 24 bits";
        return NULL;
    }
    p = g_new0(struct pixels_shm, 1);
    p->display = display;
    p->xcb = XGetXCBConnection(display);
    p->opcode = opcode;
    p->completion_event = XShmGetEventBase(display) + ShmCompletion;
    p->gc = XCreateGC(display, DefaultRootWindow(display), 0, NULL);
    p->depth = 24;
    p->counters = counters;
    g_queue_init(&p->waiting);
    return p;
}

void pixels_shm_free(struct pixels_shm *p)
{
    segment_free(p);
    XFreeGC(p->display, p->gc);
    g_queue_clear(&p->waiting);
    g_free(p);
}

static void wake_waiting(struct pixels_shm *p)
{
    /* Those that are refused again queue up behind: one turn each. */
    for (guint n = g_queue_get_length(&p->waiting); n > 0; n--) {
        struct pixels_surface *surface = g_queue_pop_head(&p->waiting);

        if (!surface)
            return;
        pixels_surface_done(surface);
    }
}

/* Without windows there is nothing to keep the memory of a large one for. */
static void free_if_unused(struct pixels_shm *p)
{
    if (!p->keep && !p->ring.count)
        segment_free(p);
}

static void oldest_done(struct pixels_shm *p)
{
    struct pixels_surface *surface = p->owner[p->oldest];

    if (!staging_release(&p->ring))
        return;
    p->owner[p->oldest] = NULL;
    p->oldest = (p->oldest + 1) % STAGING_SLOTS;
    if (surface)
        pixels_surface_done(surface);
    wake_waiting(p);
}

bool pixels_shm_event(struct pixels_shm *p, const XEvent *event)
{
    if (event->type != p->completion_event)
        return false;
    if (((const XShmCompletionEvent *)event)->shmseg == p->segment) {
        p->counters->events++;
        oldest_done(p);
        free_if_unused(p);
    }
    return true;
}

/* The window went away before the put: there will be no completion, so the error stands for it. */
bool pixels_shm_error(struct pixels_shm *p, const XErrorEvent *error)
{
    if (error->request_code != p->opcode)
        return false;
    if (p->ring.count && (uint32_t)error->serial == p->sequence[p->oldest])
        oldest_done(p);
    return true;
}

void pixels_shm_forget(struct pixels_shm *p, struct pixels_surface *surface, bool last)
{
    for (int i = 0; i < STAGING_SLOTS; i++) {
        if (p->owner[i] == surface)
            p->owner[i] = NULL;
    }
    g_queue_remove_all(&p->waiting, surface);
    p->keep = !last;
    free_if_unused(p);
}

static cairo_surface_t *image(const uint8_t *pixels, int w, int h)
{
    return cairo_image_surface_create_for_data((uint8_t *)(uintptr_t)pixels, CAIRO_FORMAT_RGB24, w, h,
                                               w * PIXEL);
}

/* The one copy, of what is shown larger or smaller than the guest has drawn it. */
static void zoom_rect(const struct pixels_surface *surface, const struct rect *rect, uint8_t *to)
{
    double factor = (double)surface->zoom.num / surface->zoom.den;
    cairo_surface_t *source = image(surface->source, surface->w, surface->h);
    cairo_surface_t *target = image(to, rect->w, rect->h);
    cairo_t *cr = cairo_create(target);

    cairo_translate(cr, -rect->x, -rect->y);
    cairo_scale(cr, factor, factor);
    cairo_set_source_surface(cr, source, 0, 0);
    cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
    if (surface->zoom.num % surface->zoom.den == 0) /* pixels stay sharp */
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
    cairo_paint(cr);
    cairo_destroy(cr);
    cairo_surface_destroy(target);
    cairo_surface_destroy(source);
}

/* The one copy. The guest may write meanwhile: then the next damage repairs it. */
static void copy_rect(const struct pixels_surface *surface, const struct rect *rect, uint8_t *to)
{
    size_t stride = (size_t)surface->w * PIXEL, row = (size_t)rect->w * PIXEL;
    const uint8_t *from = surface->source + (size_t)rect->y * stride + (size_t)rect->x * PIXEL;

    if (row == stride) {
        memcpy(to, from, row * (size_t)rect->h);
        return;
    }
    for (int y = 0; y < rect->h; y++)
        memcpy(to + (size_t)y * row, from + (size_t)y * stride, row);
}

static bool take_room(struct pixels_shm *p, size_t size, size_t *offset)
{
    if (size > p->ring.capacity && !p->ring.count) {
        segment_free(p);
        if (!segment_new(p, MAX(size, SEGMENT_MIN)))
            return false;
        p->oldest = 0;
    }
    return p->memory && staging_take(&p->ring, size, offset);
}

/* Have the server put what was copied to `offset`. Returns the request's number. */
static uint32_t put_piece(const struct pixels_shm *p, const struct pixels_surface *surface,
                          const struct rect *r, size_t offset, bool last)
{
    uint16_t w = (uint16_t)r->w, h = (uint16_t)r->h;

    return xcb_shm_put_image(p->xcb, (xcb_drawable_t)surface->window, (xcb_gcontext_t)XGContextFromGC(p->gc),
                             w, h, 0, 0, w, h, (int16_t)r->x, (int16_t)r->y, (uint8_t)p->depth,
                             XCB_IMAGE_FORMAT_Z_PIXMAP, last, p->segment, (uint32_t)offset)
        .sequence;
}

bool pixels_shm_put(struct pixels_shm *p, struct pixels_surface *surface, const struct rect *rects, int count)
{
    size_t size = 0, offset;
    uint32_t sequence = 0;
    unsigned slot;

    for (int i = 0; i < count; i++)
        size += (size_t)rects[i].w * (size_t)rects[i].h * PIXEL;
    if (!take_room(p, size, &offset)) {
        if (!g_queue_find(&p->waiting, surface))
            g_queue_push_tail(&p->waiting, surface);
        return false;
    }
    p->keep = true;
    slot = (p->oldest + p->ring.count - 1) % STAGING_SLOTS;
    p->owner[slot] = surface;
    for (int i = 0; i < count; i++) {
        const struct rect *r = &rects[i];

        if (surface->zoom.num == surface->zoom.den)
            copy_rect(surface, r, p->memory + offset);
        else
            zoom_rect(surface, r, p->memory + offset);
        if (surface->filter)
            surface->filter(surface->filter_data, (uint32_t *)(void *)(p->memory + offset),
                            (size_t)r->w * (size_t)r->h);
        sequence = put_piece(p, surface, r, offset, i == count - 1);
        offset += (size_t)r->w * (size_t)r->h * PIXEL;
    }
    p->sequence[slot] = sequence;
    xcb_flush(p->xcb);
    p->counters->frames++;
    p->counters->bytes_copied += size;
    return true;
}
