/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../gui-common/shmbuf.h"

static char dir[64];
static struct shmbuf_exporter *exporter;
static struct shmbuf_importer *importer;

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/shmbuf-XXXXXX");
    assert_non_null(mkdtemp(dir));
    setenv("GUI_SHM_DIR", dir, 1);
    setenv("VCHAN_DOMAIN", "7", 1);
    assert_int_equal(shmbuf_exporter_open(0, &exporter), 0);
    assert_int_equal(shmbuf_importer_open(7, &importer), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shmbuf_exporter_close(exporter);
    shmbuf_importer_close(importer);
    /* Everything that was shared has been removed: the directory is empty. */
    return rmdir(dir);
}

static void what_is_written_is_seen(void **state)
{
    struct shmbuf buf;
    struct shmbuf_map map;

    (void)state;
    assert_int_equal(shmbuf_alloc(exporter, 3, &buf), 0);
    memset(buf.data, 'a', 3 * SHMBUF_PAGE_SIZE);
    assert_int_equal(shmbuf_map(importer, buf.refs, 3, &map), 0);
    assert_memory_equal(map.data, buf.data, 3 * SHMBUF_PAGE_SIZE);
    ((char *)buf.data)[5000] = 'b';
    assert_int_equal(((const char *)map.data)[5000], 'b');
    shmbuf_free(exporter, &buf);
    /* The peer's mapping outlives the grant. */
    assert_int_equal(((const char *)map.data)[5000], 'b');
    shmbuf_unmap(importer, &map);
    assert_null(map.data);
}

static void any_order_and_mixture(void **state)
{
    struct shmbuf a, b;
    struct shmbuf_map map;
    uint32_t refs[4];

    (void)state;
    assert_int_equal(shmbuf_alloc(exporter, 2, &a), 0);
    assert_int_equal(shmbuf_alloc(exporter, 2, &b), 0);
    memset(a.data, 'a', SHMBUF_PAGE_SIZE);
    memset((char *)a.data + SHMBUF_PAGE_SIZE, 'A', SHMBUF_PAGE_SIZE);
    memset(b.data, 'b', 2 * SHMBUF_PAGE_SIZE);
    refs[0] = a.refs[1];
    refs[1] = b.refs[1];
    refs[2] = a.refs[0];
    refs[3] = a.refs[1];
    assert_int_equal(shmbuf_map(importer, refs, 4, &map), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(((const char *)map.data)[i * SHMBUF_PAGE_SIZE], "AbaA"[i]);
    shmbuf_unmap(importer, &map);
    shmbuf_free(exporter, &a);
    shmbuf_free(exporter, &b);
}

static void what_is_not_granted_cannot_be_mapped(void **state)
{
    struct shmbuf buf;
    struct shmbuf_map map;
    uint32_t refs[2];

    (void)state;
    assert_int_equal(shmbuf_alloc(exporter, 1, &buf), 0);
    refs[0] = buf.refs[0];
    refs[1] = buf.refs[0] + 1;
    assert_int_equal(shmbuf_map(importer, refs, 2, &map), -EINVAL);
    assert_null(map.data);
    assert_int_equal(shmbuf_map(importer, &(uint32_t){UINT32_MAX}, 1, &map), -EINVAL);
    assert_int_equal(shmbuf_map(importer, refs, 0, &map), -EINVAL);
    shmbuf_free(exporter, &buf);
    assert_int_equal(shmbuf_map(importer, refs, 1, &map), -EINVAL);
    assert_int_equal(shmbuf_alloc(exporter, 0, &buf), -EINVAL);
    assert_int_equal(shmbuf_alloc(exporter, 98305, &buf), -EINVAL);
}

static void another_process_can_adopt_a_map(void **state)
{
    struct shmbuf_map map, adopted;
    struct shmbuf_share share;
    struct shmbuf buf;

    (void)state;
    assert_int_equal(shmbuf_alloc(exporter, 3, &buf), 0);
    assert_int_equal(shmbuf_map(importer, buf.refs + 1, 2, &map), 0);
    assert_int_equal(shmbuf_share(importer, &map, &share), 0);
    assert_int_equal(shmbuf_adopt(share.fd, share.pieces, share.piece_count, &adopted), 0);
    shmbuf_unshare(importer, &share);
    close(share.fd);
    shmbuf_unmap(importer, &map);
    ((char *)buf.data)[SHMBUF_PAGE_SIZE + 7] = 'x';
    assert_int_equal(adopted.pages, 2);
    assert_int_equal(((const char *)adopted.data)[7], 'x');
    shmbuf_unmap(NULL, &adopted);
    assert_null(adopted.data);
    shmbuf_free(exporter, &buf);
}

static void nonsense_cannot_be_adopted(void **state)
{
    static const struct shmbuf_piece bad[] = {
        {0, 0},
        {0, 4},
        {SHMBUF_PAGE_SIZE, 3},
        {1, 1},
        {UINT64_MAX - SHMBUF_PAGE_SIZE + 1, 1},
        {0, UINT64_MAX},
        {1ull << 62, 98304},
        {0, 98305},
    };
    struct shmbuf_map map, adopted;
    struct shmbuf_piece many[SHMBUF_MAX_PIECES + 1];
    struct shmbuf_share share;
    struct shmbuf buf;

    (void)state;
    assert_int_equal(shmbuf_alloc(exporter, 3, &buf), 0);
    assert_int_equal(shmbuf_map(importer, buf.refs, 3, &map), 0);
    assert_int_equal(shmbuf_share(importer, &map, &share), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(shmbuf_adopt(share.fd, &bad[i], 1, &adopted), -EINVAL);
        assert_null(adopted.data);
    }
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
        many[i] = (struct shmbuf_piece){0, 1};
    assert_int_equal(shmbuf_adopt(share.fd, many, SHMBUF_MAX_PIECES + 1, &adopted), -EINVAL);
    assert_int_equal(shmbuf_adopt(share.fd, many, 0, &adopted), -EINVAL);
    close(share.fd);
    assert_int_equal(shmbuf_adopt(share.fd, share.pieces, share.piece_count, &adopted), -EACCES);
    shmbuf_unmap(importer, &map);
    assert_int_equal(shmbuf_share(importer, &map, &share), -ENOTSUP);
    shmbuf_free(exporter, &buf);
}

static void a_mixture_cannot_be_shared(void **state)
{
    struct shmbuf_map map;
    struct shmbuf_share share;
    struct shmbuf buf;

    (void)state;
    assert_int_equal(shmbuf_alloc(exporter, 3, &buf), 0);
    assert_int_equal(shmbuf_map(importer, (uint32_t[]){buf.refs[0], buf.refs[2]}, 2, &map), 0);
    assert_int_equal(shmbuf_share(importer, &map, &share), -ENOTSUP);
    shmbuf_unmap(importer, &map);
    shmbuf_free(exporter, &buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(any_order_and_mixture, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_granted_cannot_be_mapped, setup, teardown),
        cmocka_unit_test_setup_teardown(another_process_can_adopt_a_map, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_cannot_be_adopted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mixture_cannot_be_shared, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
