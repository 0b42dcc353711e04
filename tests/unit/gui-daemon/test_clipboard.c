/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's clipboard files and the question to the policy. */
#include "check.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../gui-daemon/clipboard-store.h"
#include "../../../gui-daemon/policy.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/clipboard-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
    g_autofree char *command = g_strdup_printf("rm -rf %s", dir);

    (void)state;
    return system(command);
}

static void write_and_read(void **state)
{
    struct clipboard_store store;
    struct clipboard_entry entry;
    g_autofree char *path = g_strdup_printf("%s/qubes-clipboard.bin", dir);
    struct stat st;

    (void)state;
    clipboard_store_init(&store, dir);
    assert_int_equal(clipboard_store_lock(&store), 0);
    assert_int_equal(clipboard_store_read(&store, true, &entry), 0);
    assert_string_equal(entry.source, "");
    assert_int_equal(entry.length, 0);
    clipboard_entry_free(&entry);
    assert_int_equal(clipboard_store_write(&store, "work", 4000000000u, "a\0b", 3), 0);
    assert_int_equal(clipboard_store_read(&store, true, &entry), 0);
    assert_string_equal(entry.source, "work");
    assert_int_equal(entry.time, 4000000000u);
    assert_int_equal(entry.length, 3);
    assert_memory_equal(entry.bytes, "a\0b", 3);
    clipboard_entry_free(&entry);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(clipboard_store_wipe(&store, 7), 0);
    assert_int_equal(clipboard_store_read(&store, true, &entry), 0);
    assert_string_equal(entry.source, "");
    assert_int_equal(entry.length, 0);
    clipboard_entry_free(&entry);
    clipboard_store_unlock(&store);
    clipboard_store_free(&store);
}

static void symlinks_are_not_followed(void **state)
{
    struct clipboard_store store;
    g_autofree char *link = g_strdup_printf("%s/qubes-clipboard.bin", dir),
                    *to = g_strdup_printf("%s/x", dir);

    (void)state;
    assert_int_equal(symlink(to, link), 0);
    clipboard_store_init(&store, dir);
    assert_int_equal(clipboard_store_lock(&store), 0);
    assert_true(clipboard_store_write(&store, "work", 1, "a", 1) < 0);
    assert_false(g_file_test(to, G_FILE_TEST_EXISTS));
    clipboard_store_free(&store);
}

static void time_wraps(void **state)
{
    (void)state;
    assert_true(clipboard_time_after(2, 1));
    assert_false(clipboard_time_after(1, 1));
    assert_false(clipboard_time_after(1, 2));
    assert_true(clipboard_time_after(5, 0xfffffff0u));
    assert_false(clipboard_time_after(0xfffffff0u, 5));
}

#define ALLOW "result=allow\nuser=DEFAULT\ntarget=work\nautostart=True\nrequested_target=work\n"

static bool allows(const char *text)
{
    return policy_answer_allows(text, strlen(text), "work");
}

static void answers(void **state)
{
    (void)state;
    assert_true(allows(ALLOW));
    assert_true(allows("target_uuid=uuid:1\n" ALLOW));
    assert_false(allows("result=deny\n"));
    assert_false(allows(""));
    assert_false(allows("result=allow\n"));
    assert_false(allows(ALLOW "result=allow\n"));
    assert_false(allows(ALLOW "garbage\n"));
    assert_false(allows("result=allow\nuser=DEFAULT\ntarget=other\nautostart=True\nrequested_target=work\n"));
    assert_false(allows("result=allow\nuser=DEFAULT\ntarget=work\nautostart=True\nrequested_target=work"));
    assert_false(policy_answer_allows(ALLOW "\0\n", sizeof(ALLOW) + 1, "work"));
}

static int got = -1;

static void answered(void *data, bool allowed)
{
    got = allowed;
    g_main_loop_quit(data);
}

/* A policy daemon for one question. */
static gpointer serve(gpointer data)
{
    int listener = GPOINTER_TO_INT(data), fd = accept(listener, NULL, NULL);
    char text[512];
    size_t have = 0;
    ssize_t n;

    while (!g_strrstr_len(text, (gssize)have, "\n\n") && (n = read(fd, text + have, sizeof(text) - have)) > 0)
        have += (size_t)n;
    if (g_strrstr_len(text, (gssize)have, "source=bank\n") &&
        g_strrstr_len(text, (gssize)have, "service_and_arg=qubes.ClipboardPaste+\n"))
        n = write(fd, ALLOW, strlen(ALLOW));
    close(fd);
    return NULL;
}

static void question_and_answer(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    GThread *thread;

    (void)state;
    g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/policy.sock", dir);
    assert_null(policy_ask(address.sun_path, "bank", "work", "qubes.ClipboardPaste", answered, loop));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 5), 0);
    for (int expected = 1; expected >= 0; expected--) {
        thread = g_thread_new("policy", serve, GINT_TO_POINTER(listener));
        assert_non_null(policy_ask(address.sun_path, expected ? "bank" : "evil", "work",
                                   "qubes.ClipboardPaste", answered, loop));
        g_main_loop_run(loop);
        g_thread_join(thread);
        assert_int_equal(got, expected);
    }
    policy_cancel(policy_ask(address.sun_path, "bank", "work", "x", answered, loop));
    close(listener);
    g_main_loop_unref(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(symlinks_are_not_followed, setup, teardown),
        cmocka_unit_test(time_wraps),
        cmocka_unit_test(answers),
        cmocka_unit_test_setup_teardown(question_and_answer, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
