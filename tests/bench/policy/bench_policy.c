/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policy costs: reading, deciding by the last rule, collecting an ask list over 30 domains, for 10
 * to 10,000 rules; and a question to a running daemon (bench-policy starts one). Best of several rounds for
 * the first, median for the last.
 */
#include "../../../qrexec/policy/call/stream.h"
#include "../../../qrexec/policy/lib/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DOMAINS   30
#define QUESTIONS 3000

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct shape {
    const char *name;
    void (*write)(FILE *out, int i); /* rule number `i`, one that the timed call does not match */
};

/* As in an ordinary policy: a few rules for each of many services. */
static void many_services(FILE *out, int i)
{
    fprintf(out, "svc.Number%d * vm%d @anyvm ask\n", 1 + i / 4, i % 7);
}

/* The worst for a list: all rules on one service, each for another pair of domains. */
static void one_service(FILE *out, int i)
{
    fprintf(out, "svc.Number0 * other%d @tag:t%d deny\n", i % 5000, i % 300);
}

static const struct shape shapes[] = {{"many services", many_services}, {"one service", one_service}};

static const char last_allows[] = "svc.Number0 * vm1 vm2 allow\n";
static const char last_asks[] = "svc.Number0 * vm1 @anyvm ask\n";

static char *make_policy(const struct shape *shape, int count, const char *last)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    for (int i = 0; i < count - 1; i++)
        shape->write(out, i);
    fputs(last, out);
    fclose(out);
    return text;
}

static char *make_info(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    fputs("{\"domains\":{\"dom0\":{\"type\":\"AdminVM\",\"tags\":[],\"uuid\":\"00000000-0000-0000-0000-"
          "000000000000\","
          "\"power_state\":\"Running\"}",
          out);
    for (int i = 0; i < DOMAINS; i++)
        fprintf(
            out,
            ",\"vm%d\":{\"type\":\"AppVM\",\"tags\":[\"guivm-dom0\",\"audiovm-dom0\",\"created-by-dom0\"],"
            "\"template_for_dispvms\":%s,\"default_dispvm\":\"vm3\",\"icon\":\"appvm-red\",\"label\":\"red\","
            "\"guivm\":\"dom0\",\"power_state\":\"Halted\",\"uuid\":\"11111111-0000-0000-0000-%012d\"}",
            i, i % 8 == 3 ? "true" : "false", i);
    fputs("}}", out);
    fclose(out);
    return text;
}

static struct policy *load(const char *text)
{
    struct policy_error error;
    struct policy *policy =
        policy_load_text(&policy_loader_files, "/none/x.policy", text, strlen(text), NULL, &error);

    if (!policy) {
        fprintf(stderr, "%u: %s\n", error.line, error.reason);
        exit(1);
    }
    return policy;
}

/* Seconds for one run of reading, best of five. */
static double time_load(const char *text)
{
    double best = 1e9;

    for (int round = 0; round < 5; round++) {
        double start = now();
        policy_free(load(text));
        double took = now() - start;
        best = took < best ? took : best;
    }
    return best;
}

static double time_decide(const struct policy *policy, const struct system_info *info,
                          enum policy_action expected)
{
    struct policy_request request = {.source = "vm1", .target = "vm2"};
    struct policy_decision decision;
    double best = 1e9;

    policy_request_set_service(&request, "svc.Number0+argument");
    for (int round = 0; round < 20; round++) {
        double start = now();
        for (int i = 0; i < 500; i++) {
            policy_decide(policy, info, &request, &decision);
            if (decision.action != expected)
                abort();
            policy_decision_clear(&decision);
        }
        double took = (now() - start) / 500;
        best = took < best ? took : best;
    }
    return best;
}

static void bench_one(const struct shape *shape, int count, const struct system_info *info)
{
    char *allow = make_policy(shape, count, last_allows), *ask = make_policy(shape, count, last_asks);
    struct policy *allowing = load(allow), *asking = load(ask);

    printf("%5d   %-14s %9.3f   %9.3f   %11.3f\n", count, shape->name, time_load(allow) * 1e3,
           time_decide(allowing, info, POLICY_ALLOW) * 1e6, time_decide(asking, info, POLICY_ASK) * 1e6);
    policy_free(allowing);
    policy_free(asking);
    free(allow);
    free(ask);
}

static void bench_library(const struct system_info *info)
{
    puts("rules   shape           parse ms   decide us   ask list us");
    for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
        for (int count = 10; count <= 10000; count *= 10)
            bench_one(&shapes[s], count, info);
}

/* ---- the daemon ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double ask_daemon(const char *path)
{
    static const char question[] =
        "source=vm1\nintended_target=vm2\nservice_and_arg=svc.Number0+argument\n\n";
    char answer[4096];
    double start = now();
    int fd = stream_connect(path, 5);
    size_t len = 0;
    ssize_t got = 0;

    if (fd < 0 || stream_write(fd, question, sizeof(question) - 1) < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    while (len < sizeof(answer) && (got = recv(fd, answer + len, sizeof(answer) - len, 0)) > 0)
        len += (size_t)got;
    close(fd);
    if (!memmem(answer, len, "result=allow", 12)) {
        fprintf(stderr, "not allowed: %.*s\n", (int)len, answer);
        exit(1);
    }
    return now() - start;
}

static void bench_daemon(const char *path)
{
    static double took[QUESTIONS];

    for (int i = 0; i < QUESTIONS; i++)
        took[i] = ask_daemon(path);
    qsort(took, QUESTIONS, sizeof(*took), compare_doubles);
    printf("question to the daemon: median %.1f us, best %.1f us, 99 %% under %.1f us\n",
           took[QUESTIONS / 2] * 1e6, took[0] * 1e6, took[QUESTIONS * 99 / 100] * 1e6);
}

static bool write_file(const char *dir, const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *out = fopen(path, "we");
    bool good = out && fputs(text, out) >= 0;
    return out && !fclose(out) && good;
}

static int make_files(const char *dir, int count)
{
    char *policy = make_policy(&shapes[0], count, last_allows), *info = make_info();
    bool good = write_file(dir, "50-bench.policy", policy) && write_file(dir, "info.json", info);

    free(policy);
    free(info);
    return good ? 0 : 1;
}

/* Plays the domain manager: each connection gets the system info. */
static int serve_info(const char *path)
{
    char *json = make_info(), request[512];
    int listener = stream_listen(path);

    if (listener < 0)
        return 1;
    fcntl(listener, F_SETFL, 0); /* wait in accept() */
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return 1;
        while (recv(fd, request, sizeof(request), 0) > 0)
            continue;
        stream_write(fd, "0", 2);
        stream_write(fd, json, strlen(json));
        close(fd);
    }
}

/*
 * bench_policy             the library
 * bench_policy make DIR N  write a policy of N rules and a system info there
 * bench_policy ask PATH    a running daemon
 * bench_policy serve PATH  be the domain manager's internal socket there
 */
int main(int argc, char **argv)
{
    char error[256];

    if (argc == 4 && !strcmp(argv[1], "make"))
        return make_files(argv[2], atoi(argv[3]));
    if (argc == 3 && !strcmp(argv[1], "ask")) {
        bench_daemon(argv[2]);
        return 0;
    }
    if (argc == 3 && !strcmp(argv[1], "serve"))
        return serve_info(argv[2]);
    char *json = make_info();
    struct system_info *info = system_info_parse(json, strlen(json), error, sizeof(error));
    bench_library(info);
    system_info_free(info);
    free(json);
    return 0;
}
