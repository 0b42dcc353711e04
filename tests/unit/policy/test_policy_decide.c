/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions: tokens, actions, ask lists, and what cannot be decided otherwise than by a refusal. */
#include "memory_loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WORK_UUID "uuid:00000000-0000-0000-0000-000000000001"
#define BANK_UUID "uuid:00000000-0000-0000-0000-000000000002"
#define DOM0_UUID "uuid:00000000-0000-0000-0000-000000000000"

/* The decision as one line: "allow TARGET [user=U] [notify] [noauto]", "deny [quiet]", "ask LIST [default=D]
 * …". */
static void describe(const struct policy_decision *decision, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "%s", policy_action_names[decision->action]);

#define ADD(...) len += (size_t)snprintf(text + len, size - len, __VA_ARGS__)
    if (decision->target)
        ADD(" %s", decision->target);
    for (size_t i = 0; i < decision->target_count; i++)
        ADD("%s%s", i ? "," : " ", decision->targets[i]);
    if (decision->default_target)
        ADD(" default=%s", decision->default_target);
    if (decision->user)
        ADD(" user=%s", decision->user);
    if (decision->action != POLICY_DENY && decision->notify)
        ADD(" notify");
    if (decision->action != POLICY_DENY && !decision->autostart)
        ADD(" noauto");
    if (decision->action == POLICY_DENY && !decision->notify)
        ADD(" quiet");
    if (decision->failure == POLICY_FAILURE_REQUEST)
        ADD(" request");
#undef ADD
}

static void decide_line(const char *text, const char *source, const char *target, const char *service,
                        const char *requested_source, char *line, size_t size)
{
    const struct memory_file files[] = {
        {"/run", NULL}, {"/old", NULL}, {"/etc/a.policy", text}, {NULL, NULL}};
    struct policy_request request = {
        .source = source, .target = target, .requested_source = requested_source};
    struct policy_decision decision;
    struct policy_error error;
    struct policy *policy = memory_load(files, &error);
    struct system_info *info = memory_info();

    if (!policy)
        fail_msg("%s: %u:%u: %s", text, error.line, error.column, error.reason);
    assert_non_null(info);
    policy_request_set_service(&request, service);
    policy_decide(policy, info, &request, &decision);
    describe(&decision, line, size);
    if (decision.action == POLICY_DENY)
        assert_true(decision.reason[0] != '\0');
    policy_decision_clear(&decision);
    policy_free(policy);
    system_info_free(info);
}

struct example {
    const char *text, *source, *target, *expected;
};

static void run_examples(const struct example *examples, size_t count)
{
    char line[512];

    for (size_t i = 0; i < count; i++) {
        decide_line(examples[i].text, examples[i].source, examples[i].target, "s", NULL, line, sizeof(line));
        if (strcmp(line, examples[i].expected) != 0)
            fail_msg("%s | %s -> %s: got '%s', expected '%s'", examples[i].text, examples[i].source,
                     examples[i].target, line, examples[i].expected);
    }
}

#define RUN(examples) run_examples(examples, sizeof(examples) / sizeof(*examples))

