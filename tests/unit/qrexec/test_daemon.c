/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's pure parts: requests, ports, policy answers, names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "answer.h"
#include "check.h"
#include "ports.h"
#include "request.h"

/* A TRIGGER_SERVICE4 body on the heap, so that every access behind it is seen. */
static char *trigger4(const char *target, const char *ident, const char *service, size_t service_size,
                      size_t *size)
{
    struct trigger_service4 t = {0};
    char *body;

    strncpy(t.target, target, sizeof(t.target));
    memcpy(t.ident, ident, strlen(ident));
    *size = sizeof(t) + service_size;
    body = malloc(*size ? *size : 1);
    memcpy(body, &t, sizeof(t));
    memcpy(body + sizeof(t), service, service_size);
    return body;
}

static enum request_verdict verdict(const char *ident, const char *service, size_t service_size)
{
    struct request r;
    size_t size;
    char *body = trigger4("bank", ident, service, service_size, &size);
    enum request_verdict v = request_check(MSG_TRIGGER_SERVICE4, body, size, 4, &r);

    free(body);
    return v;
}

static void request_services(void **state)
{
    (void)state;
    assert_int_equal(verdict("SOCKET1", "a", 2), REQUEST_OK);
    assert_int_equal(verdict("", "a", 2), REQUEST_OK);
    assert_int_equal(verdict("SOCKET1", "a+b", 4), REQUEST_OK);
    assert_int_equal(verdict("SOCKET1", "a", 1), REQUEST_REFUSED);   /* no NUL */
    assert_int_equal(verdict("SOCKET1", "", 1), REQUEST_REFUSED);    /* empty */
    assert_int_equal(verdict("SOCKET1", "+a", 3), REQUEST_REFUSED);  /* no name */
    assert_int_equal(verdict("SOCKET1", "a\0", 3), REQUEST_REFUSED); /* two NULs */
    assert_int_equal(verdict("SOCKET1", "a\0a", 4), REQUEST_REFUSED);
    assert_int_equal(verdict("SO;CKET", "a", 2), REQUEST_REFUSED);
    assert_int_equal(verdict("SOCKET1", "", 0), REQUEST_FATAL);
}

static void request_sanitized(void **state)
{
    struct request r;
    size_t size;
    char *body = trigger4("b/nk;$(x)", "S", "svc +\xff/..", 10, &size);

    (void)state;
    assert_int_equal(request_check(MSG_TRIGGER_SERVICE4, body, size, 4, &r), REQUEST_OK);
    assert_string_equal(r.target, "b_nk___x_");
    assert_string_equal(r.service, "svc_+__..");
    free(body);
}

