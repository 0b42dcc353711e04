/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decompressors against what the system's own packers make, whole, cut short and damaged. */
#include "hvtest.h"
#include "bh/decompress.h"
#include "bh/lib.h"
#include "bh/xen.h"
#include <unistd.h>

static uint64_t scratch[DECOMPRESS_SCRATCH / 8];

struct blob {
    uint8_t *p;
    size_t len;
};

static struct blob blob_new(size_t len)
{
    return (struct blob){malloc(len ? len : 1), len};
}

/* Contents that exercise different coders. */
static uint32_t random_state;
static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static struct blob make_text(size_t len)
{
    static const char *const words[] = {"domain ", "grant ", "event channel ", "frame ",
                                        "p2m ",    "vcpu\n", "0x1000 "};
    struct blob b = blob_new(len);

    for (size_t i = 0; i < len;) {
        const char *w = words[next_random() % ARRAY_SIZE(words)];

        for (; *w && i < len; i++)
            b.p[i] = (uint8_t)*w++;
        if (i < len && next_random() % 4 == 0)
            b.p[i++] = (uint8_t)('a' + next_random() % 26);
    }
    return b;
}

static struct blob make_noise(size_t len)
{
    struct blob b = blob_new(len);

    for (size_t i = 0; i < len; i++)
        b.p[i] = (uint8_t)next_random();
    return b;
}

static struct blob make_zeroes(size_t len)
{
    struct blob b = blob_new(len);

    memset(b.p, 0, b.len);
    return b;
}

/* Machine code, for the branch filter: this program. */
static struct blob make_code(size_t len)
{
    struct blob b = blob_new(len);
    FILE *f = fopen("/proc/self/exe", "rb");

    b.len = fread(b.p, 1, len, f);
    fclose(f);
    return b;
}

/* Noise full of call opcodes whose operands look like addresses: the filter's overlapping cases. */
static struct blob make_calls(size_t len)
{
    static const uint8_t bytes[] = {0xe8, 0xe9, 0x00, 0xff, 0x01, 0xe8, 0x00, 0x7f};
    struct blob b = blob_new(len);

    for (size_t i = 0; i < len; i++)
        b.p[i] = bytes[next_random() % ARRAY_SIZE(bytes)];
    return b;
}

static const struct {
    const char *name;
    struct blob (*make)(size_t len);
    size_t len;
} contents[] = {
    {"one byte", make_text, 1},    {"little text", make_text, 500},   {"text", make_text, 300000},
    {"noise", make_noise, 200000}, {"zeroes", make_zeroes, 1000000},  {"code", make_code, 1000000},
    {"calls", make_calls, 100000}, {"much text", make_text, 9000000}, {"short noise", make_noise, 40},
};

/*
 * As Linux' build calls them, at several levels. The first two are quick and get the large contents too: more
 * than a window or a block of each format.
 */
#define QUICK_PACKERS 2
#define LARGE         1000001
static const char *const packers[] = {
    "zstd -q -1",
    "xz --check=crc32 --x86 --lzma2=preset=0,dict=32MiB",
    "xz --check=crc32 --x86 --lzma2=dict=32MiB",
    "xz --check=crc32 --x86 --lzma2=preset=1,dict=32MiB",
    "zstd -q -19",
    "zstd -q -22 --ultra --zstd=wlog=22,clog=20,hlog=20",
    "zstd -q --fast=5",
};

static struct blob pack(const char *packer, struct blob in)
{
    char path[] = "/tmp/hv-unit-XXXXXX", command[300];
    int fd = mkstemp(path);
    FILE *f;
    struct blob out = blob_new(in.len * 2 + 4096);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, in.p, in.len), in.len);
    close(fd);
    snprintf(command, sizeof(command), "cat %s | %s", path, packer);
    f = popen(command, "r");
    assert_non_null(f);
    out.len = fread(out.p, 1, out.len, f);
    if (pclose(f))
        out.len = 0;
    unlink(path);
    return out;
}

