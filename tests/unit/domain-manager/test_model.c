/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, volume files, properties, application lists, guest keys: in-process, under sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../domain-manager/common/guest_store.h"
#include "appmenus.h"
#include "dm_error.h"
#include "guest_keys.h"
#include "labels.h"
#include "manager.h"
#include "property.h"
#include "rules.h"
#include "store.h"
#include "volume.h"

static char dir[] = "/tmp/dm-unit-XXXXXX";

static char *in_dir(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "Work-1", "sys.net_2", "abcdefghijklmnopqrstuvwxyz01234"};
    static const char *const bad[] = {
        "",        "1a",       "-a",         ".a",   "_a",
        "a b",     "a/b",      "a\n",        "none", "default",
        "dom0",    "Domain-0", "lost+found", "x-dm", "abcdefghijklmnopqrstuvwxyz012345",
        "\xc3\xa4"};
    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(rules_name_check(good[i], NULL));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        assert_false(rules_name_check(bad[i], &error));
        assert_non_null(error);
        assert_string_equal(dm_error_exception(error), "QubesPropertyValueError");
    }
}

static void test_labels(void **state)
{
    (void)state;
    assert_int_equal(labels_find("red")->index, 1);
    assert_int_equal(labels_find("black")->index, 8);
    assert_int_equal(labels_find("blue")->rgb, 0x3465a4);
    assert_null(labels_find("pink"));
    assert_null(labels_find(""));
    for (int c = 0; c < CLASS_COUNT; c++)
        assert_int_equal(rules_class_parse(rules_class_name((enum domain_class)c)), c);
    assert_int_equal(rules_class_parse("FooVM"), -1);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        guint64 bytes;
    } good[] = {{"0", 0},          {"4096", 4096},  {"2K", 2048},
                {"3MiB", 3 << 20}, {"1g", 1 << 30}, {"5GB", 5ULL << 30}};
    static const char *const bad[] = {"",         "x",  "-1", "1Q", "1GiBx", "99999999999999999999",
                                      "9999999T", " 1", "K"};
    guint64 n;
    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(rules_size_parse(good[i].text, &n, NULL));
        assert_true(n == good[i].bytes);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(rules_size_parse(bad[i], &n, NULL));
}

static void test_tags_features(void **state)
{
    (void)state;
    assert_true(rules_tag_check("a-b_1", NULL));
    assert_false(rules_tag_check("", NULL));
    assert_false(rules_tag_check("a b", NULL));
    assert_true(rules_feature_check("service.x", "", NULL));
    assert_false(rules_feature_check("a=b", "", NULL));
    assert_false(rules_feature_check("a", "\xff", NULL));
    assert_int_equal(rules_bool_parse("True"), 1);
    assert_int_equal(rules_bool_parse(""), 0);
    assert_int_equal(rules_bool_parse("maybe"), -1);
    assert_false(rules_text_printable("a\x1b[0m"));
}

static void test_store(void **state)
{
    g_autofree char *path = in_dir("settings"), *other = in_dir("other"), *text = NULL;
    g_autoptr(GError) error = NULL;
    (void)state;
    assert_true(store_write(path, "one", 3, NULL));
    assert_true(store_write(path, "two!", 4, NULL));
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "two!");
    assert_true(store_write(other, "", 0, NULL));
    assert_false(store_rename(path, other, &error)); /* never replaces */
    assert_string_equal(dm_error_exception(error), "StoragePoolException");
    assert_false(store_write("/nonexistent/x", "", 0, NULL));
    assert_true(store_remove_tree("/tmp/dm-unit-does-not-exist", NULL));
}

static void fill(const char *path, off_t at, const char *text)
{
    int fd = open(path, O_RDWR);
    assert_true(pwrite(fd, text, strlen(text), at) == (ssize_t)strlen(text));
    close(fd);
}

static void test_sparse_copy(void **state)
{
    g_autofree char *a = in_dir("a.img"), *b = in_dir("b.img");
    char buffer[8] = "";
    struct stat st;
    (void)state;
    assert_true(volume_create_blank(a, 1ULL << 32, NULL));
    fill(a, 0, "begin");
    fill(a, (1LL << 32) - 5, "end!!");
    assert_true(volume_copy(a, b, NULL));
    assert_int_equal(stat(b, &st), 0);
    assert_true(st.st_size == 1LL << 32 && st.st_blocks < 100);
    int fd = open(b, O_RDONLY);
    assert_int_equal(pread(fd, buffer, 5, (1LL << 32) - 5), 5);
    assert_memory_equal(buffer, "end!!", 5);
    close(fd);
    assert_false(volume_copy(a, b, NULL)); /* never replaces */
    assert_false(volume_copy("/nonexistent", b, NULL));
}

static char *copy_sum(const char *from, const char *to)
{
    int in = open(from, O_RDONLY), out = to ? open(to, O_RDWR | O_CREAT | O_EXCL, 0600) : -1;
    g_autoptr(GError) error = NULL;
    char *sum = volume_copy_sum(in, out, &error);
    assert_non_null(sum);
    close(in);
    if (out >= 0)
        close(out);
    return sum;
}

