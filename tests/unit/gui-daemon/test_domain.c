/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The window model against a screen that only writes down what it is told. */
#include "check.h"

#include <errno.h>
#include <glib.h>

#include "../../../gui-daemon/domain.h"
#include "shmbuf-fake.h"

static GString *calls; /* what the model asked of the screen */
static struct gui_msg_configure configure_sent;
static struct gui_msg_window_flags flags_sent;
static struct domain domain;
static struct domain_options options;
static const struct rect work = {0, 30, 1000, 770};

#define NOTE(name)                                                                                           \
    static void name(void *data, struct window *window)                                                      \
    {                                                                                                        \
        (void)data;                                                                                          \
        g_string_append_printf(calls, #name "(%x) ", window->id);                                            \
    }
#define ENTRY(name) .name = name,

/* Calls that say all by their name. */
/* clang-format off */
#define NOTED(X)                                                                                             \
    X(create) X(destroy) X(map) X(unmap) X(configure) X(title) X(wmclass) X(hints) X(modal) X(minimize)      \
    X(fullscreen) X(maximize) X(zoom) X(buffer) X(dock) X(popup_refused)
/* clang-format on */

NOTED(NOTE)

static void attention(void *data, struct window *window, bool on)
{
    (void)data;
    g_string_append_printf(calls, "attention(%x,%d) ", window->id, on);
}

static void damage(void *data, struct window *window, const struct rect *r)
{
    (void)data;
    g_string_append_printf(calls, "damage(%x,%d,%d,%d,%d) ", window->id, r->x, r->y, r->w, r->h);
}

static void cursor(void *data, struct window *window, uint32_t number)
{
    (void)data;
    g_string_append_printf(calls, "cursor(%x,%x) ", window->id, number);
}

static void frame_request(void *data, struct window *window, uint32_t serial)
{
    (void)data;
    g_string_append_printf(calls, "frame(%x,%u) ", window->id, serial);
}

static void icon(void *data, struct window *window, uint32_t *pixels, int w, int h)
{
    (void)data;
    g_string_append_printf(calls, "icon(%x,%d,%d,%x) ", window->id, w, h, pixels[w * h - 1]);
}

static void clipboard(void *data, const uint8_t *untrusted_bytes, size_t length)
{
    (void)data;
    (void)untrusted_bytes;
    g_string_append_printf(calls, "clipboard(%zu) ", length);
}

static void work_area(void *data, const struct rect *rect, struct rect *out)
{
    (void)data;
    (void)rect;
    *out = work;
}

static void send_message(void *data, uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    (void)data;
    (void)length;
    if (type == MSG_CONFIGURE)
        memcpy(&configure_sent, body, sizeof(configure_sent));
    if (type == MSG_WINDOW_FLAGS)
        memcpy(&flags_sent, body, sizeof(flags_sent));
    g_string_append_printf(calls, "send-%s(%x) ", gui_message_name(type) + 4, window);
}

static const struct domain_view view = {
    NOTED(ENTRY).attention = attention,
    .damage = damage,
    .cursor = cursor,
    .frame_request = frame_request,
    .icon = icon,
    .clipboard = clipboard,
    .work_area = work_area,
    .send = send_message,
};

static int setup(void **state)
{
    (void)state;
    calls = g_string_new(NULL);
    options = (struct domain_options){
        .override_redirect = true,
        .override_redirect_protection = true,
        .max_windows = 10,
        .max_pages = 10000,
    };
    domain_init(&domain, &options, &view, NULL, NULL);
    domain.minor = 8;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    domain_free(&domain);
    g_string_free(calls, TRUE);
    /* Nothing stays mapped. */
    return shmbuf_fake_pages != 0;
}

static int send(uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    struct gui_msg_header header = {type, window, length};
    uint8_t copy[65536];

    assert_true(gui_message_valid(&header, GUI_FROM_AGENT, GUI_MINOR_FRAMES));
    g_string_truncate(calls, 0);
    memcpy(copy, body, length);
    return domain_message(&domain, &header, copy);
}

#define SEND(type, window, ...) send(type, window, &(__VA_ARGS__), sizeof(__VA_ARGS__))

static void create_window(uint32_t id, int x, int y, uint32_t w, uint32_t h)
{
    assert_int_equal(SEND(MSG_CREATE, id, (struct gui_msg_create){x, y, w, h, 0, 0}), 0);
}

static int dump(uint32_t id, uint32_t w, uint32_t h, uint32_t pages, uint32_t bad_at)
{
    uint32_t body[4 + 8192] = {GUI_DUMP_GRANTS, w, h, GUI_DUMP_BPP};

    if (bad_at < pages)
        body[4 + bad_at] = SHMBUF_FAKE_BAD_REF;
    return send(MSG_WINDOW_DUMP, id, body, 16 + pages * 4);
}

static void life(void **state)
{
    (void)state;
    create_window(1, 100, 100, 200, 100);
    assert_string_equal(calls->str, "create(1) ");
    assert_int_equal(dump(1, 200, 100, 20, -1u), 0);
    assert_string_equal(calls->str, "buffer(1) send-WINDOW_DUMP_ACK(1) ");
    assert_int_equal(SEND(MSG_MAP, 1, (struct gui_msg_map){0, 0}), 0);
    assert_string_equal(calls->str, "map(1) ");
    assert_int_equal(SEND(MSG_SHMIMAGE, 1, (struct gui_msg_shmimage){-10, 90, 300, 300}), 0);
    assert_string_equal(calls->str, "damage(1,0,90,200,10) ");
    assert_int_equal(send(MSG_UNMAP, 1, "", 0), 0);
    assert_int_equal(send(MSG_DESTROY, 1, "", 0), 0);
    assert_string_equal(calls->str, "destroy(1) send-DESTROY(1) ");
    assert_int_equal(domain.pages, 0);
    /* The id may be used again. */
    create_window(1, 0, 0, 1, 1);
}

static void unknown_windows_are_violations(void **state)
{
    (void)state;
    assert_int_equal(send(MSG_DESTROY, 1, "", 0), -EPROTO);
    assert_non_null(strstr(domain.violation, "MSG_DESTROY of window 0x1"));
    assert_int_equal(SEND(MSG_MAP, 1, (struct gui_msg_map){0, 0}), -EPROTO);
    create_window(1, 0, 0, 1, 1);
    assert_int_equal(SEND(MSG_CREATE, 1, (struct gui_msg_create){0, 0, 5, 5, 0, 0}), -EPROTO);
    assert_string_equal(calls->str, "");
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(SEND(MSG_CREATE, 1, (struct gui_msg_create){0, 0, 0, 5, 0, 0}), -EPROTO);
    assert_int_equal(SEND(MSG_CREATE, 1, (struct gui_msg_create){0, 0, 5, 6145, 0, 0}), -EPROTO);
    create_window(1, 0, 0, 5, 5);
    assert_int_equal(SEND(MSG_CONFIGURE, 1, (struct gui_msg_configure){0, 0, 0, 5, 0}), -EPROTO);
    assert_int_equal(SEND(MSG_CONFIGURE, 1, (struct gui_msg_configure){0, 0, 16385, 5, 0}), -EPROTO);
    assert_int_equal(SEND(MSG_SHMIMAGE, 1, (struct gui_msg_shmimage){0, 0, 0, 5}), -EPROTO);
    /* Damage before the first dump is nothing. */
    assert_int_equal(SEND(MSG_SHMIMAGE, 1, (struct gui_msg_shmimage){0, 0, 5, 5}), 0);
    assert_string_equal(calls->str, "");
}

static void number_of_windows_is_limited(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 10; i++)
        create_window(i, 0, 0, 5, 5);
    assert_int_equal(SEND(MSG_CREATE, 11, (struct gui_msg_create){0, 0, 5, 5, 0, 0}), -EPROTO);
}

