/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sanitize.h"

__attribute__((format(printf, 2, 3))) static int violation(struct domain *domain, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(domain->violation, sizeof(domain->violation), format, args);
    va_end(args);
    return -EPROTO;
}

static void window_unmap_buffer(struct window *window)
{
    window->domain->pages -= window->buffer.pages;
    shmbuf_unmap(window->domain->importer, &window->buffer);
}

static void window_free(gpointer data)
{
    struct window *window = data;
    struct domain *domain = window->domain;

    domain->view->destroy(domain->view_data, window);
    window_unmap_buffer(window);
    g_free(window);
}

void domain_init(struct domain *domain, const struct domain_options *options, const struct domain_view *view,
                 void *view_data, struct shmbuf_importer *importer)
{
    memset(domain, 0, sizeof(*domain));
    domain->options = options;
    domain->view = view;
    domain->view_data = view_data;
    domain->importer = importer;
    domain->scale = GUI_SCALE_ONE;
    domain->windows = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, window_free);
}

void domain_reset(struct domain *domain)
{
    g_hash_table_remove_all(domain->windows);
}

void domain_free(struct domain *domain)
{
    if (domain->windows)
        g_hash_table_destroy(domain->windows);
    domain->windows = NULL;
}

struct window *domain_window(struct domain *domain, uint32_t id)
{
    return g_hash_table_lookup(domain->windows, GUINT_TO_POINTER(id));
}

enum frame_kind window_frame_kind(const struct window *window)
{
    if (window->docked)
        return FRAME_TRAY;
    if (window->override_redirect)
        return FRAME_POPUP;
    return window->fullscreen ? FRAME_FULLSCREEN : FRAME_NORMAL;
}

struct zoom window_zoom(const struct window *window)
{
    if (!window->buffer_scale || window->docked)
        return (struct zoom){1, 1};
    return (struct zoom){window->domain->scale, window->buffer_scale};
}

struct rect window_on_screen(const struct window *window)
{
    return zoom_to_screen(window_zoom(window), &window->configure.geometry);
}

static void send_configure(struct window *window)
{
    const struct rect *g = &window->configure.geometry;
    struct gui_msg_configure msg = {g->x, g->y, (uint32_t)g->w, (uint32_t)g->h, window->override_redirect};

    window->domain->view->send(window->domain->view_data, MSG_CONFIGURE, window->id, &msg, sizeof(msg));
}

static void send_flags(struct window *window, uint32_t set, uint32_t unset)
{
    struct gui_msg_window_flags msg = {set, unset};

    window->domain->view->send(window->domain->view_data, MSG_WINDOW_FLAGS, window->id, &msg, sizeof(msg));
}

static void moved(struct window *window, const struct rect *geometry)
{
    if (configure_from_screen(&window->configure, geometry) == CONFIGURE_SEND)
        send_configure(window);
}

void domain_window_moved(struct window *window, const struct rect *geometry)
{
    struct rect shown = window_on_screen(window), guest = zoom_to_guest(window_zoom(window), geometry);

    /* Several sizes of the guest's may be the same on the screen: that it has stays. */
    if (!rect_equal(&shown, geometry))
        moved(window, &guest);
}

void domain_window_fullscreen(struct window *window, bool on)
{
    if (window->fullscreen == on)
        return;
    window->fullscreen = on;
    send_flags(window, on ? GUI_FLAG_FULLSCREEN : 0, on ? 0 : GUI_FLAG_FULLSCREEN);
}

void domain_window_minimized(struct window *window, bool on)
{
    if (window->minimized == on || window->domain->minor < GUI_MINOR_FRAMES)
        return;
    window->minimized = on;
    send_flags(window, on ? GUI_FLAG_MINIMIZE : 0, on ? 0 : GUI_FLAG_MINIMIZE);
}