static void request_versions(void **state)
{
    static const struct {
        uint32_t type, version;
        size_t size;
        enum request_verdict verdict;
    } cases[] = {
        {MSG_TRIGGER_SERVICE, 2, 128, REQUEST_REFUSED}, /* of zeros: an empty service */
        {MSG_TRIGGER_SERVICE, 3, 128, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE, 2, 127, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE, 2, 129, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE3, 2, 98, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE3, 3, 96, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE3, 3, 98, REQUEST_REFUSED},
        {MSG_TRIGGER_SERVICE4, 3, 162, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE4, 4, 160, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE4, 4, 96, REQUEST_FATAL},
        {MSG_TRIGGER_SERVICE4, 4, 160 + 65000, REQUEST_REFUSED},
        {MSG_TRIGGER_SERVICE4, 4, 160 + 65001, REQUEST_FATAL},
        {MSG_HELLO, 4, 4, REQUEST_FATAL},
        {0x214, 4, 200, REQUEST_FATAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *body = calloc(1, cases[i].size);
        struct request r;

        assert_int_equal(request_check(cases[i].type, body, cases[i].size, cases[i].version, &r),
                         cases[i].verdict);
        free(body);
    }
}

static void request_v2_fields(void **state)
{
    struct trigger_service t;
    struct request r;

    (void)state;
    memset(&t, 'x', sizeof(t)); /* no NUL anywhere */
    memset(t.ident, 0, sizeof(t.ident));
    assert_int_equal(request_check(MSG_TRIGGER_SERVICE, (char *)&t, sizeof(t), 2, &r), REQUEST_OK);
    assert_int_equal(strlen(r.service), 63);
    assert_int_equal(strlen(r.target), 32);
}

static void idents(void **state)
{
    char ident[32] = "SOCKET 1_-.";

    (void)state;
    assert_true(ident_valid(ident));
    ident[20] = 'x'; /* behind the NUL */
    assert_false(ident_valid(ident));
    memset(ident, 'a', sizeof(ident));
    assert_false(ident_valid(ident));
    ident[31] = 0;
    assert_true(ident_valid(ident));
}

static void odd_text(void **state)
{
    char text[] = "a\tb\n\x1b[0m\xc3\xbc\x7f\r\b\a";

    (void)state;
    text_replace_odd(text, sizeof(text) - 1);
    assert_string_equal(text, "a\tb\n_[0m___\r\b\a");
}

static void ports_parity(void **state)
{
    static struct port_table t;

    (void)state;
    memset(&t, 0, sizeof(t));
    assert_int_equal(port_take(&t, 42, 43, -1), 514);
    assert_int_equal(port_take(&t, 42, 44, -1), 516);
    assert_int_equal(port_take(&t, 42, 41, -1), 513);
    assert_int_equal(port_take(&t, 42, 0, -1), 515);
    assert_int_equal(port_take(&t, 42, 0, -1), 517);
}

static void ports_all(void **state)
{
    static struct port_table t;

    (void)state;
    memset(&t, 0, sizeof(t));
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        assert_true(port_take(&t, 1, 2, i) >= QREXEC_DATA_PORT);
    assert_int_equal(port_take(&t, 1, 2, -1), -1);
    assert_int_equal(port_take(&t, 1, 0, -1), -1);
    assert_int_equal(port_release(&t, 2, 514), 0);
    assert_int_equal(port_take(&t, 1, 2, -1), 514);
}

static void ports_release(void **state)
{
    static struct port_table t;
    int port;

    (void)state;
    memset(&t, 0, sizeof(t));
    port = port_take(&t, 1, 2, 7);
    assert_int_equal(port_release(&t, 3, (uint32_t)port), -1); /* another peer */
    assert_int_equal(port_release(&t, 2, (uint32_t)port + 1), -1);
    port_made(&t, 2, (uint32_t)port); /* the same number in both directions: free after both ended */
    assert_int_equal(port_release(&t, 2, (uint32_t)port), -1);
    assert_int_equal(port_release(&t, 2, (uint32_t)port), 7);
    assert_int_equal(port_release(&t, 2, (uint32_t)port), -1);
    assert_true(port_valid(513) && port_valid(768));
    assert_false(port_valid(512) || port_valid(769) || port_valid(0xffffffff));
}

#define ALLOW "result=allow\nuser=u\ntarget=t\nautostart=True\nrequested_target=r\n"

static int answer_of(const char *text, struct answer *a)
{
    return answer_parse(text, strlen(text), a);
}

static void answers(void **state)
{
    static const char *const bad[] = {"",
                                      "result=allow\n",
                                      "result=deny",
                                      "result=deny\nuser=x\n",
                                      "result=\n",
                                      "x\n",
                                      "=x\n",
                                      "\n",
                                      ALLOW "result=allow\n",
                                      ALLOW "target_uuid=a\ntarget_uuid=b\n",
                                      "result=allow\nuser=u\ntarget=\nautostart=True\nrequested_target=r\n",
                                      "result=allow\nuser=u\ntarget=t\nautostart=true\nrequested_target=r\n"};
    static struct answer a;

    (void)state;
    assert_int_equal(answer_of("result=deny\n", &a), 0);
    assert_false(a.allow);
    assert_int_equal(answer_of(ALLOW "other=1\nother=2\n", &a), 0);
    assert_true(a.allow && a.autostart);
    assert_string_equal(a.target, "t");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(answer_of(bad[i], &a), -EINVAL);
        assert_false(a.allow);
    }
    assert_int_equal(answer_parse("result=deny\n\0", 13, &a), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_services), cmocka_unit_test(request_sanitized),
        cmocka_unit_test(request_versions), cmocka_unit_test(request_v2_fields),
        cmocka_unit_test(idents),           cmocka_unit_test(odd_text),
        cmocka_unit_test(ports_parity),     cmocka_unit_test(ports_all),
        cmocka_unit_test(ports_release),    cmocka_unit_test(answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