static void test_tokens(void **state)
{
    static const struct example examples[] = {
        {"s * work bank allow", "work", "bank", "allow bank"},
        {"s * work bank allow", "bank", "work", "deny"},
        {"s * " WORK_UUID " bank allow", "work", "bank", "allow bank"},
        {"s * work " BANK_UUID " allow", "work", "bank", "allow bank"},
        {"s * work bank allow", WORK_UUID, BANK_UUID, "allow " BANK_UUID},
        {"s * work dom0 allow", "work", "@adminvm", "allow dom0"},
        {"s * work @adminvm allow", "work", "dom0", "allow dom0"},
        {"s * work " DOM0_UUID " allow", "work", "dom0", "allow dom0"},
        {"s * work @adminvm allow", "work", DOM0_UUID, "allow " DOM0_UUID},
        {"s * @adminvm work allow", "dom0", "work", "allow work"},
        {"s * dom0 work allow", "dom0", "work", "allow work"},
        {"s * * * allow", "work", "dom0", "allow dom0"},
        {"s * @anyvm @anyvm allow", "work", "dom0", "deny"},
        {"s * @anyvm @anyvm allow", "dom0", "work", "deny"},
        {"s * @anyvm @anyvm allow", "work", "@dispvm", "allow @dispvm:dvm"},
        {"s * @anyvm @anyvm allow", "work", "@dispvm:dvm2", "allow @dispvm:dvm2"},
        {"s * @anyvm @anyvm deny notify=no", "work", "@default", "deny quiet"},
        {"s * work @default allow target=bank", "work", "", "allow bank"},
        {"s * work @default allow target=bank", "work", "unknown", "allow bank"},
        {"s * work @default allow target=bank", "work", "bank", "deny"},
        {"s * work @dispvm allow", "work", "@dispvm", "allow @dispvm:dvm"},
        {"s * work @dispvm allow", "work", "@dispvm:dvm", "deny"},
        {"s * work @dispvm:dvm allow", "work", "@dispvm", "allow @dispvm:dvm"},
        {"s * work @dispvm:dvm2 allow", "work", "@dispvm", "deny"},
        {"s * work @dispvm:uuid:00000000-0000-0000-0000-000000000003 allow", "work", "@dispvm:dvm",
         "allow @dispvm:dvm"},
        {"s * work @dispvm:@tag:t3 allow", "work", "@dispvm:dvm", "allow @dispvm:dvm"},
        {"s * work @dispvm:@tag:t3 allow", "work", "@dispvm:dvm2", "deny"},
        {"s * work @dispvm:@tag:t3 allow", "work", "@dispvm", "allow @dispvm:dvm"},
        {"s * @tag:t1 @tag:t2 allow", "work", "bank", "allow bank"},
        {"s * @tag:t2 @tag:t1 allow", "bank", "work", "allow work"},
        {"s * @tag:t1 @tag:t1 allow", "work", "bank", "deny"},
        {"s * @type:AppVM @type:AdminVM allow", "work", "dom0", "allow dom0"},
        {"s * @type:AppVM @type:AdminVM allow", "work", "@adminvm", "deny"},
        {"s * @type:TemplateVM @default allow target=work", "nodef", "", "allow work"},
        {"s * @dispvm:dvm bank allow", "dvm", "bank", "deny"},
        {"s * $anyvm bank allow", "work", "bank", "deny"},
        {"s * ghost bank allow", "ghost", "bank", "allow bank"},
    };

    (void)state;
    RUN(examples);
}

static void test_first_match_wins(void **state)
{
    static const struct example examples[] = {
        {"s * work bank deny\ns * work bank allow", "work", "bank", "deny"},
        {"* * * * deny\ns * work bank allow", "work", "bank", "deny"},
        {"s * @anyvm @anyvm deny\ns + work bank allow", "work", "bank", "deny"},
        {"s + @tag:t1 bank allow user=x\ns * @anyvm @anyvm deny", "work", "bank", "allow bank user=x"},
        {"t * work bank allow\ns +x work bank allow\ns * work dvm allow", "work", "bank", "deny"},
    };
    char line[512];

    (void)state;
    RUN(examples);
    decide_line("s +x work bank allow user=a\ns * work bank allow user=b", "work", "bank", "s+x", NULL, line,
                512);
    assert_string_equal(line, "allow bank user=a");
    decide_line("s +x work bank allow user=a\ns * work bank allow user=b", "work", "bank", "s+x+y", NULL,
                line, 512);
    assert_string_equal(line, "allow bank user=b");
    decide_line("s +x+y work bank allow user=a", "work", "bank", "s+x+y", NULL, line, 512);
    assert_string_equal(line, "allow bank user=a");
    decide_line("s + work bank allow user=a", "work", "bank", "s+", NULL, line, 512);
    assert_string_equal(line, "allow bank user=a");
}