/* Unpack from and into memory of exactly these sizes, so that ASan sees a byte too far. */
static int unpack(struct blob in, size_t cap, struct blob *out)
{
    struct blob exact = blob_new(in.len);
    int rc;

    memcpy(exact.p, in.p, in.len);
    *out = blob_new(cap);
    rc = decompress(exact.p, in.len, out->p, cap, scratch);
    free(exact.p);
    return rc;
}

static void check_round_trip(const char *packer, unsigned content)
{
    struct blob in = contents[content].make(contents[content].len), packed = pack(packer, in), out;

    if (!packed.len) {
        print_message("%s is missing or failed\n", packer);
        fail();
    }
    assert_int_equal(unpack(packed, in.len, &out), 0);
    assert_memory_equal(out.p, in.p, in.len);
    free(out.p);
    if (in.len) {
        assert_int_equal(unpack(packed, in.len - 1, &out), -XEN_E2BIG);
        free(out.p);
    }
    free(in.p);
    free(packed.p);
}

static void unpacks_what_the_packers_make(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(packers); i++)
        for (unsigned c = 0; c < ARRAY_SIZE(contents); c++)
            if (contents[c].len < LARGE || i < QUICK_PACKERS)
                check_round_trip(packers[i], c);
}

static void every_cut_is_an_error(void **state)
{
    struct blob in = make_text(2000), packed, out;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(packers); i++) {
        packed = pack(packers[i], in);
        for (size_t len = 0; len < packed.len; len++) {
            /* xz's index and footer are not looked at: a cut there loses nothing */
            if (!unpack((struct blob){packed.p, len}, in.len, &out))
                assert_true(!strncmp(packers[i], "xz", 2) && !memcmp(out.p, in.p, in.len));
            free(out.p);
        }
        free(packed.p);
    }
    free(in.p);
}

/* Damage is found or did no harm. */
static void damage_is_found(void **state)
{
    struct blob in = make_text(600), packed, out;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(packers); i++) {
        packed = pack(packers[i], in);
        for (size_t at = 0; at < packed.len * 8; at++) {
            packed.p[at / 8] ^= (uint8_t)(1 << at % 8);
            if (!unpack(packed, in.len, &out))
                assert_memory_equal(out.p, in.p, in.len);
            free(out.p);
            packed.p[at / 8] ^= (uint8_t)(1 << at % 8);
        }
        free(packed.p);
    }
    free(in.p);
}

static void unknown_formats(void **state)
{
    static const char *const others[] = {
        "gzip",
        "lz4 -l -c -",
        "xz --check=crc64 --x86 --lzma2=dict=32MiB",
        "xz --check=none --x86 --lzma2=dict=32MiB",
        "xz --check=crc32 --lzma2=dict=32MiB",
        "xz --check=crc32 --x86 --lzma2=dict=64MiB",
        "xz --check=crc32 --x86 --lzma2=dict=32MiB,lc=1,lp=3,pb=0",
        "xz --block-size=100000 --threads=2 --check=crc32 --x86 --lzma2=dict=32MiB",
        "zstd -q --no-check",
        "zstd -q --stream-size=500",
    };
    struct blob out;

    (void)state;
    assert_int_equal(unpack((struct blob){(uint8_t *)"BZh91AY", 7}, 10, &out), -XEN_ENOSYS);
    free(out.p);
    assert_int_equal(unpack((struct blob){(uint8_t *)"", 0}, 10, &out), -XEN_ENOSYS);
    free(out.p);
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
        struct blob in = make_text(500), packed = pack(others[i], in);

        assert_int_equal(unpack(packed, in.len, &out), -XEN_ENOSYS);
        free(out.p);
        free(in.p);
        free(packed.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacks_what_the_packers_make),
        cmocka_unit_test(every_cut_is_an_error),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(unknown_formats),
    };

    return cmocka_run_group_tests_name("decompress", tests, NULL, NULL);
}