/* Stored zeros and holes are the same; a byte in another place, or another size, is not. */
static void test_sum(void **state)
{
    g_autofree char *holes = in_dir("holes"), *zeros = in_dir("zeros"), *copy = in_dir("copied");
    g_autofree char *text = g_malloc0(3000000);
    struct stat st;
    (void)state;
    memcpy(text + 2000000, "data", 4);
    text[2999999] = 1;
    assert_true(g_file_set_contents(zeros, text, 3000000, NULL));
    int fd = open(holes, O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, "data", 4, 2000000) + pwrite(fd, "\1", 1, 2999999), 5);
    g_autofree char *a = copy_sum(holes, NULL), *b = copy_sum(zeros, copy), *c = copy_sum(copy, NULL);
    g_autofree char *d = volume_sum_text(text, 3000000), *shorter = volume_sum_text(text, 2999999);
    assert_string_equal(a, b);
    assert_string_equal(a, c);
    assert_string_equal(a, d);
    assert_string_not_equal(a, shorter);
    assert_int_equal(stat(copy, &st), 0);
    assert_true(st.st_size == 3000000 && st.st_blocks * 512 < 100000);
    assert_int_equal(pwrite(fd, "data", 4, 1000000), 4);
    g_autofree char *other = copy_sum(holes, NULL);
    assert_string_not_equal(a, other);
    close(fd);
}

static void test_import(void **state)
{
    g_autofree char *a = in_dir("import.img"), *text = NULL;
    g_autoptr(GError) error = NULL;
    int fds[2];
    (void)state;
    assert_true(volume_create_blank(a, 100, NULL));
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    close(fds[1]);
    assert_false(volume_import_fd(a, fds[0], 6, &error)); /* one byte is missing: the old content stays */
    assert_non_null(strstr(error->message, "old volume is kept"));
    close(fds[0]);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    close(fds[1]);
    assert_true(volume_import_fd(a, fds[0], 0, NULL));
    close(fds[0]);
    gsize size = 0;
    assert_true(g_file_get_contents(a, &text, &size, NULL));
    assert_int_equal(size, 100);
    assert_memory_equal(text, "hello", 5);
}

static struct manager *fresh_manager(const char *name)
{
    g_autofree char *state_dir = in_dir(name), *run = in_dir("run"), *image = NULL, *template_dir = NULL;
    struct manager *m = manager_new(state_dir, run, run, NULL);
    assert_non_null(m);
    template_dir = manager_template_dir(m, "deb");
    g_mkdir_with_parents(template_dir, 0755);
    image = g_build_filename(template_dir, "root.img", NULL);
    assert_true(store_write(image, "x", 1, NULL));
    manager_adopt_templates(m);
    return m;
}

static struct domain *make(struct manager *m, enum domain_class klass, const char *name)
{
    struct domain_spec spec = {.klass = klass, .name = name};
    struct domain *d = domain_create(m, &spec, NULL);
    assert_non_null(d);
    return d;
}

static void assert_property(struct domain *d, const char *name, const char *expected)
{
    g_autofree char *value = property_get(d, name, NULL);
    assert_string_equal(value, expected);
}

static void test_property_defaults(void **state)
{
    struct manager *m = fresh_manager("defaults");
    struct domain *a = make(m, CLASS_APP, "a");
    (void)state;
    assert_property(a, "template", "deb");
    assert_property(a, "label", "red");
    assert_property(a, "memory", "400");
    assert_property(a, "maxmem", "4000");
    assert_property(a, "netvm", "");
    assert_property(a, "guivm", "dom0");
    assert_property(a, "klass", "AppVM");
    assert_property(a, "icon", "appvm-red");
    assert_true(property_set(a, "memory", "100", NULL));
    assert_property(a, "maxmem", "1000");
    assert_true(property_set(a, "template_for_dispvms", "1", NULL));
    assert_property(a, "template_for_dispvms", "True");
    assert_null(property_get(a, "auto_cleanup", NULL)); /* DispVM's */
    assert_null(property_get(a, "nonsense", NULL));
    assert_true(system_property_set(m, "default_dispvm", "a", NULL));
    assert_property(a, "default_dispvm", "a");
    assert_false(domain_remove(a, NULL));
    assert_true(system_property_reset(m, "default_dispvm", NULL));
    assert_true(domain_remove(a, NULL));
    manager_free(m);
}

/* Each property of each class: has a value, a type and a help text; read-only ones refuse. */
static void test_property_table(void **state)
{
    struct manager *m = fresh_manager("table");
    (void)state;
    make(m, CLASS_APP, "app");
    make(m, CLASS_STANDALONE, "standalone");
    g_autoptr(GPtrArray) all = manager_sorted(m);
    for (guint i = 0; i < all->len; i++) {
        g_autofree const char **names = property_names(all->pdata[i]);
        for (const char **n = names; *n; n++) {
            g_autofree char *value = property_get(all->pdata[i], *n, NULL);
            assert_non_null(value);
            assert_non_null(property_type_name(*n));
            assert_non_null(property_help(*n));
            assert_false(property_set(all->pdata[i], *n, "\x01", NULL));
        }
    }
    g_autofree const char **system = system_property_names();
    for (const char **n = system; *n; n++) {
        assert_non_null(system_property_help(*n));
        assert_false(system_property_set(m, *n, "\x01", NULL));
    }
    manager_free(m);
}