static void test_illegal_requests(void **state)
{
    static const struct example examples[] = {
        {"* * * * allow", "work", "@anyvm", "deny request"},
        {"* * * * allow", "work", "*", "deny request"},
        {"* * * * allow", "work", "@tag:t1", "deny request"},
        {"* * * * allow", "work", "@foo", "deny request"},
        {"* * * * allow", "work", "@dispvm:", "deny request"},
        {"* * * * allow", "work", "@dispvm:@tag:t3", "deny request"},
        {"* * * * allow", "work", "@dispvm:work", "deny request"},
        {"* * * * allow", "work", "@dispvm:ghost", "deny request"},
    };

    (void)state;
    RUN(examples);
}

static void test_allow(void **state)
{
    static const struct example examples[] = {
        {"s * * * allow target=ghost", "work", "bank", "deny"},
        {"s * * * allow", "work", "ghost", "deny"},
        {"s * * * allow target=@adminvm user=u notify=yes", "work", "bank", "allow dom0 user=u notify"},
        {"s * * * allow target=@dispvm", "nodef", "bank", "deny"},
        {"s * * * allow target=@dispvm", "ghostly", "bank", "deny"},
        {"s * * * allow target=@dispvm:work", "work", "bank", "deny"},
        {"s * * * allow target=@dispvm:dvm2", "work", "bank", "allow @dispvm:dvm2"},
        {"s * * * allow autostart=no", "work", "bank", "deny quiet"},
        {"s * * * allow autostart=no notify=yes", "work", "bank", "deny"},
        {"s * * * allow autostart=no", "bank", "work", "allow work noauto"},
        {"s * * * allow autostart=no", "bank", "dom0", "allow dom0 noauto"},
        {"s * * * allow autostart=no", "work", "@dispvm", "deny quiet"},
        {"s * * * allow target=@dispvm autostart=no", "ghostly", "bank", "deny quiet"},
        {"s * * * allow", "work", "work", "deny"},
        {"s * * * allow target=work", "work", "bank", "deny"},
        {"s * * * allow", "work", "norelay", "deny"},
        {"s * * * allow user=", "work", "bank", "allow bank user="},
    };

    (void)state;
    RUN(examples);
}

/* A plain @dispvm of a source without default cannot be compared with rules on disposables of something. */
static void test_undecidable_disposables(void **state)
{
    static const struct example examples[] = {
        {"s * * @dispvm:dvm deny notify=no\ns * * * allow target=bank", "nodef", "@dispvm", "deny"},
        {"s * * * allow target=bank\ns * * @dispvm:dvm deny", "nodef", "@dispvm", "allow bank"},
        {"s * work @dispvm:dvm deny\ns * * * allow target=bank", "nodef", "@dispvm", "allow bank"},
        {"s * * @dispvm:@tag:t3 deny\ns * * * allow target=bank", "nodef", "@dispvm", "allow bank"},
        {"s * * @dispvm:@tag:t3 allow\ns * * * allow target=bank", "ghostly", "@dispvm", "deny"},
    };

    (void)state;
    RUN(examples);
}