/* Where the window may be: rules for the screen applied to geometry that is within the protocol's limits. */
static bool constrain(struct window *window, struct rect *geometry)
{
    struct domain *domain = window->domain;
    struct zoom zoom = window_zoom(window);
    struct rect old = *geometry, shown = zoom_to_screen(zoom, geometry), work;

    domain->view->work_area(domain->view_data, &shown, &work);
    if (window->override_redirect)
        return popup_constrain(geometry, zoom, &work, domain->scale);
    toplevel_constrain(geometry, zoom, &work, domain->scale);
    return !rect_equal(&old, geometry);
}

static bool popup_allowed(struct window *window)
{
    struct domain *domain = window->domain;
    struct rect shown = window_on_screen(window), work;

    if (!domain->options->override_redirect || window->docked)
        return false;
    if (!domain->options->override_redirect_protection)
        return true;
    domain->view->work_area(domain->view_data, &shown, &work);
    if (!popup_too_large(&shown, &work))
        return true;
    domain->view->popup_refused(domain->view_data, window);
    return false;
}

/* A popup that has grown too large while it is shown: it gets a frame, as if it had been mapped like that. */
static void check_popup(struct window *window)
{
    struct domain *domain = window->domain;

    if (!window->mapped || !window->override_redirect || popup_allowed(window))
        return;
    window->override_redirect = false;
    domain->view->unmap(domain->view_data, window);
    domain->view->map(domain->view_data, window);
}

/* The size on the screen is another, and must fit there again. */
static void zoom_changed(struct window *window)
{
    struct rect allowed = window->configure.geometry;

    check_popup(window);
    if (window->mapped && constrain(window, &allowed))
        moved(window, &allowed);
    window->domain->view->zoom(window->domain->view_data, window);
}

void domain_set_scale(struct domain *domain, uint32_t scale)
{
    GHashTableIter iter;
    gpointer value;

    domain->scale = scale;
    g_hash_table_iter_init(&iter, domain->windows);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct window *window = value;

        if (!window->buffer_scale)
            continue;
        zoom_changed(window);
        domain->view->buffer(domain->view_data, window);
    }
}

/* One handler a message; `window` is NULL only for those that may name an unknown one. */
typedef int handler(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                    const uint8_t *untrusted_body);

static int handle_create(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                         const uint8_t *untrusted_body)
{
    struct gui_msg_create untrusted_create;
    struct rect geometry;

    memcpy(&untrusted_create, untrusted_body, sizeof(untrusted_create));
    if (window)
        return violation(domain, "CREATE of window 0x%x, which exists", header->window);
    if (g_hash_table_size(domain->windows) >= domain->options->max_windows)
        return violation(domain, "more than %u windows", domain->options->max_windows);
    if (!geometry_valid(untrusted_create.x, untrusted_create.y, untrusted_create.width,
                        untrusted_create.height, &geometry))
        return violation(domain, "CREATE of a window of %u x %u pixels", untrusted_create.width,
                         untrusted_create.height);
    /* A parent that is gone is not an error: the agent may not know yet. */
    window = g_new0(struct window, 1);
    window->domain = domain;
    window->id = header->window;
    window->parent = domain_window(domain, untrusted_create.parent) ? untrusted_create.parent : 0;
    window->override_redirect = untrusted_create.override_redirect != 0 && domain->options->override_redirect;
    window->configure.geometry = geometry;
    g_hash_table_insert(domain->windows, GUINT_TO_POINTER(window->id), window);
    domain->view->create(domain->view_data, window);
    return 0;
}

static int handle_destroy(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                          const uint8_t *untrusted_body)
{
    (void)untrusted_body;
    g_hash_table_remove(domain->windows, GUINT_TO_POINTER(window->id));
    if (domain->minor >= GUI_MINOR_DESTROY_ACK)
        domain->view->send(domain->view_data, MSG_DESTROY, header->window, NULL, 0);
    return 0;
}