static void dumps_are_checked(void **state)
{
    (void)state;
    create_window(1, 0, 0, 5, 5);
    assert_int_equal(dump(1, 64, 64, 3, -1u), -EPROTO); /* too few pages */
    assert_int_equal(dump(1, 0, 64, 3, -1u), -EPROTO);
    assert_int_equal(dump(1, 16385, 1, 17, -1u), -EPROTO);
    assert_int_equal(dump(1, 64, 64, 4, 2), -EPROTO); /* one is not granted */
    assert_int_equal(domain.pages, 0);
    assert_int_equal(dump(1, 64, 64, 100, 50), 0); /* spare ones are not even looked at */
    assert_int_equal(domain.pages, 4);
    assert_int_equal(dump(1, 64, 64, 4, 3), -EPROTO); /* the old one stays */
    assert_int_equal(shmbuf_fake_pages, 4);
    assert_int_equal(dump(1, 128, 64, 8, -1u), 0);
    assert_int_equal(shmbuf_fake_pages, 8);
}

static void memory_is_limited(void **state)
{
    (void)state;
    create_window(1, 0, 0, 5, 5);
    create_window(2, 0, 0, 5, 5);
    assert_int_equal(dump(1, 1024, 6000, 6000, -1u), 0);
    assert_int_equal(dump(2, 1024, 4001, 4001, -1u), -EPROTO);
    assert_int_equal(dump(2, 1024, 4000, 4000, -1u), 0);
    assert_int_equal(dump(1, 1024, 6001, 6001, -1u), -EPROTO);
    assert_int_equal(dump(1, 1024, 5000, 5000, -1u), 0);
    assert_int_equal(dump(1, 1024, 6000, 6000, -1u), 0);
}

