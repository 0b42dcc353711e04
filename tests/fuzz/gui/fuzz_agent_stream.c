/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that an agent can send: bytes → stream → window model, with a screen that checks the model's
 * promises. The user's side is mixed in by the type USER, which no agent can send past the stream's checks.
 */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../../gui-common/gui-message.h"
#include "../../../gui-daemon/domain.h"
#include "../../../gui-daemon/stream.h"
#include "../../unit/gui-daemon/shmbuf-fake.h"

#define SCREEN_W 1920
#define SCREEN_H 1080
#define PANEL    30
/* Small enough for an input to reach them. */
#define MAX_WINDOWS 8
#define MAX_PAGES   400

static struct domain domain;
static struct domain_options options;

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

static void check_window(struct window *window)
{
    const struct rect *g = &window->configure.geometry;

    REQUIRE(domain_window(&domain, window->id) == window || !window->view);
    REQUIRE(g->w > 0 && g->h > 0 && g->w <= GUI_MAX_WIDTH && g->h <= GUI_MAX_HEIGHT);
    REQUIRE(abs(g->x) <= 2 * GUI_MAX_WIDTH && abs(g->y) <= 2 * GUI_MAX_HEIGHT);
    REQUIRE(strlen(window->title) < sizeof(window->title));
    for (const char *p = window->title; *p && !options.allow_utf8_titles; p++)
        REQUIRE(*p >= 0x20 && *p <= 0x7e);
    REQUIRE(!options.allow_utf8_titles || g_utf8_validate(window->title, -1, NULL));
    REQUIRE(domain.pages == shmbuf_fake_pages && domain.pages <= options.max_pages);
    REQUIRE(g_hash_table_size(domain.windows) <= options.max_windows);
}

static void any(void *data, struct window *window)
{
    (void)data;
    check_window(window);
}

static void create(void *data, struct window *window)
{
    (void)data;
    window->view = window;
    check_window(window);
}

static void destroy(void *data, struct window *window)
{
    (void)data;
    window->view = NULL;
}

/* In the work area, however the domain and the user have zoomed it. */
static void check_popup(void *data, struct window *window)
{
    struct rect shown = window_on_screen(window),
                outer = frame_outer((struct frame_style){FRAME_POPUP, domain.scale}, &shown);

    (void)data;
    check_window(window);
    if (!window->override_redirect || !window->mapped)
        return;
    REQUIRE(outer.x >= 0 && outer.y >= PANEL && outer.x + outer.w <= SCREEN_W &&
            outer.y + outer.h <= SCREEN_H);
}

static void map(void *data, struct window *window)
{
    check_popup(data, window);
    REQUIRE(window->transient_for != window->id || !window->id);
}

static void attention(void *data, struct window *window, bool on)
{
    (void)on;
    any(data, window);
}

static void damage(void *data, struct window *window, const struct rect *r)
{
    any(data, window);
    REQUIRE(window->buffer.data);
    REQUIRE(r->x >= 0 && r->y >= 0 && r->w > 0 && r->h > 0);
    REQUIRE(r->x + r->w <= window->buffer_size.w && r->y + r->h <= window->buffer_size.h);
    REQUIRE((size_t)window->buffer_size.w * (size_t)window->buffer_size.h * 4 <= window->buffer.pages * 4096);
}

static void number(void *data, struct window *window, uint32_t n)
{
    (void)n;
    any(data, window);
}

static void icon(void *data, struct window *window, uint32_t *pixels, int w, int h)
{
    any(data, window);
    REQUIRE(w > 0 && h > 0 && w <= GUI_ICON_MAX && h <= GUI_ICON_MAX);
    memset(pixels, 0x55, (size_t)w * (size_t)h * 4);
}

static void clipboard(void *data, const uint8_t *untrusted_bytes, size_t length)
{
    volatile uint8_t sum = 0;

    (void)data;
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + untrusted_bytes[i]);
}

static void work_area(void *data, const struct rect *rect, struct rect *work)
{
    (void)data;
    (void)rect;
    *work = (struct rect){0, PANEL, SCREEN_W, SCREEN_H - PANEL};
}

static void send_message(void *data, uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    struct gui_msg_header header = {type, window, length};

    (void)data;
    REQUIRE(gui_message_valid(&header, GUI_FROM_DAEMON, domain.minor));
    REQUIRE(body || !length);
}

static const struct domain_view view = {
    .create = create,
    .destroy = destroy,
    .map = map,
    .unmap = any,
    .configure = any,
    .zoom = check_popup,
    .title = any,
    .wmclass = any,
    .hints = any,
    .attention = attention,
    .modal = any,
    .minimize = any,
    .fullscreen = any,
    .maximize = any,
    .buffer = any,
    .damage = damage,
    .cursor = number,
    .dock = any,
    .frame_request = number,
    .icon = icon,
    .clipboard = clipboard,
    .popup_refused = any,
    .work_area = work_area,
    .send = send_message,
};

/* What a user may do between two messages, chosen by a byte of the input. */
static void user_act(uint8_t byte)
{
    struct window *window = domain_window(&domain, byte & 3);

    if (!window || !window->mapped)
        return;
    if (byte & 0x80)
        domain_window_minimized(window, byte & 0x20);
    else if (byte & 0x40)
        domain_window_fullscreen(window, byte & 0x20);
    else if (byte & 0x20)
        domain_set_scale(&domain, GUI_SCALE_MIN + byte);
    else
        domain_window_moved(window, &(struct rect){byte, byte & 0x1c, 1 + byte, 100});
}

static void obey(struct stream *stream)
{
    uint8_t *copy = g_memdup2(stream->body, stream->header.length);

    REQUIRE(domain_message_cost(stream->header.type) > 0);
    /* An exact copy lets ASan see each byte read past the body. */
    domain_message(&domain, &stream->header, copy);
    g_free(copy);
}

static void feed(struct stream *stream, const uint8_t *data, size_t size)
{
    while (size) {
        size_t want;
        void *to = stream_want(stream, &want);
        enum stream_event event;

        want = want < size ? want : size;
        memcpy(to, data, want);
        data += want;
        size -= want;
        event = stream_got(stream, want);
        if (event == STREAM_GOT_VERSION) {
            int minor = gui_version_effective(stream->untrusted_version);

            if (minor < GUI_MINOR_WINDOW_DUMP)
                return;
            domain.minor = (uint32_t)minor;
            stream_start(stream, (uint32_t)minor);
        } else if (event == STREAM_GOT_MESSAGE) {
            obey(stream);
            user_act((uint8_t)(stream->header.window >> 24));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream stream;
    uint8_t flags;

    if (!size)
        return 0;
    flags = data[0];
    options = (struct domain_options){
        .allow_fullscreen = flags & 1,
        .allow_utf8_titles = flags & 2,
        .override_redirect = !(flags & 4),
        .override_redirect_protection = !(flags & 8),
        .title_prefix = flags & 16 ? "[work] " : NULL,
        .max_windows = MAX_WINDOWS,
        .max_pages = MAX_PAGES,
    };
    domain_init(&domain, &options, &view, NULL, NULL);
    stream_init(&stream);
    feed(&stream, data + 1, size - 1);
    stream_free(&stream);
    /* The agent went away, the next one finds nothing of it. */
    domain_reset(&domain);
    REQUIRE(shmbuf_fake_pages == 0 && domain.pages == 0);
    domain_free(&domain);
    return 0;
}