static int handle_map(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                      const uint8_t *untrusted_body)
{
    struct gui_msg_map untrusted_map;
    struct window *leader;
    struct rect geometry = window->configure.geometry;

    (void)header;
    memcpy(&untrusted_map, untrusted_body, sizeof(untrusted_map));
    leader = domain_window(domain, untrusted_map.transient_for);
    window->transient_for = leader && leader != window ? leader->id : 0;
    if (!window->mapped)
        window->override_redirect = untrusted_map.override_redirect != 0 && popup_allowed(window);
    /* What has to be moved or shrunk to be shown: the agent learns where it really is. */
    if ((window->override_redirect || (window->hints.flags & (GUI_HINT_POSITION | GUI_HINT_USER_POSITION))) &&
        constrain(window, &geometry)) {
        moved(window, &geometry);
        domain->view->configure(domain->view_data, window);
    }
    window->mapped = true;
    domain->view->map(domain->view_data, window);
    return 0;
}

static int handle_unmap(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                        const uint8_t *untrusted_body)
{
    (void)header;
    (void)untrusted_body;
    window->mapped = false;
    domain->view->unmap(domain->view_data, window);
    return 0;
}

static int handle_configure(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                            const uint8_t *untrusted_body)
{
    struct gui_msg_configure untrusted_configure;
    struct rect asked, allowed;

    (void)header;
    memcpy(&untrusted_configure, untrusted_body, sizeof(untrusted_configure));
    if (!geometry_valid(untrusted_configure.x, untrusted_configure.y, untrusted_configure.width,
                        untrusted_configure.height, &asked))
        return violation(domain, "CONFIGURE to %u x %u pixels", untrusted_configure.width,
                         untrusted_configure.height);
    /* The tray decides about its icons: the same geometry is an acknowledgement, another one is answered. */
    if (window->docked) {
        window->configure.open = !rect_equal(&window->configure.geometry, &asked);
        if (window->configure.open)
            send_configure(window);
        return 0;
    }
    switch (configure_from_agent(&window->configure, &asked)) {
    case CONFIGURE_SEND:
        send_configure(window);
        break;
    case CONFIGURE_APPLY:
        allowed = asked;
        check_popup(window);
        if (window->mapped && constrain(window, &allowed))
            moved(window, &allowed);
        domain->view->configure(domain->view_data, window);
        break;
    case CONFIGURE_NOTHING:
        break;
    }
    return 0;
}

static int handle_shmimage(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                           const uint8_t *untrusted_body)
{
    struct gui_msg_shmimage untrusted_damage;
    struct rect damage, all = {0, 0, window->buffer_size.w, window->buffer_size.h}, inside;

    (void)header;
    memcpy(&untrusted_damage, untrusted_body, sizeof(untrusted_damage));
    if (!geometry_valid(untrusted_damage.x, untrusted_damage.y, untrusted_damage.width,
                        untrusted_damage.height, &damage))
        return violation(domain, "damage of %u x %u pixels", untrusted_damage.width, untrusted_damage.height);
    if (window->buffer.data && rect_intersect(&damage, &all, &inside))
        domain->view->damage(domain->view_data, window, &inside);
    return 0;
}

static int handle_wmname(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                         const uint8_t *untrusted_body)
{
    const char *prefix = domain->options->title_prefix ? domain->options->title_prefix : "";
    char text[DOMAIN_TITLE_SIZE / 2 + 64];

    (void)header;
    sanitize_title((const char *)untrusted_body, sizeof(struct gui_msg_wmname),
                   domain->options->allow_utf8_titles, text, sizeof(text));
    g_snprintf(window->title, sizeof(window->title), "%s%s", prefix, text);
    domain->view->title(domain->view_data, window);
    return 0;
}