static void configure_handshake(void **state)
{
    struct window *w;

    (void)state;
    create_window(1, 100, 100, 200, 100);
    w = domain_window(&domain, 1);
    SEND(MSG_MAP, 1, (struct gui_msg_map){0, 0});
    g_string_truncate(calls, 0);
    domain_window_moved(w, &(struct rect){150, 100, 200, 100});
    assert_string_equal(calls->str, "send-CONFIGURE(1) ");
    assert_int_equal(configure_sent.x, 150);
    assert_int_equal(SEND(MSG_CONFIGURE, 1, (struct gui_msg_configure){150, 100, 200, 100, 0}), 0);
    assert_string_equal(calls->str, "");
    assert_int_equal(SEND(MSG_CONFIGURE, 1, (struct gui_msg_configure){150, 100, 250, 100, 0}), 0);
    assert_string_equal(calls->str, "configure(1) ");
}

static void headers_cannot_hide(void **state)
{
    (void)state;
    create_window(1, 100, 100, 200, 100);
    SEND(MSG_MAP, 1, (struct gui_msg_map){0, 0});
    assert_int_equal(SEND(MSG_CONFIGURE, 1, (struct gui_msg_configure){0, 0, 200, 100, 0}), 0);
    assert_string_equal(calls->str, "send-CONFIGURE(1) configure(1) ");
    assert_int_equal(configure_sent.y, 30 + FRAME_HEADER);
}

static void popups(void **state)
{
    (void)state;
    create_window(1, 950, 0, 200, 100);
    assert_int_equal(SEND(MSG_MAP, 1, (struct gui_msg_map){0, 1}), 0);
    assert_string_equal(calls->str, "send-CONFIGURE(1) configure(1) map(1) ");
    assert_true(domain_window(&domain, 1)->override_redirect);
    assert_int_equal(configure_sent.x, 1000 - 2 - 200);
    assert_int_equal(configure_sent.y, 30 + 2);
    /* A change while mapped does not count. */
    SEND(MSG_MAP, 1, (struct gui_msg_map){0, 0});
    assert_true(domain_window(&domain, 1)->override_redirect);
    /* One as large as the screen gets a frame. */
    create_window(2, 0, 0, 1000, 800);
    SEND(MSG_MAP, 2, (struct gui_msg_map){0, 1});
    assert_non_null(strstr(calls->str, "popup_refused(2) "));
    assert_false(domain_window(&domain, 2)->override_redirect);
    assert_int_equal(window_frame_kind(domain_window(&domain, 2)), FRAME_NORMAL);
    /* One that grows to that while it is shown, too. */
    create_window(3, 100, 100, 50, 50);
    SEND(MSG_MAP, 3, (struct gui_msg_map){0, 1});
    assert_true(domain_window(&domain, 3)->override_redirect);
    SEND(MSG_CONFIGURE, 3, (struct gui_msg_configure){100, 100, 1000, 800, 1});
    assert_string_equal(calls->str, "popup_refused(3) unmap(3) map(3) configure(3) ");
    assert_int_equal(window_frame_kind(domain_window(&domain, 3)), FRAME_NORMAL);
}

