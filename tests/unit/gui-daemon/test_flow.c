/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What limits the flow: token bucket, ring of the X segment, cutting the stream. */
#include "check.h"

#include <stdlib.h>

#include "../../../gui-daemon/staging.h"
#include "../../../gui-daemon/stream.h"
#include "../../../gui-daemon/throttle.h"

static void bucket_allows_rate_and_burst(void **state)
{
    struct throttle t;
    int64_t now = 0, wait;

    (void)state;
    throttle_init(&t, 1000, 500, now);
    for (int i = 0; i < 500; i++)
        assert_int_equal(throttle_take(&t, 1, now), 0);
    wait = throttle_take(&t, 1, now);
    assert_int_equal(wait, 1000);
    assert_int_equal(throttle_take(&t, 1, now + 10000), 0);
    /* Rest does not save up more than the burst, however long. */
    now = INT64_MAX / 4;
    assert_int_equal(throttle_take(&t, 500, now), 0);
    assert_true(throttle_take(&t, 1, now) > 0);
}

static void bucket_of_a_second_lets_the_rate_pass(void **state)
{
    struct throttle t;
    int64_t now = 0;
    int passed = 0;

    (void)state;
    throttle_init(&t, 2000, 100, 0);
    while (now < 1000000) {
        int64_t wait = throttle_take(&t, 1, now);

        passed++;
        now += wait;
    }
    assert_in_range(passed, 2000, 2110);
}

static void ring_never_overlaps(void **state)
{
    struct staging ring;
    struct {
        size_t start, size;
    } used[STAGING_SLOTS];
    unsigned first = 0, count = 0, seed = 1;

    (void)state;
    staging_init(&ring, 1000);
    for (int step = 0; step < 200000; step++) {
        size_t offset, size;

        seed = seed * 1103515245u + 12345u;
        size = 1 + (seed >> 8) % 300;
        if ((seed >> 4) % 3 == 0 && count) {
            assert_true(staging_release(&ring));
            first = (first + 1) % STAGING_SLOTS;
            count--;
        } else if (staging_take(&ring, size, &offset)) {
            assert_true(offset + size <= 1000);
            for (unsigned i = 0; i < count; i++) {
                unsigned n = (first + i) % STAGING_SLOTS;

                assert_true(offset + size <= used[n].start || used[n].start + used[n].size <= offset);
            }
            used[(first + count) % STAGING_SLOTS].start = offset;
            used[(first + count) % STAGING_SLOTS].size = size;
            count++;
        }
    }
}

static void ring_edges(void **state)
{
    struct staging ring;
    size_t offset;

    (void)state;
    staging_init(&ring, 100);
    assert_false(staging_release(&ring));
    assert_false(staging_take(&ring, 0, &offset));
    assert_false(staging_take(&ring, 101, &offset));
    assert_true(staging_take(&ring, 100, &offset));
    assert_false(staging_take(&ring, 1, &offset));
    assert_true(staging_release(&ring));
    assert_true(staging_take(&ring, 1, &offset));
}

/* Feed `size` bytes in pieces of at most `piece`; events are counted. */
static void feed(struct stream *s, const uint8_t *bytes, size_t size, size_t piece, int count[4])
{
    while (size) {
        size_t want;
        void *to = stream_want(s, &want);
        enum stream_event event;

        assert_true(want > 0);
        want = want < piece ? want : piece;
        want = want < size ? want : size;
        memcpy(to, bytes, want);
        bytes += want;
        size -= want;
        event = stream_got(s, want);
        count[event]++;
        if (event == STREAM_GOT_VERSION)
            stream_start(s, s->untrusted_version & 0xffff);
    }
}

static size_t put_message(uint8_t *at, uint32_t type, uint32_t length)
{
    struct gui_msg_header header = {type, 5, length};

    memcpy(at, &header, sizeof(header));
    memset(at + sizeof(header), 0x55, length);
    return sizeof(header) + length;
}

static void stream_in_any_pieces(void **state)
{
    uint8_t *bytes = malloc(200000);
    size_t size = 4;

    (void)state;
    memcpy(bytes, &(uint32_t){GUI_VERSION(8)}, 4);
    size += put_message(bytes + size, MSG_CREATE, 24);
    size += put_message(bytes + size, MSG_UNMAP, 0);
    size += put_message(bytes + size, MSG_KEYPRESS, 20); /* wrong direction */
    size += put_message(bytes + size, MSG_MAP, 7);       /* wrong length */
    size += put_message(bytes + size, 9999, 5000);       /* unknown */
    size += put_message(bytes + size, MSG_DESTROY, 0);
    size += put_message(bytes + size, MSG_CLIPBOARD_DATA, 100000);
    size += put_message(bytes + size, MSG_DOCK, 1); /* wrong length */
    size += put_message(bytes + size, MSG_CURSOR, 4);
    for (size_t piece = 1; piece < 40; piece += 3) {
        struct stream s;
        int count[4] = {0};

        stream_init(&s);
        feed(&s, bytes, size, piece == 37 ? 100000 : piece, count);
        assert_int_equal(count[STREAM_GOT_VERSION], 1);
        assert_int_equal(count[STREAM_GOT_MESSAGE], 5);
        assert_int_equal(count[STREAM_BAD_MESSAGE], 4);
        assert_int_equal(s.state, STREAM_HEADER);
        assert_int_equal(s.header.type, MSG_CURSOR);
        assert_int_equal(s.body_size, 4096); /* the large buffer was given back */
        stream_free(&s);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_allows_rate_and_burst),
        cmocka_unit_test(bucket_of_a_second_lets_the_rate_pass),
        cmocka_unit_test(ring_never_overlaps),
        cmocka_unit_test(ring_edges),
        cmocka_unit_test(stream_in_any_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
