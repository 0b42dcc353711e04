/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the module of dom0's X server lets a client do, against a fake X server. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <X11/X.h>

#include "../../../gui-daemon/xorg/guest-buffer.h"
#include "fake_dix.h"

#define PAGES 5 /* of a picture of W * H pixels */
#define W     100
#define H     50

static int pages_fd;

static int setup(void **state)
{
    (void)state;
    pages_fd = memfd_create("pages", MFD_CLOEXEC);
    assert_int_equal(ftruncate(pages_fd, PAGES * SHMBUF_PAGE_SIZE), 0);
    assert_true(fake_dix_start());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAKE_CLIENTS; i++)
        fake_dix_client_gone(i);
    close(pages_fd);
    return fake_dix_counts().mapped_pages != 0;
}

static int attach_from(unsigned client, uint32_t id, uint16_t w, uint16_t h, struct shmbuf_piece piece,
                       int fd)
{
    struct {
        struct pixels_attach attach;
        struct shmbuf_piece piece;
    } request = {{.request = {.minor_opcode = PIXELS_ATTACH, .buffer = id}, .width = w, .height = h}, piece};

    return fake_dix_request(client, &request, sizeof(request), fd);
}

static int attach(unsigned client, uint32_t id)
{
    return attach_from(client, id, W, H, (struct shmbuf_piece){0, PAGES}, dup(pages_fd));
}

static int detach(unsigned client, uint32_t id)
{
    struct pixels_request request = {.minor_opcode = PIXELS_DETACH, .buffer = id};

    return fake_dix_request(client, &request, sizeof(request), -1);
}

static int put(unsigned client, uint32_t id, uint32_t window, struct pixels_rect rect)
{
    struct {
        struct pixels_put put;
        struct pixels_rect rect;
    } request = {{{.minor_opcode = PIXELS_PUT, .buffer = id}, window}, rect};

    return fake_dix_request(client, &request, sizeof(request), -1);
}

static const struct pixels_rect whole = {0, 0, W, H};

static void a_put_reads_the_pixels_and_is_answered(void **state)
{
    struct fake_dix_counts before = fake_dix_counts(), after;
    uint32_t id = fake_dix_id(0, 1);

    (void)state;
    assert_int_equal(attach(0, id), Success);
    assert_int_equal(put(0, id, FAKE_WINDOW, whole), Success);
    after = fake_dix_counts();
    assert_int_equal(after.replies - before.replies, 1);
    assert_int_equal(after.events - before.events, 1);
    assert_int_equal(after.pixels - before.pixels, W * H);
    assert_int_equal(after.mapped_pages, PAGES);
    assert_int_equal(detach(0, id), Success);
    assert_int_equal(put(0, id, FAKE_WINDOW, whole), BadValue);
    assert_int_equal(detach(0, id), BadValue);
    assert_int_equal(fake_dix_counts().mapped_pages, 0);
}

static void only_who_attached_may_use(void **state)
{
    uint32_t id = fake_dix_id(0, 1);

    (void)state;
    assert_int_equal(attach(0, id), Success);
    assert_int_equal(put(1, id, FAKE_WINDOW, whole), BadAccess);
    assert_int_equal(detach(1, id), BadAccess);
    assert_int_equal(attach(1, id), BadIDChoice);
    assert_int_equal(put(0, id, FAKE_WINDOW, whole), Success);
}

static void rectangles_stay_inside(void **state)
{
    static const struct pixels_rect bad[] = {{-1, 0, 1, 1},    {0, -1, 1, 1},    {0, 0, W + 1, 1},
                                             {0, 0, 1, H + 1}, {W, 0, 1, 1},     {0, H, 1, 1},
                                             {0, 0, 0, 1},     {0, 0, 1, 0},     {1, 0, W, 1},
                                             {0, 1, 1, H},     {0, 0, 65535, 1}, {32767, 0, 65535, 1}};
    struct {
        struct pixels_put put;
        struct pixels_rect rects[2];
    } twice = {{{.minor_opcode = PIXELS_PUT, .buffer = fake_dix_id(0, 1)}, FAKE_WINDOW},
               {whole, {0, 0, 1, 1}}};

    (void)state;
    assert_int_equal(attach(0, fake_dix_id(0, 1)), Success);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(put(0, fake_dix_id(0, 1), FAKE_WINDOW, bad[i]), BadValue);
    assert_int_equal(fake_dix_request(0, &twice, sizeof(twice), -1), BadValue);
}