static void popups_disabled(void **state)
{
    (void)state;
    options.override_redirect = false;
    create_window(1, 100, 100, 20, 20);
    SEND(MSG_MAP, 1, (struct gui_msg_map){0, 1});
    assert_false(domain_window(&domain, 1)->override_redirect);
}

static void fullscreen_is_refused_by_default(void **state)
{
    (void)state;
    create_window(1, 100, 100, 20, 20);
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){GUI_FLAG_FULLSCREEN, 0}), 0);
    assert_string_equal(calls->str, "maximize(1) send-WINDOW_FLAGS(1) ");
    assert_int_equal(flags_sent.set, GUI_FLAG_FULLSCREEN);
    assert_false(domain_window(&domain, 1)->fullscreen);
    options.allow_fullscreen = true;
    SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){GUI_FLAG_FULLSCREEN, 0});
    assert_string_equal(calls->str, "fullscreen(1) ");
    g_string_truncate(calls, 0);
    domain_window_fullscreen(domain_window(&domain, 1), false);
    assert_string_equal(calls->str, "send-WINDOW_FLAGS(1) ");
    assert_int_equal(flags_sent.unset, GUI_FLAG_FULLSCREEN);
}

static void flags(void **state)
{
    (void)state;
    create_window(1, 100, 100, 20, 20);
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){2, 2}), -EPROTO);
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){5, 0}), -EPROTO);
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){6, 0}), 0);
    assert_string_equal(calls->str, "attention(1,1) minimize(1) ");
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){0, 2}), 0);
    assert_string_equal(calls->str, "attention(1,0) ");
    /* Modal is ours: not in Qubes' protocol. */
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){GUI_FLAG_MODAL, 0}), 0);
    assert_string_equal(calls->str, "");
    domain.minor = GUI_MINOR_FRAMES;
    assert_int_equal(SEND(MSG_WINDOW_FLAGS, 1, (struct gui_msg_window_flags){GUI_FLAG_MODAL, 0}), 0);
    assert_string_equal(calls->str, "modal(1) ");
    assert_true(domain_window(&domain, 1)->modal);
}

static void hints_are_dropped_one_by_one(void **state)
{
    struct gui_msg_window_hints h = {
        .flags = UINT32_MAX,
        .min_width = 10,
        .min_height = 10,
        .max_width = 5,
        .max_height = 50, /* below the minimum */
        .width_inc = 0,
        .height_inc = 1, /* would divide by zero */
        .base_width = 4,
        .base_height = 20000,
    };

    (void)state;
    create_window(1, 100, 100, 20, 20);
    assert_int_equal(SEND(MSG_WINDOW_HINTS, 1, h), 0);
    assert_int_equal(domain_window(&domain, 1)->hints.flags,
                     GUI_HINT_MIN_SIZE | GUI_HINT_POSITION | GUI_HINT_USER_POSITION);
}