static void test_reload(void **state)
{
    struct manager *m = fresh_manager("reload");
    struct domain *a = make(m, CLASS_APP, "a");
    (void)state;
    assert_true(property_set(a, "kernelopts", " leading; and=odd [chars] \\n ", NULL));
    assert_true(domain_store(a, a->features, "vm-config.x", "line 1\nline 2\ttab", NULL));
    g_autofree char *uuid = g_strdup(a->uuid);
    manager_free(m);
    g_autofree char *state_dir = in_dir("reload"), *run = in_dir("run");
    m = manager_new(state_dir, run, run, NULL);
    a = manager_find(m, "a");
    assert_non_null(a);
    assert_string_equal(a->uuid, uuid);
    assert_property(a, "kernelopts", " leading; and=odd [chars] \\n ");
    assert_string_equal(domain_feature(a, "vm-config.x"), "line 1\nline 2\ttab");
    assert_ptr_equal(manager_find(m, "@adminvm"), manager_find(m, "dom0"));
    manager_free(m);
}

static const char *key_value(char **pairs, const char *key)
{
    for (char **p = pairs; p[0]; p += 2)
        if (strcmp(p[0], key) == 0)
            return p[1];
    return NULL;
}

static void test_guest_keys(void **state)
{
    struct manager *m = fresh_manager("keys");
    struct domain *a = make(m, CLASS_APP, "a"), *n = make(m, CLASS_APP, "n");
    (void)state;
    assert_true(property_set(n, "provides_network", "True", NULL));
    assert_true(property_set(a, "netvm", "n", NULL));
    assert_true(domain_store(a, a->features, "service.cups", "", NULL));
    assert_true(domain_store(a, a->features, "vm-config.k", "v", NULL));
    g_auto(GStrv) keys = guest_keys_new(a);
    for (char **p = keys; p[0]; p += 2)
        assert_true(guest_store_key_valid(p[0]));
    assert_string_equal(key_value(keys, "/qubes-service/cups"), "0");
    assert_string_equal(key_value(keys, "/vm-config/k"), "v");
    assert_non_null(key_value(keys, "/qubes-ip"));
    assert_string_equal(key_value(keys, "/qubes-primary-dns"), "10.139.1.1");
    assert_string_equal(key_value(keys, "/qubes-vm-type"), "AppVM");
    assert_int_equal(strlen(key_value(keys, "/qubes-random-seed")), 64);
    manager_free(m);
}

static void test_store_path(void **state)
{
    char path[GUEST_STORE_PATH_MAX] = "qubesdb";
    (void)state;
    assert_true(guest_store_key_valid("/mapped-ip/10.137.0.5/visible-ip"));
    guest_store_path(path, "/mapped-ip/10.137.0.5/a:b@c/");
    assert_string_equal(path, "qubesdb/mapped-ip/10@2e137@2e0@2e5/a@3ab@40c");
    guest_store_decode(path);
    assert_string_equal(path, "qubesdb/mapped-ip/10.137.0.5/a:b@c");
    static const char *const bad[] = {"",
                                      "name",
                                      "/a b",
                                      "/a//b",
                                      "/a\n",
                                      "/\xc3",
                                      "/0123456789012345678901234567890123456789012345678901234567890123"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(guest_store_key_valid(bad[i]));
}

static void test_appmenus(void **state)
{
    g_autofree char *text =
        appmenus_filter("/usr/share/applications/x.desktop:Name=X\nx.desktop:Exec=evil\n"
                        "a b.desktop:Name=Y\n.desktop:Name=Z\nq.desktop:Name=\x1b\nx.desktop:Icon");
    (void)state;
    assert_string_equal(text, "x.desktop:Name=X\n");
    g_autoptr(GString) many = g_string_new(NULL);
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(many, "f%d.desktop:Name=%d\n", i, i);
    g_autofree char *kept = appmenus_filter(many->str);
    assert_true(strlen(kept) < many->len);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    g_autofree char *command = g_strconcat("rm -rf ", dir, NULL);
    (void)state;
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),          cmocka_unit_test(test_labels),
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_tags_features),
        cmocka_unit_test(test_store),          cmocka_unit_test(test_sparse_copy),
        cmocka_unit_test(test_import),         cmocka_unit_test(test_property_defaults),
        cmocka_unit_test(test_property_table), cmocka_unit_test(test_reload),
        cmocka_unit_test(test_guest_keys),     cmocka_unit_test(test_store_path),
        cmocka_unit_test(test_appmenus),       cmocka_unit_test(test_sum),
    };
    return cmocka_run_group_tests_name("domain manager", tests, setup, teardown);
}
