/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <gdk/gdk.h>

#include "../../../gui-daemon/config.h"
#include "../../../gui-daemon/label.h"

static bool parse(struct config *config, const char *text)
{
    GError *error = NULL;
    bool ok;

    config_defaults(config);
    config->name = g_strdup("work");
    ok = config_parse(config, text, &error);
    assert_true(ok == !error);
    g_clear_error(&error);
    return ok;
}

static void defaults(void **state)
{
    struct config c;

    (void)state;
    assert_true(parse(&c, "  # nothing\n"));
    assert_false(c.options.allow_fullscreen);
    assert_false(c.options.allow_utf8_titles);
    assert_int_equal(c.max_clipboard, 64000);
    assert_int_equal(c.startup_timeout, 45);
    assert_true(key_sequence_match(&c.copy, GDK_CONTROL_MASK | GDK_SHIFT_MASK, GDK_KEY_C));
    config_free(&c);
}

static void sections(void **state)
{
    struct config c;

    (void)state;
    assert_true(parse(&c, "global: {\n"
                          "  # comment\n"
                          "  allow_fullscreen = true;\n"
                          "  secure_copy_sequence = \"Mod4-c\";\n"
                          "  max-clipboard-size = 1000;\n"
                          "  unknown = 5;\n"
                          "};\n"
                          "VM: {\n"
                          "  work: { allow_utf8_titles = true; window_background_color = 0x102030; }\n"
                          "  personal: { allow_fullscreen = false; events_max_delay = 9999 }\n"
                          "}\n"));
    assert_true(c.options.allow_fullscreen);
    assert_true(c.options.allow_utf8_titles);
    assert_int_equal(c.max_clipboard, 1000);
    assert_int_equal(c.background, 0x102030);
    assert_int_equal(c.events_max_delay, 0);
    assert_true(key_sequence_match(&c.copy, GDK_MOD4_MASK, GDK_KEY_c));
    assert_false(key_sequence_match(&c.copy, GDK_CONTROL_MASK | GDK_SHIFT_MASK, GDK_KEY_c));
    config_free(&c);
}

static void plain_lines(void **state)
{
    struct config c;

    (void)state;
    assert_true(parse(&c, "override_redirect = \"disabled\"\nlog_level = 2\nframe_rate = 30\n"));
    assert_false(c.options.override_redirect);
    assert_int_equal(c.log_level, 2);
    assert_int_equal(c.frame_rate, 30);
    config_free(&c);
}

static void errors(void **state)
{
    static const char *const bad[] = {
        "allow_fullscreen true",
        "allow_fullscreen = maybe",
        "global: {",
        "global: { a = 1; } }",
        "max_clipboard_size = 255",
        "max_clipboard_size = 256001",
        "secure_copy_sequence = \"c\"",
        "secure_copy_sequence = \"Ctrl-\"",
        "a = \"open",
        "a: { b: { c: { d: { e = 1 } } } }",
        "= 5",
        "{",
        "window_background_color = 0x1000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct config c;

        if (parse(&c, bad[i]))
            fail_msg("accepted: %s", bad[i]);
        config_free(&c);
    }
}

static bool load(struct config *config, char **argv)
{
    GError *error = NULL;
    int argc = 0;
    bool ok;

    while (argv[argc])
        argc++;
    ok = config_load(config, argc, argv, &error);
    g_clear_error(&error);
    return ok;
}

static void command_line(void **state)
{
    struct config c;

    (void)state;
    assert_true(load(&c, (char *[]){"qubes-guid",
                                    "-d",
                                    "5",
                                    "-t",
                                    "4",
                                    "-N",
                                    "work",
                                    "-c",
                                    "0x73d216",
                                    "-l",
                                    "4",
                                    "-i",
                                    "appvm-green",
                                    "-vv",
                                    "-q",
                                    "-n",
                                    "-f",
                                    "-I",
                                    "-K",
                                    "77",
                                    "-p",
                                    "_A=CARDINAL:1",
                                    "-T",
                                    "-Q",
                                    "--trayicon-mode",
                                    "tint",
                                    "--screensaver-name",
                                    "xscreensaver",
                                    "--max-clipboard-size",
                                    "256",
                                    NULL}));
    assert_int_equal(c.domid, 5);
    assert_int_equal(c.target_domid, 4);
    assert_string_equal(c.name, "work");
    assert_int_equal(c.color, 0x73d216);
    assert_int_equal(c.log_level, 2);
    assert_true(c.no_wait && c.foreground && c.invisible && c.qrexec_clipboard);
    assert_int_equal(c.kill_pid, 77);
    assert_string_equal(c.options.title_prefix, "[work] ");
    assert_int_equal(c.tray_mode, TRAY_TINT);
    assert_int_equal(c.properties->len, 1);
    assert_int_equal(c.screensavers->len, 1);
    assert_int_equal(c.max_clipboard, 256);
    config_free(&c);
}

static void command_line_errors(void **state)
{
    struct config c;

    (void)state;
    assert_false(load(&c, (char *[]){"qubes-guid", "-d", "5", NULL}));
    config_free(&c);
    assert_false(load(&c, (char *[]){"qubes-guid", "-N", "work", NULL}));
    config_free(&c);
    assert_false(load(&c, (char *[]){"qubes-guid", "-d", "5", "-N", "a\nb", NULL}));
    config_free(&c);
    assert_false(load(&c, (char *[]){"qubes-guid", "-d", "5", "-N", "work", "-c", "green", NULL}));
    config_free(&c);
}

static void labels(void **state)
{
    struct config c;

    (void)state;
    assert_int_equal(label_color(1), 0xcc0000);
    assert_int_equal(label_color(7), 0x75507b);
    assert_int_equal(label_color(99), 0);
    assert_true(load(&c, (char *[]){"qubes-guid", "-d", "5", "-N", "work", "-l", "6", NULL}));
    assert_int_equal(c.color, 0x3465a4);
    config_free(&c);
}

static void sequences(void **state)
{
    struct key_sequence s;

    (void)state;
    assert_true(key_sequence_parse("Ctrl-Shift-Insert", &s));
    assert_true(key_sequence_match(&s, GDK_CONTROL_MASK | GDK_SHIFT_MASK | GDK_LOCK_MASK | GDK_MOD2_MASK,
                                   GDK_KEY_Insert));
    assert_false(key_sequence_match(&s, GDK_CONTROL_MASK | GDK_SHIFT_MASK | GDK_MOD1_MASK, GDK_KEY_Insert));
    assert_false(key_sequence_match(&s, GDK_CONTROL_MASK, GDK_KEY_Insert));
    assert_true(key_sequence_parse("none", &s));
    assert_false(key_sequence_match(&s, 0, 0));
    assert_false(key_sequence_parse("Ctrl-NoSuchKey", &s));
    assert_false(key_sequence_parse("Hyper-c", &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(sections),     cmocka_unit_test(plain_lines),
        cmocka_unit_test(errors),   cmocka_unit_test(command_line), cmocka_unit_test(command_line_errors),
        cmocka_unit_test(labels),   cmocka_unit_test(sequences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