static int handle_wmclass(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                          const uint8_t *untrusted_body)
{
    struct gui_msg_wmclass untrusted_class;

    (void)header;
    memcpy(&untrusted_class, untrusted_body, sizeof(untrusted_class));
    sanitize_class(untrusted_class.res_class, sizeof(untrusted_class.res_class), window->res_class,
                   sizeof(window->res_class));
    sanitize_class(untrusted_class.res_name, sizeof(untrusted_class.res_name), window->res_name,
                   sizeof(window->res_name));
    domain->view->wmclass(domain->view_data, window);
    return 0;
}

static int handle_dock(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                       const uint8_t *untrusted_body)
{
    (void)header;
    (void)untrusted_body;
    if (window->docked || window->mapped)
        return 0;
    window->docked = true;
    domain->view->dock(domain->view_data, window);
    return 0;
}

/* Each pair of a size hint must lie in its range, else that hint is dropped. */
static bool size_hint_valid(uint32_t untrusted_w, uint32_t untrusted_h, uint32_t least)
{
    return untrusted_w >= least && untrusted_h >= least && untrusted_w <= GUI_MAX_WIDTH &&
           untrusted_h <= GUI_MAX_HEIGHT;
}

static int handle_window_hints(struct domain *domain, struct window *window,
                               const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct gui_msg_window_hints h;

    (void)header;
    memcpy(&h, untrusted_body, sizeof(h));
    h.flags &= GUI_HINT_ALL;
    if (!size_hint_valid(h.min_width, h.min_height, 0))
        h.flags &= ~(uint32_t)GUI_HINT_MIN_SIZE;
    if (!size_hint_valid(h.max_width, h.max_height, 1))
        h.flags &= ~(uint32_t)GUI_HINT_MAX_SIZE;
    if (!size_hint_valid(h.width_inc, h.height_inc, 1))
        h.flags &= ~(uint32_t)GUI_HINT_RESIZE_INC;
    if (!size_hint_valid(h.base_width, h.base_height, 0))
        h.flags &= ~(uint32_t)GUI_HINT_BASE_SIZE;
    if ((h.flags & GUI_HINT_MIN_SIZE) && (h.flags & GUI_HINT_MAX_SIZE) &&
        (h.max_width < h.min_width || h.max_height < h.min_height))
        h.flags &= ~(uint32_t)GUI_HINT_MAX_SIZE;
    window->hints = h;
    domain->view->hints(domain->view_data, window);
    return 0;
}

static void request_fullscreen(struct window *window, bool on)
{
    struct domain *domain = window->domain;

    if (on && !domain->options->allow_fullscreen) {
        domain->view->maximize(domain->view_data, window);
        /* The application must not think that it is still waiting. */
        send_flags(window, GUI_FLAG_FULLSCREEN, 0);
        return;
    }
    if (window->fullscreen == on)
        return;
    window->fullscreen = on;
    domain->view->fullscreen(domain->view_data, window);
}

static int handle_window_flags(struct domain *domain, struct window *window,
                               const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct gui_msg_window_flags untrusted_flags;
    uint32_t set, unset;

    (void)header;
    memcpy(&untrusted_flags, untrusted_body, sizeof(untrusted_flags));
    set = untrusted_flags.set & GUI_FLAG_ALL;
    unset = untrusted_flags.unset & GUI_FLAG_ALL;
    if (set & unset)
        return violation(domain, "window flags 0x%x both set and unset", set & unset);
    if ((set & GUI_FLAG_FULLSCREEN) && (set & GUI_FLAG_MINIMIZE))
        return violation(domain, "window both minimised and fullscreen");
    if (window->override_redirect || window->docked)
        return 0;
    if ((set | unset) & GUI_FLAG_FULLSCREEN)
        request_fullscreen(window, set & GUI_FLAG_FULLSCREEN);
    if ((set | unset) & GUI_FLAG_DEMANDS_ATTENTION)
        domain->view->attention(domain->view_data, window, set & GUI_FLAG_DEMANDS_ATTENTION);
    if (((set | unset) & GUI_FLAG_MODAL) && domain->minor >= GUI_MINOR_FRAMES) {
        window->modal = set & GUI_FLAG_MODAL;
        domain->view->modal(domain->view_data, window);
    }
    if (set & GUI_FLAG_MINIMIZE)
        domain->view->minimize(domain->view_data, window);
    return 0;
}