static void test_ask_lists(void **state)
{
    static const struct example examples[] = {
        {"s * * * ask", "work", "bank",
         "ask @dispvm:dvm,@dispvm:dvm2,bank,dom0,dvm,dvm2,ghostly,nodef,norelay,noscreen,remote"},
        {"s * @anyvm @anyvm ask", "work", "bank",
         "ask @dispvm:dvm,@dispvm:dvm2,bank,dvm,dvm2,ghostly,nodef,norelay,noscreen,remote"},
        {"s * * @tag:t2 ask", "work", "bank", "ask bank"},
        {"s * * @type:TemplateVM ask\ns * * bank ask", "work", "bank", "ask bank,nodef"},
        {"s * * bank ask\ns * * dvm allow\ns * * @tag:t3 deny", "work", "bank", "ask bank,dvm"},
        {"s * * bank ask\ns * * dvm deny\ns * * @tag:t3 allow", "work", "bank", "ask bank"},
        {"s * * @dispvm ask", "work", "@dispvm", "ask @dispvm:dvm"},
        {"s * * @dispvm:dvm2 deny\ns * * @anyvm ask", "work", "dvm",
         "ask @dispvm:dvm,bank,dvm,dvm2,ghostly,nodef,norelay,noscreen,remote"},
        {"s * * @dispvm:@tag:t3 ask\ns * * bank ask", "work", "bank", "ask @dispvm:dvm,bank"},
        {"s * * @adminvm ask", "work", "dom0", "ask dom0"},
        {"s * * @default ask target=bank", "work", "", "ask bank"},
        {"s * * @default ask target=" BANK_UUID, "work", "", "ask " BANK_UUID},
        {"s * * " BANK_UUID " ask", "work", "bank", "ask bank"},
        {"s * * @default ask target=@dispvm", "work", "", "ask @dispvm:dvm"},
        {"s * * @default ask target=@dispvm", "nodef", "", "deny"},
        {"s * * @default ask target=" DOM0_UUID, "work", "", "ask dom0"},
        {"s * * @default ask target=ghost", "work", "", "ask ghost"},
        {"s * * @default ask target=ghost autostart=no", "work", "", "deny"},
        {"s * * * ask target=@dispvm", "ghostly", "", "deny"},
        {"s * * * ask target=@dispvm:ghost default_target=@dispvm", "ghostly", "",
         "ask @dispvm:ghost default=@dispvm:ghost"},
        {"s * * @default ask", "work", "", "deny"},
        {"s * * @default ask\ns * * @default allow target=bank", "work", "", "ask bank"},
        {"s * * bank ask autostart=no", "work", "bank", "deny"},
        {"s * * @anyvm ask autostart=no", "bank", "work",
         "ask ghostly,nodef,norelay,noscreen,remote,work noauto"},
        {"s * * bank ask default_target=bank user=u notify=yes", "work", "bank",
         "ask bank default=bank user=u notify"},
        {"s * * bank ask default_target=dvm", "work", "bank", "ask bank"},
        {"s * * @anyvm ask default_target=@dispvm", "work", "bank",
         "ask @dispvm:dvm,@dispvm:dvm2,bank,dvm,dvm2,ghostly,nodef,norelay,noscreen,remote "
         "default=@dispvm:dvm"},
        {"s * * @adminvm ask default_target=@adminvm", "work", "dom0", "ask dom0 default=dom0"},
        {"s * * bank ask\ns * * @dispvm:ghost allow", "work", "bank", "deny"},
        {"s * * @anyvm ask", "ghost", "bank", "deny"},
        {"s * * @anyvm ask", "ghostly", "bank", "deny"},
        {"s * * @anyvm ask notify=no", "noscreen", "bank", "deny"},
        {"s * bank work ask\ns * work bank ask", "work", "bank", "ask bank"},
    };

    (void)state;
    RUN(examples);
}

static void test_remote_source(void **state)
{
    char line[512];

    (void)state;
    decide_line("s * remote bank allow", "work", "bank", "s", "remote", line, sizeof(line));
    assert_string_equal(line, "allow bank");
    decide_line("s * work bank allow", "work", "bank", "s", "remote", line, sizeof(line));
    assert_string_equal(line, "deny");
    decide_line("* * * * allow", "bank", "bank", "s", "remote", line, sizeof(line));
    assert_string_equal(line, "deny request");
    decide_line("* * * * allow", "work", "bank", "s", "dvm", line, sizeof(line));
    assert_string_equal(line, "deny request");
    decide_line("* * * * allow", "work", "bank", "s", "ghost", line, sizeof(line));
    assert_string_equal(line, "deny request");
    decide_line("* * * * allow", "work", "bank", "s", "norelay", line, sizeof(line));
    assert_string_equal(line, "deny request");
}