static void cursors(void **state)
{
    uint32_t good[] = {0, 0x100, 0x199}, bad[] = {1, 0xff, 0x19a, UINT32_MAX};

    (void)state;
    create_window(1, 100, 100, 20, 20);
    for (int i = 0; i < 3; i++)
        assert_int_equal(SEND(MSG_CURSOR, 1, good[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(SEND(MSG_CURSOR, 1, bad[i]), -EPROTO);
}

static void titles(void **state)
{
    struct gui_msg_wmname name;

    (void)state;
    options.title_prefix = "[work] ";
    create_window(1, 100, 100, 20, 20);
    memset(name.data, 'x', sizeof(name.data));
    name.data[0] = '\n';
    assert_int_equal(SEND(MSG_WMNAME, 1, name), 0);
    assert_int_equal(strlen(domain_window(&domain, 1)->title), 7 + 128);
    assert_memory_equal(domain_window(&domain, 1)->title, "[work] _xx", 10);
}

static void docks(void **state)
{
    (void)state;
    create_window(1, 100, 100, 20, 20);
    assert_int_equal(send(MSG_DOCK, 1, "", 0), 0);
    assert_string_equal(calls->str, "dock(1) ");
    SEND(MSG_MAP, 1, (struct gui_msg_map){0, 1});
    assert_false(domain_window(&domain, 1)->override_redirect);
    /* Its size is the tray's business. */
    SEND(MSG_CONFIGURE, 1, (struct gui_msg_configure){0, 0, 500, 500, 0});
    assert_int_equal(configure_sent.width, 20);
}

static void icons(void **state)
{
    uint32_t body[2 + 12] = {4, 3, [13] = 0x80112233};

    (void)state;
    create_window(1, 100, 100, 20, 20);
    assert_int_equal(send(MSG_WINDOW_ICON, 1, body, sizeof(body)), 0);
    assert_string_equal(calls->str, "icon(1,4,3,80112233) ");
    assert_int_equal(send(MSG_WINDOW_ICON, 1, body, sizeof(body) - 4), -EPROTO);
    body[0] = 0;
    assert_int_equal(send(MSG_WINDOW_ICON, 1, body, sizeof(body)), -EPROTO);
    body[0] = 0x40000001;
    body[1] = 4;
    assert_int_equal(send(MSG_WINDOW_ICON, 1, body, 8 + 16), -EPROTO);
}

/* A scale holds from the next dump on; then all that the agent hears is in its own pixels. */
static void scales(void **state)
{
    const uint32_t half = GUI_SCALE_ONE / 2, two = 2 * GUI_SCALE_ONE;
    struct gui_msg_map map = {0, 1};
    struct rect shown;

    (void)state;
    create_window(1, 100, 100, 200, 100);
    assert_int_equal(send(MSG_WINDOW_SCALE, 1, &half, sizeof(half)), 0);
    assert_int_equal(window_zoom(domain_window(&domain, 1)).num, 1);
    assert_int_equal(dump(1, 200, 100, 20, -1u), 0);
    assert_non_null(strstr(calls->str, "zoom(1) buffer(1)"));
    shown = window_on_screen(domain_window(&domain, 1));
    assert_true(rect_equal(&shown, &(struct rect){200, 200, 400, 200}));
    domain_window_moved(domain_window(&domain, 1), &(struct rect){200, 200, 401, 200});
    assert_int_equal(configure_sent.width, 201);
    /* Enlarged further, a menu would not fit any more. */
    create_window(2, 100, 100, 200, 200);
    assert_int_equal(send(MSG_WINDOW_SCALE, 2, &half, sizeof(half)), 0);
    assert_int_equal(send(MSG_MAP, 2, &map, sizeof(map)), 0);
    assert_int_equal(dump(2, 200, 200, 40, -1u), 0);
    domain_set_scale(&domain, two);
    shown = window_on_screen(domain_window(&domain, 2));
    assert_true(shown.y >= work.y && shown.y + shown.h <= work.y + work.h);
    assert_int_equal(configure_sent.y, (uint32_t)domain_window(&domain, 2)->configure.geometry.y);
}

static void reset_frees_all(void **state)
{
    (void)state;
    create_window(1, 0, 0, 64, 64);
    dump(1, 64, 64, 4, -1u);
    create_window(2, 0, 0, 64, 64);
    domain_reset(&domain);
    assert_int_equal(domain.pages, 0);
    assert_null(domain_window(&domain, 1));
    create_window(1, 0, 0, 64, 64);
}

static void every_type_has_a_cost(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < 200; type++) {
        const struct gui_message_info *info = gui_message_info(type);

        if (info && (info->directions & GUI_FROM_AGENT))
            assert_true(domain_message_cost(type) > 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(life),
        TEST(unknown_windows_are_violations),
        TEST(sizes),
        TEST(number_of_windows_is_limited),
        TEST(dumps_are_checked),
        TEST(memory_is_limited),
        TEST(configure_handshake),
        TEST(headers_cannot_hide),
        TEST(popups),
        TEST(popups_disabled),
        TEST(fullscreen_is_refused_by_default),
        TEST(flags),
        TEST(hints_are_dropped_one_by_one),
        TEST(cursors),
        TEST(titles),
        TEST(docks),
        TEST(icons),
        TEST(scales),
        TEST(reset_frees_all),
        TEST(every_type_has_a_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