/* What the agent has said of this dump's scale holds from now on. */
static void set_scale(struct window *window)
{
    if (window->buffer_scale == window->next_scale)
        return;
    window->buffer_scale = window->next_scale;
    zoom_changed(window);
}

/* validate → map → account → commit; the former buffer stays if anything fails. */
static int handle_window_dump(struct domain *domain, struct window *window,
                              const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    size_t count = (header->length - sizeof(struct gui_msg_window_dump)) / 4;
    struct gui_msg_window_dump untrusted_dump;
    struct shmbuf_map map;
    struct rect size;
    uint32_t *refs;
    int err;

    memcpy(&untrusted_dump, untrusted_body, sizeof(untrusted_dump));
    if (untrusted_dump.type != GUI_DUMP_GRANTS || untrusted_dump.bpp != GUI_DUMP_BPP)
        return violation(domain, "window dump of type %u, %u bits a pixel", untrusted_dump.type,
                         untrusted_dump.bpp);
    if (!geometry_valid(0, 0, untrusted_dump.width, untrusted_dump.height, &size))
        return violation(domain, "window dump of %u x %u pixels", untrusted_dump.width,
                         untrusted_dump.height);
    if (count < gui_buffer_pages((uint32_t)size.w, (uint32_t)size.h))
        return violation(domain, "window dump of %d x %d pixels with %zu pages", size.w, size.h, count);
    count = gui_buffer_pages((uint32_t)size.w, (uint32_t)size.h);
    if (count > domain->options->max_pages ||
        domain->pages - window->buffer.pages > domain->options->max_pages - count)
        return violation(domain, "window buffers of more than %zu MiB", domain->options->max_pages / 256);
    refs = g_memdup2(untrusted_body + sizeof(untrusted_dump), count * 4);
    err = shmbuf_map(domain->importer, refs, count, &map);
    g_free(refs);
    if (err)
        return violation(domain, "window dump that cannot be mapped: %s", strerror(-err));
    window_unmap_buffer(window);
    window->buffer = map;
    domain->pages += map.pages;
    window->buffer_size.w = size.w;
    window->buffer_size.h = size.h;
    set_scale(window);
    domain->view->buffer(domain->view_data, window);
    if (domain->minor >= GUI_MINOR_DUMP_ACK)
        domain->view->send(domain->view_data, MSG_WINDOW_DUMP_ACK, window->id, NULL, 0);
    return 0;
}

static int handle_cursor(struct domain *domain, struct window *window, const struct gui_msg_header *header,
                         const uint8_t *untrusted_body)
{
    uint32_t untrusted_cursor;

    (void)header;
    memcpy(&untrusted_cursor, untrusted_body, sizeof(untrusted_cursor));
    if (untrusted_cursor != GUI_CURSOR_DEFAULT &&
        (untrusted_cursor < GUI_CURSOR_X11 || untrusted_cursor >= GUI_CURSOR_X11_MAX))
        return violation(domain, "cursor 0x%x", untrusted_cursor);
    domain->view->cursor(domain->view_data, window, untrusted_cursor);
    return 0;
}

static int handle_clipboard_data(struct domain *domain, struct window *window,
                                 const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    (void)window;
    domain->view->clipboard(domain->view_data, untrusted_body, header->length);
    return 0;
}

static int handle_frame_request(struct domain *domain, struct window *window,
                                const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct gui_msg_frame_request request; /* any serial is fine: it is only sent back */

    (void)header;
    memcpy(&request, untrusted_body, sizeof(request));
    domain->view->frame_request(domain->view_data, window, request.serial);
    return 0;
}

