/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands, service configuration, TCP addresses, VMExec arguments, .desktop files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "command.h"
#include "config.h"
#include "desktop_entry.h"
#include "service.h"
#include "vmexec_decode.h"

static void commands(void **state)
{
    struct command c;

    (void)state;
    assert_int_equal(command_parse("nogui:QUBESRPC a.B+x+y work keyword adminvm", &c), 0);
    assert_true(c.nogui);
    assert_string_equal(c.service, "a.B");
    assert_string_equal(c.argument, "x+y");
    assert_string_equal(c.full_name, "a.B+x+y");
    assert_string_equal(c.descriptor, "a.B+x+y work keyword adminvm");
    assert_string_equal(c.target_type, "keyword");
    assert_string_equal(c.target, "adminvm");
    command_free(&c);
    assert_int_equal(command_parse("QUBESRPC a.B work", &c), 0);
    assert_null(c.argument);
    assert_null(c.target_type);
    command_free(&c);
    assert_int_equal(command_parse("ls -l", &c), 0);
    assert_string_equal(c.shell, "ls -l");
    command_free(&c);
}

static void commands_bad(void **state)
{
    static const char *const bad[] = {"QUBESRPC ",          "QUBESRPC a",    "QUBESRPC a b c",
                                      "QUBESRPC a b c d e", "QUBESRPC  b",   "QUBESRPC +x b",
                                      "QUBESRPC ../x b",    "QUBESRPC a  b", "QUBESRPC a b c "};
    struct command c;
    char text[400] = "QUBESRPC ";

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(command_parse(bad[i], &c), -EINVAL);
    memset(text + 9, 'a', 256);
    strcpy(text + 9 + 256, " work");
    assert_int_equal(command_parse(text, &c), -ENAMETOOLONG);
    text[9 + 255] = '+';
    assert_int_equal(command_parse(text, &c), 0);
    command_free(&c);
}

static int parse(const char *text, struct service_config *c)
{
    const char *problem;
    unsigned line;
    char *copy = malloc(strlen(text) + 1); /* its end is watched */
    int ret;

    memcpy(copy, text, strlen(text));
    ret = service_config_parse(copy, strlen(text), c, &line, &problem);
    free(copy);
    return ret;
}

static void configs(void **state)
{
    struct service_config c;

    (void)state;
    assert_int_equal(
        parse("\n# comment\nforce-user = 'joe'\r\nwait-for-session = 1 # yes\nnew-key = 17\n", &c), 0);
    assert_string_equal(c.force_user, "joe");
    assert_true(c.wait_for_session);
    service_config_free(&c);
    assert_int_equal(
        parse("skip-service-descriptor=true\nexit-on-client-eof = false\nexit-on-service-eof = true", &c), 0);
    assert_true(c.skip_service_descriptor && c.exit_on_service_eof && !c.exit_on_client_eof);
    assert_int_equal(parse("", &c), 0);
}

static void configs_bad(void **state)
{
    static const char *const bad[] = {"wait-for-session = 00",
                                      "wait-for-session = 01",
                                      "wait-for-session = ",
                                      "wait-for-session = \"a\"",
                                      "wait-for-session",
                                      "wait-for-session = 2",
                                      "wait-for-session = true false",
                                      " wait-for-session = 1",
                                      "wait-for-session = 1\nwait-for-session = 1",
                                      "force-user = joe",
                                      "force-user = 'joe",
                                      "force-user = 1",
                                      "skip-service-descriptor = 1",
                                      "force-user = 'a'\nexit-on-client-eof = false",
                                      "= 1",
                                      "a.b = 1",
                                      "x = 'a' b",
                                      "[section]",
                                      "unknown = ",
                                      "wait-for-session = TRUE"};
    struct service_config c;
    const char *problem;
    unsigned line;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(bad[i], &c), -EINVAL);
    assert_int_equal(service_config_parse("a = 1\0\n", 7, &c, &line, &problem), -EINVAL);
}