static void test_choice(void **state)
{
    static const struct {
        const char *choice, *expected;
    } examples[] = {
        {"bank", "allow bank user=u"}, {"dvm2", "deny user=u"}, {"@dispvm:dvm", "allow @dispvm:dvm user=u"}};
    const struct memory_file files[] = {{"/run", NULL},
                                        {"/old", NULL},
                                        {"/etc/a.policy", "s * * bank ask user=u\ns * * @dispvm ask"},
                                        {NULL, NULL}};
    struct policy_request request = {.source = "work", .target = "bank"};
    struct policy_error error;
    struct policy *policy = memory_load(files, &error);
    struct system_info *info = memory_info();
    struct policy_decision decision;
    char line[256];

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        policy_request_set_service(&request, "s+x");
        policy_decide(policy, info, &request, &decision);
        assert_int_equal(decision.action, POLICY_ASK);
        policy_decision_choose(policy, info, &decision, examples[i].choice);
        decision.target_count = 0;
        decision.user = "u";
        describe(&decision, line, sizeof(line));
        assert_string_equal(line, examples[i].expected);
        policy_decision_clear(&decision);
    }
    policy_free(policy);
    system_info_free(info);
}

/* The index against the plain meaning of the rules: walk them one by one. */
static void test_index_agrees_with_walk(void **state)
{
    static const char *const sources[] = {"work", "bank", "@anyvm", "*", "@tag:t2", "dom0", "@type:AppVM"};
    static const char *const targets[] = {"bank",        "@default", "@dispvm", "*",
                                          "@dispvm:dvm", "@tag:t3",  "@anyvm",  "@adminvm"};
    static const char *const calls[] = {"s +", "s *", "s +x", "t *", "* *"};
    static const char *const asked[] = {"bank", "", "@dispvm", "@dispvm:dvm", "dvm", "dom0"};
    struct system_info *info = memory_info();
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        char text[4096] = "";
        for (int i = 0; i < 30; i++) {
#define PICK(from) from[(size_t)rand_r(&seed) % (sizeof(from) / sizeof(*from))]
            char rule[128];
            snprintf(rule, sizeof(rule), "%s %s %s deny\n", PICK(calls), PICK(sources), PICK(targets));
            strcat(text, rule);
        }
        const struct memory_file files[] = {
            {"/run", NULL}, {"/old", NULL}, {"/etc/a.policy", text}, {NULL, NULL}};
        struct policy_error error;
        struct policy *policy = memory_load(files, &error);
        assert_non_null(policy);
        for (int i = 0; i < 20; i++) {
            struct policy_request request = {.source = i % 2 ? "work" : "bank", .target = PICK(asked)};
            struct policy_decision decision;
            const struct policy_rule *first = NULL;
            policy_request_set_service(&request, i % 3 ? "s+x" : "s");
            policy_decide(policy, info, &request, &decision);
            for (size_t r = 0; !first && r < policy_rule_count(policy); r++)
                if (policy_rule_check(policy, info, &request, &decision, policy_rule_at(policy, r)) ==
                    POLICY_MATCHES)
                    first = policy_rule_at(policy, r);
            assert_ptr_equal(decision.rule, first);
            policy_decision_clear(&decision);
        }
        policy_free(policy);
    }
    system_info_free(info);
}

static void test_system_info_errors(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"domains\":[]}",
                                      "{\"domains\":{\"a\":1}}",
                                      "{\"domains\":{\"\":{}}}",
                                      "{\"domains\":{}"};
    char error[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        error[0] = '\0';
        assert_null(system_info_parse(bad[i], strlen(bad[i]), error, sizeof(error)));
        assert_true(error[0] != '\0');
    }
    struct system_info *info = system_info_parse("{\"domains\":{}}", 14, error, sizeof(error));
    assert_non_null(info);
    assert_null(system_info_find(info, "x"));
    system_info_free(info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_first_match_wins),
        cmocka_unit_test(test_illegal_requests),
        cmocka_unit_test(test_allow),
        cmocka_unit_test(test_undecidable_disposables),
        cmocka_unit_test(test_ask_lists),
        cmocka_unit_test(test_remote_source),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_index_agrees_with_walk),
        cmocka_unit_test(test_system_info_errors),
    };

    return cmocka_run_group_tests_name("policy_decide", tests, NULL, NULL);
}