static int handle_window_scale(struct domain *domain, struct window *window,
                               const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct gui_msg_window_scale untrusted_scale;

    (void)header;
    memcpy(&untrusted_scale, untrusted_body, sizeof(untrusted_scale));
    if (untrusted_scale.scale < GUI_SCALE_MIN || untrusted_scale.scale > GUI_SCALE_MAX)
        return violation(domain, "window scale %u/120", untrusted_scale.scale);
    window->next_scale = untrusted_scale.scale;
    return 0;
}

static int handle_window_icon(struct domain *domain, struct window *window,
                              const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct gui_msg_window_icon untrusted_icon;
    size_t size = header->length - sizeof(untrusted_icon);
    uint32_t *pixels;

    memcpy(&untrusted_icon, untrusted_body, sizeof(untrusted_icon));
    if (!untrusted_icon.width || !untrusted_icon.height || untrusted_icon.width > GUI_ICON_MAX ||
        untrusted_icon.height > GUI_ICON_MAX ||
        size != (size_t)untrusted_icon.width * untrusted_icon.height * 4)
        return violation(domain, "icon of %u x %u pixels with %zu bytes", untrusted_icon.width,
                         untrusted_icon.height, size);
    pixels = g_memdup2(untrusted_body + sizeof(untrusted_icon), size);
    domain->view->icon(domain->view_data, window, pixels, (int)untrusted_icon.width,
                       (int)untrusted_icon.height);
    g_free(pixels);
    return 0;
}

enum window_rule { WINDOW_KNOWN, WINDOW_ANY };

static const struct {
    uint32_t type;
    enum window_rule rule;
    handler *handle;
    uint32_t cost;
} handlers[] = {
    {MSG_CREATE, WINDOW_ANY, handle_create, 10},
    {MSG_DESTROY, WINDOW_KNOWN, handle_destroy, 10},
    {MSG_MAP, WINDOW_KNOWN, handle_map, 100},
    {MSG_UNMAP, WINDOW_KNOWN, handle_unmap, 20},
    {MSG_CONFIGURE, WINDOW_KNOWN, handle_configure, 20},
    {MSG_SHMIMAGE, WINDOW_KNOWN, handle_shmimage, 1},
    {MSG_CLIPBOARD_DATA, WINDOW_ANY, handle_clipboard_data, 20},
    {MSG_WMNAME, WINDOW_KNOWN, handle_wmname, 20},
    {MSG_DOCK, WINDOW_KNOWN, handle_dock, 100},
    {MSG_WINDOW_HINTS, WINDOW_KNOWN, handle_window_hints, 20},
    {MSG_WINDOW_FLAGS, WINDOW_KNOWN, handle_window_flags, 40},
    {MSG_WMCLASS, WINDOW_KNOWN, handle_wmclass, 20},
    {MSG_WINDOW_DUMP, WINDOW_KNOWN, handle_window_dump, 20},
    {MSG_CURSOR, WINDOW_KNOWN, handle_cursor, 5},
    {MSG_FRAME_REQUEST, WINDOW_KNOWN, handle_frame_request, 1},
    {MSG_WINDOW_SCALE, WINDOW_KNOWN, handle_window_scale, 1},
    {MSG_WINDOW_ICON, WINDOW_KNOWN, handle_window_icon, 100},
};

int domain_message(struct domain *domain, const struct gui_msg_header *header, const uint8_t *untrusted_body)
{
    struct window *window = domain_window(domain, header->window);

    for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
        if (handlers[i].type != header->type)
            continue;
        if (handlers[i].rule == WINDOW_KNOWN && !window)
            return violation(domain, "%s of window 0x%x, which does not exist",
                             gui_message_name(header->type), header->window);
        return handlers[i].handle(domain, window, header, untrusted_body);
    }
    return violation(domain, "message of type %u", header->type);
}

uint32_t domain_message_cost(uint32_t type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
        if (handlers[i].type == type)
            return handlers[i].cost;
    }
    return 0;
}