static void windows_of_other_kinds_are_refused(void **state)
{
    (void)state;
    assert_int_equal(attach(0, fake_dix_id(0, 1)), Success);
    assert_int_equal(put(0, fake_dix_id(0, 1), FAKE_WINDOW_32, whole), BadMatch);
    assert_int_equal(put(0, fake_dix_id(0, 1), 1, whole), BadWindow);
}

static void what_does_not_match_is_not_mapped(void **state)
{
    uint32_t id = fake_dix_id(0, 1);
    struct shmbuf_piece good = {0, PAGES};

    (void)state;
    assert_int_equal(attach_from(0, id, W, H, good, -1), BadAccess);
    assert_int_equal(attach_from(0, id, W, H, good, open("/dev/null", O_RDWR)), BadAccess);
    assert_int_equal(attach_from(0, id, W, H, (struct shmbuf_piece){0, PAGES - 1}, dup(pages_fd)), BadMatch);
    assert_int_equal(attach_from(0, id, W, H, (struct shmbuf_piece){4096, PAGES}, dup(pages_fd)), BadMatch);
    assert_int_equal(attach_from(0, id, 0, H, good, dup(pages_fd)), BadMatch);
    assert_int_equal(attach_from(0, id, 65535, 65535, good, dup(pages_fd)), BadMatch);
    assert_int_equal(attach_from(0, fake_dix_id(1, 1), W, H, good, dup(pages_fd)), BadIDChoice);
    assert_int_equal(fake_dix_counts().resources, 0);
    assert_int_equal(fake_dix_counts().mapped_pages, 0);
}

static void lengths_are_checked(void **state)
{
    uint32_t words[64];

    (void)state;
    memset(words, 0, sizeof(words));
    for (uint8_t minor = 0; minor < 4; minor++) {
        for (size_t length = 1; length < sizeof(words) / 4; length++) {
            uint8_t head[4] = {0, minor, 0, 0};
            int rc;

            memcpy(words, head, sizeof(head));
            rc = fake_dix_request(0, words, length * 4, -1);
            assert_true(rc == BadLength || rc == BadRequest || rc == BadIDChoice || rc == BadValue);
        }
    }
}

/* The end of a client, of whatever kind, unmaps; the other's buffers stay. */
static void death_unmaps(void **state)
{
    (void)state;
    assert_int_equal(attach(0, fake_dix_id(0, 1)), Success);
    assert_int_equal(attach(0, fake_dix_id(0, 2)), Success);
    assert_int_equal(attach(1, fake_dix_id(1, 1)), Success);
    fake_dix_client_gone(0);
    assert_int_equal(fake_dix_counts().mapped_pages, PAGES);
    assert_int_equal(put(1, fake_dix_id(1, 1), FAKE_WINDOW, whole), Success);
}

/* More than a domain may have cannot be mapped twice over here either. */
static void memory_is_bounded(void **state)
{
    enum { BIG_W = 16384, BIG_H = 4096, BIG_PAGES = BIG_W * BIG_H / 1024 };
    struct shmbuf_piece piece = {0, BIG_PAGES};
    int big = memfd_create("big", MFD_CLOEXEC);
    unsigned n = 0;

    (void)state;
    assert_int_equal(ftruncate(big, (off_t)BIG_PAGES * SHMBUF_PAGE_SIZE), 0);
    while (attach_from(0, fake_dix_id(0, n + 1), BIG_W, BIG_H, piece, dup(big)) == Success)
        n++;
    assert_int_equal(n, PIXELS_MAX_PAGES / BIG_PAGES);
    assert_int_equal(attach_from(0, fake_dix_id(0, n + 1), BIG_W, BIG_H, piece, dup(big)), BadAlloc);
    assert_int_equal(attach_from(1, fake_dix_id(1, 1), BIG_W, BIG_H, piece, dup(big)), Success);
    close(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_put_reads_the_pixels_and_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(only_who_attached_may_use, setup, teardown),
        cmocka_unit_test_setup_teardown(rectangles_stay_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(windows_of_other_kinds_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_match_is_not_mapped, setup, teardown),
        cmocka_unit_test_setup_teardown(lengths_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(death_unmaps, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