static void tcp_addresses(void **state)
{
    static const struct {
        const char *link, *argument, *host, *port;
    } cases[] = {
        {"/dev/tcp/127.0.0.1/80", NULL, "127.0.0.1", "80"},
        {"/dev/tcp/127.0.0.1", "80", "127.0.0.1", "80"},
        {"/dev/tcp", "10.0.0.1+65535", "10.0.0.1", "65535"},
        {"/dev/tcp", "++1+80", "::1", "80"},
        {"/dev/tcp/::1/80", "", "::1", "80"},
        {"/dev/tcp", NULL, NULL, NULL},
        {"/dev/tcp", "80", NULL, NULL},
        {"/dev/tcp/127.0.0.1", NULL, NULL, NULL},
        {"/dev/tcp/127.0.0.1", "127.0.0.1+80", NULL, NULL},
        {"/dev/tcp/", "+80", NULL, NULL},
        {"/dev/tcp/localhost/80", NULL, NULL, NULL},
        {"/dev/tcp/127.0.0.1/0", NULL, NULL, NULL},
        {"/dev/tcp/127.0.0.1/65536", NULL, NULL, NULL},
        {"/dev/tcp/127.0.0.1/080", NULL, NULL, NULL},
        {"/dev/tcp/127.0.0.1/http", NULL, NULL, NULL},
        {"/dev/tcp", "fe80++1_eth0+80", NULL, NULL},
        {"/dev/tcp/127.0.0.1/-1", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct service s = {0};

        if (!cases[i].host) {
            assert_int_equal(service_tcp_address(cases[i].link, cases[i].argument, &s), -EINVAL);
            continue;
        }
        assert_int_equal(service_tcp_address(cases[i].link, cases[i].argument, &s), 0);
        assert_string_equal(s.host, cases[i].host);
        assert_string_equal(s.port, cases[i].port);
    }
}

static void vmexec(void **state)
{
    static char *argv[VMEXEC_MAX_WORDS + 1];
    static const char *const bad[] = {"a-0", "a-", "-zz", "-0a", "-00", "a-1"};
    char text[] = "ls++-2Dl+a--b+-C3-BC";

    (void)state;
    assert_int_equal(vmexec_decode(text, argv), 5);
    assert_string_equal(argv[0], "ls");
    assert_string_equal(argv[1], "");
    assert_string_equal(argv[2], "-l");
    assert_string_equal(argv[3], "a-b");
    assert_string_equal(argv[4], "\xc3\xbc");
    assert_null(argv[5]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *copy = strdup(bad[i]);

        assert_int_equal(vmexec_decode(copy, argv), -EINVAL);
        free(copy);
    }
}

static void desktop_files(void **state)
{
    static struct desktop_entry e;
    const char *text = "[Other]\nExec=wrong\n[Desktop Entry]\nName=X\nExec=env A=1 \"/opt/my app\" --x=%f %U "
                       "\"a\\\\\"b\" 100%%\n"
                       "Path=/tmp\nTerminal=true\n[Desktop Action new]\nExec=also wrong\n";

    (void)state;
    assert_int_equal(desktop_entry_parse(text, strlen(text), &e), 0);
    assert_string_equal(e.argv[0], "env");
    assert_string_equal(e.argv[2], "/opt/my app");
    assert_string_equal(e.argv[3], "--x=");
    assert_string_equal(e.argv[4], "a\"b");
    assert_string_equal(e.argv[5], "100%");
    assert_null(e.argv[6]);
    assert_true(e.terminal);
    assert_string_equal(e.path, "/tmp");
    assert_int_equal(desktop_entry_parse("[Desktop Entry]\n", 16, &e), -EINVAL);
    assert_int_equal(desktop_entry_parse("[Desktop Entry]\nExec=\"a", 23, &e), -EINVAL);
    assert_int_equal(desktop_entry_parse("[Desktop Entry]\nExec=%f", 23, &e), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),      cmocka_unit_test(commands_bad),  cmocka_unit_test(configs),
        cmocka_unit_test(configs_bad),   cmocka_unit_test(tcp_addresses), cmocka_unit_test(vmexec),
        cmocka_unit_test(desktop_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
