/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filecopy: names, symlinks, checksum, and the receiver against hostile streams. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "crc32.h"
#include "filecopy.h"
#include "names.h"
#include "util.h"

static char dir[] = "/tmp/filecopy-test.XXXXXX";
static int dir_fd;

static void names(void **state)
{
    (void)state;
    assert_true(name_is_path("a/b c/d"));
    assert_true(name_is_path("...") && name_is_path(".hidden"));
    assert_false(name_is_path("/a") || name_is_path("a/") || name_is_path("a//b") || name_is_path("") ||
                 name_is_path("a/./b") || name_is_path("..") || name_is_path("a/../b") || name_is_path("."));
    assert_true(name_displayable("Größe Ωμέγα Ёж 日本語 かな 한글 ⠿"));
    assert_false(name_displayable("tab\t") || name_displayable("\x7f") || name_displayable("\xff") ||
                 name_displayable("\xc0\xaf") ||     /* overlong '/' */
                 name_displayable("\xed\xa0\x80") || /* surrogate */
                 name_displayable("a\xe2\x80\xae"
                                  "b") ||            /* right-to-left override */
                 name_displayable("\xe2\x80\x8b") || /* zero width space */
                 name_displayable("e\xcc\x81") ||    /* combining accent */
                 name_displayable("\xd7\x90") ||     /* Hebrew */
                 name_displayable("\xc2\xa0") ||
                 name_displayable("\xc2\xad") || name_displayable("\xe2\x82"));
}

static void symlinks(void **state)
{
    (void)state;
    assert_true(name_symlink_safe("top/link", "file"));
    assert_true(name_symlink_safe("top/sub/link", "../file"));
    assert_true(name_symlink_safe("top/a/b/link", "../../x/y"));
    assert_false(name_symlink_safe("link", "file") || name_symlink_safe("top/link", "../x") ||
                 name_symlink_safe("top/sub/link", "../../x") ||
                 name_symlink_safe("top/link", "/etc/passwd") ||
                 name_symlink_safe("top/sub/link", "x/../../y") || name_symlink_safe("top/link", "a/../b") ||
                 name_symlink_safe("top/link", "") || name_symlink_safe("top/link", "./a") ||
                 name_symlink_safe("top/link", "a//b") || name_symlink_safe("top/link", "a/"));
}

static uint32_t slow_crc(const unsigned char *p, size_t size)
{
    uint32_t c = ~0u;

    for (; size; size--, p++) {
        c ^= *p;
        for (int i = 0; i < 8; i++)
            c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
    }
    return ~c;
}

static void checksum(void **state)
{
    unsigned char data[700];

    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xCBF43926);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 131 >> 2);
    for (size_t size = 0; size <= sizeof(data); size++) {
        assert_int_equal(crc32_update(0, data, size), slow_crc(data, size));
        assert_int_equal(crc32_update(crc32_update(0, data, size), data + size, sizeof(data) - size),
                         slow_crc(data, sizeof(data)));
    }
}

/* ---- streams ---- */

static struct buffer stream;

static void entry_sized(const char *name, uint32_t mode, const void *content, size_t size, uint64_t said)
{
    struct filecopy_header h = {
        .name_len = (uint32_t)strlen(name), .mode = mode, .size = said, .mtime = 1000000000};

    buffer_add(&stream, &h, sizeof(h));
    buffer_add(&stream, name, strlen(name));
    buffer_add(&stream, content, size);
}

static void entry(const char *name, uint32_t mode, const char *content)
{
    entry_sized(name, mode, content, strlen(content), strlen(content));
}

static void end(void)
{
    struct filecopy_header h = {0};

    buffer_add(&stream, &h, sizeof(h));
}

/* Feed the collected stream; returns the error the sender is told. */
static int run(struct unpack_options *o)
{
    struct filecopy_result result;
    int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC), ret;

    assert_int_equal(write_all(in, stream.data + stream.start, stream.used), 0);
    lseek(in, 0, SEEK_SET);
    o->dir = dir_fd;
    ret = unpack_receive(in, out, o, NULL);
    assert_int_equal(pread(out, &result, sizeof(result), 0), sizeof(result));
    assert_int_equal((int)result.error, -ret);
    if (ret == 0)
        assert_int_equal(result.crc, slow_crc((unsigned char *)stream.data + stream.start, stream.used));
    close(in);
    close(out);
    buffer_free(&stream);
    return -ret;
}

static int run_plain(void)
{
    return run(&(struct unpack_options){0});
}

