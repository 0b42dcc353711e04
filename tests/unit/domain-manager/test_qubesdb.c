/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The qubesdb commands over a xenstore of a few lines: xs_* here, a sorted table of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "../../../domain-manager/vm/qubesdb.h"

static struct {
    char path[128], value[128];
} nodes[64];
static int n_nodes;
static char fired[128];

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    return (struct xs_handle *)nodes;
}

void xs_close(struct xs_handle *h)
{
    (void)h;
}

static int find(const char *path)
{
    for (int i = 0; i < n_nodes; i++)
        if (strcmp(nodes[i].path, path) == 0)
            return i;
    errno = ENOENT;
    return -1;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
    int i = find(path);
    (void)h, (void)t;
    if (i < 0)
        return NULL;
    if (len)
        *len = (unsigned)strlen(nodes[i].value);
    return strdup(nodes[i].value);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data, unsigned int len)
{
    int i = find(path);
    (void)h, (void)t;
    i = i < 0 ? n_nodes++ : i;
    snprintf(nodes[i].path, sizeof nodes[i].path, "%s", path);
    snprintf(nodes[i].value, sizeof nodes[i].value, "%.*s", (int)len, (const char *)data);
    return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    size_t n = strlen(path);
    bool found = false;
    (void)h, (void)t;
    for (int i = 0; i < n_nodes; i++)
        if (strncmp(nodes[i].path, path, n) == 0 && (nodes[i].path[n] == 0 || nodes[i].path[n] == '/')) {
            nodes[i--] = nodes[--n_nodes];
            found = true;
        }
    errno = ENOENT;
    return found;
}

/* One allocation, as the real one: freed with free(). */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
    size_t n = strlen(path);
    char **out = calloc(1, 8192), *text = (char *)(out + 64);
    (void)h, (void)t;
    *num = 0;
    for (int i = 0; i < n_nodes; i++) {
        if (strncmp(nodes[i].path, path, n) != 0 || nodes[i].path[n] != '/')
            continue;
        size_t part = strcspn(nodes[i].path + n + 1, "/");
        bool seen = false;
        for (unsigned j = 0; j < *num; j++)
            seen = seen || (strlen(out[j]) == part && strncmp(out[j], nodes[i].path + n + 1, part) == 0);
        if (seen)
            continue;
        out[(*num)++] = text;
        memcpy(text, nodes[i].path + n + 1, part);
        text += part + 1;
    }
    return out;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    (void)h, (void)path, (void)token;
    return true;
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    (void)h, (void)path, (void)token;
    return true;
}

/* First the event of the registration, then the change. */
char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
    static int calls;
    char **out = calloc(1, 512);
    (void)h;
    *num = 2;
    out[XS_WATCH_PATH] = (char *)(out + 4);
    snprintf(out[XS_WATCH_PATH], 256, "%s", calls++ % 2 ? fired : "qubesdb/registered");
    return out;
}

/* Run a command, return what it printed; *status its exit code. */
static const char *run(int *status, int argc, char **argv)
{
    static char out[4096];
    FILE *capture = tmpfile();
    int saved = dup(1);
    fflush(stdout);
    dup2(fileno(capture), 1);
    optind = 0;
    *status = qubesdb_main(argc, argv);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    rewind(capture);
    out[fread(out, 1, sizeof out - 1, capture)] = 0;
    fclose(capture);
    return out;
}

#define RUN(...)                                                                                             \
    run(&st, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__, NULL})

static void test_read_write(void **state)
{
    int st;
    (void)state;
    RUN("/usr/bin/qubesdb-write", "/name", "work", "/qubes-service/cups", "1");
    assert_int_equal(st, 0);
    assert_string_equal(RUN("qubesdb-read", "/name"), "work\n");
    assert_string_equal(RUN("qubesdb-read", "-r", "/name"), "work");
    assert_string_equal(RUN("qubesdb-read", "-f", "/name"), "/name = work\n");
    assert_string_equal(RUN("qubesdb-cmd", "-c", "read", "/name"), "work\n");
    assert_string_equal(RUN("qubesdb-read", "-q", "/nothing"), "");
    assert_int_equal(st, 1);
    assert_string_equal(RUN("qubesdb-read", "-e", "else", "/nothing"), "else\n");
    assert_int_equal(st, 0);
    RUN("qubesdb-read", "name");
    assert_int_equal(st, 2);
    RUN("qubesdb-write", "/only-key");
    assert_int_equal(st, 2);
    RUN("qubesdb-write", "/a", "b", "/c");
    assert_int_equal(st, 2);
}

static void test_lists(void **state)
{
    int st;
    (void)state;
    RUN("qubesdb-write", "/mapped-ip/10.0.0.1/visible-ip", "10.0.0.2");
    assert_string_equal(RUN("qubesdb-list", "/mapped-ip/"), "10.0.0.1/visible-ip\n");
    assert_string_equal(RUN("qubesdb-multiread", "/qubes-service/"), "cups = 1\n");
    assert_string_equal(RUN("qubesdb-multiread", "-f", "/qubes-service/"), "/qubes-service/cups = 1\n");
    RUN("qubesdb-rm", "/mapped-ip/");
    assert_string_equal(RUN("qubesdb-list", "/mapped-ip/"), "");
    RUN("qubesdb-rm", "/mapped-ip/");
    assert_int_equal(st, 0);
}

static void test_watch(void **state)
{
    int st;
    (void)state;
    snprintf(fired, sizeof fired, "qubesdb/qubes-firewall/10@2e0@2e0@2e1");
    assert_string_equal(RUN("qubesdb-watch", "/qubes-firewall/"), "/qubes-firewall/10.0.0.1\n");
    assert_int_equal(st, 0);
}

static void test_dom0(void **state)
{
    int st;
    (void)state;
    xs_write(NULL, 0, "/local/domain/7/name", "work", 4);
    xs_write(NULL, 0, "/local/domain/7/qubesdb/type", "AppVM", 5);
    assert_string_equal(RUN("qubesdb-read", "-d", "work", "/type"), "AppVM\n");
    RUN("qubesdb-read", "-d", "nobody", "/type");
    assert_int_equal(st, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read_write), cmocka_unit_test(test_lists),
                                       cmocka_unit_test(test_watch), cmocka_unit_test(test_dom0)};
    return cmocka_run_group_tests_name("qubesdb", tests, NULL, NULL);
}