static void fresh_dir(void)
{
    char command[128];

    snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s/*", dir, dir);
    assert_int_equal(system(command), 0);
}

static void good_stream(void **state)
{
    struct stat st;
    char path[128], target[32] = "";

    (void)state;
    fresh_dir();
    entry("top", S_IFDIR | 0555, "");
    entry("top/file", S_IFREG | 0640, "content");
    entry("top/empty", S_IFREG | 0600, "");
    entry("top/link", S_IFLNK | 0777, "file");
    entry("top", S_IFDIR | 0555, "");
    end();
    assert_int_equal(run_plain(), 0);
    snprintf(path, sizeof(path), "%s/top/file", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    assert_int_equal(st.st_size, 7);
    assert_int_equal(st.st_mtim.tv_sec, 1000000000);
    snprintf(path, sizeof(path), "%s/top/link", dir);
    assert_int_equal(readlink(path, target, sizeof(target)), 4);
    snprintf(path, sizeof(path), "%s/top", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0555);
}

static void bad_entries(void **state)
{
    static const struct {
        const char *name;
        uint32_t mode;
        const char *content;
        int error;
    } cases[] = {
        {"../x", S_IFREG | 0600, "", EINVAL},
        {"/tmp/x", S_IFREG | 0600, "", EINVAL},
        {"a/../b", S_IFREG | 0600, "", EINVAL},
        {"x\n", S_IFREG | 0600, "", EILSEQ},
        {"x/", S_IFDIR | 0700, "", EINVAL},
        {"fifo", S_IFIFO | 0600, "", EINVAL},
        {"dev", S_IFCHR | 0600, "", EINVAL},
        {"sock", S_IFSOCK | 0600, "", EINVAL},
        {"none", 0600, "", EINVAL},
        {"link", S_IFLNK | 0777, "x", EPERM},
        {"dir", S_IFDIR | 0700, "content", EINVAL},
        {"no/such/dir", S_IFREG | 0600, "", ENOENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fresh_dir();
        entry(cases[i].name, cases[i].mode, cases[i].content);
        end();
        assert_int_equal(run_plain(), cases[i].error);
    }
}

static void bad_links(void **state)
{
    static const struct {
        const char *target;
        int error;
    } cases[] = {
        {"../x", EPERM}, {"/etc/passwd", EPERM}, {"a/../../b", EPERM}, {"", EINVAL}, {"x\x1b", EILSEQ}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fresh_dir();
        entry("top", S_IFDIR | 0700, "");
        entry("top/link", S_IFLNK | 0777, cases[i].target);
        end();
        assert_int_equal(run_plain(), cases[i].error);
    }
    fresh_dir();
    entry("top", S_IFDIR | 0700, "");
    entry("top/link", S_IFLNK | 0777, "/etc/passwd");
    end();
    assert_int_equal(run(&(struct unpack_options){.allow_unsafe_symlinks = true}), 0);
    /* what is received later must not go through it */
    entry("top/link/x", S_IFREG | 0600, "");
    end();
    assert_int_equal(run_plain(), ENOTDIR);
}

static void never_overwrites(void **state)
{
    (void)state;
    fresh_dir();
    entry("file", S_IFREG | 0600, "first");
    end();
    assert_int_equal(run_plain(), 0);
    entry("file", S_IFREG | 0600, "second");
    end();
    assert_int_equal(run_plain(), EEXIST);
    entry("file", S_IFDIR | 0700, "");
    end();
    assert_int_equal(run_plain(), ENOTDIR);
}

static void limits(void **state)
{
    (void)state;
    fresh_dir();
    entry("a", S_IFREG | 0600, "12345");
    entry("b", S_IFREG | 0600, "12345");
    end();
    assert_int_equal(run(&(struct unpack_options){.max_bytes = 9}), EDQUOT);
    fresh_dir();
    entry("a", S_IFREG | 0600, "");
    entry("b", S_IFREG | 0600, "");
    end();
    assert_int_equal(run(&(struct unpack_options){.max_files = 1}), EDQUOT);
    fresh_dir();
    entry_sized("a", S_IFREG | 0600, "", 0, UINT64_MAX);
    assert_int_equal(run_plain(), EINVAL);
    entry_sized("a", S_IFLNK | 0600, "", 0, 16384);
    assert_int_equal(run_plain(), EINVAL);
}

static void cut_short(void **state)
{
    char path[128];

    (void)state;
    fresh_dir();
    entry_sized("whole", S_IFREG | 0600, "12345", 5, 10);
    assert_int_equal(run_plain(), EPIPE);
    snprintf(path, sizeof(path), "%s/whole", dir);
    assert_int_equal(access(path, F_OK), -1); /* no half file under the name */
    entry("x", S_IFREG | 0600, "");
    assert_int_equal(run_plain(), EPIPE);
    assert_int_equal(run_plain(), EPIPE);
}

static void bad_headers(void **state)
{
    struct filecopy_header h = {.name_len = 16384, .mode = S_IFREG};

    (void)state;
    buffer_add(&stream, &h, sizeof(h));
    assert_int_equal(run_plain(), ENAMETOOLONG);
    h.name_len = 0;
    buffer_add(&stream, &h, sizeof(h));
    assert_int_equal(run_plain(), ENAMETOOLONG);
    h = (struct filecopy_header){.name_len = 1, .mode = S_IFREG | 0600, .mtime_ns = 1000000000};
    buffer_add(&stream, &h, sizeof(h));
    buffer_add(&stream, "a", 1);
    assert_int_equal(run_plain(), EINVAL);
    h = (struct filecopy_header){.name_len = 3, .mode = S_IFREG | 0600};
    buffer_add(&stream, &h, sizeof(h));
    buffer_add(&stream, "a\0b", 3);
    assert_int_equal(run_plain(), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),       cmocka_unit_test(symlinks),         cmocka_unit_test(checksum),
        cmocka_unit_test(good_stream), cmocka_unit_test(bad_entries),      cmocka_unit_test(bad_links),
        cmocka_unit_test(limits),      cmocka_unit_test(never_overwrites), cmocka_unit_test(cut_short),
        cmocka_unit_test(bad_headers),
    };
    char command[128];
    int ret;

    if (!mkdtemp(dir) || (dir_fd = open(dir, O_RDONLY | O_DIRECTORY)) < 0)
        return 1;
    ret = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", dir, dir);
    return system(command) || ret;
}
