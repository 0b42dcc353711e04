/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bulkhead-run: show the ISO in QEMU. Tells each phase with its time, saves screenshots, and without a
 * terminal powers off after the demonstration. Options come from the environment, as `make run NAME=value`
 * passes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "phases.h"
#include "qmp.h"

#define QEMU_GTK           "/usr/lib/x86_64-linux-gnu/qemu/ui-gtk.so" /* package qemu-system-gui; without it, VNC */
#define DEFAULT_TIME_LIMIT 600
#define POWER_OFF_LIMIT    60

struct run {
    struct machine machine;
    struct qmp qmp;
    struct phases phases;
    struct timespec start;
    char directory[PATH_MAX];
    int log;
    char failure[256];
    unsigned int screenshots;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    interrupted++;
}

static double seconds_since_start(const struct run *run)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - run->start.tv_sec) + (double)(now.tv_nsec - run->start.tv_nsec) / 1e9;
}

static void take_screenshot(struct run *run, const char *name)
{
    char path[PATH_MAX + PHASE_NAME_MAX + 8];

    snprintf(path, sizeof(path), "%s/%s.png", run->directory, name);
    if (qmp_screenshot(&run->qmp, path) != 0)
        return;
    run->screenshots++;
    printf("            screenshot %s\n", path);
}

static void on_phase(void *context, struct phase *phase, const char *rest)
{
    struct run *run = context;

    phase->cpu_seconds = machine_cpu_seconds(&run->machine);
    printf("%8.1f s  %s%s\n", phase->seconds, phase->name, rest);
    if (strcmp(phase->name, "desktop") == 0 || strcmp(phase->name, "done") == 0 ||
        strncmp(phase->name, "window-", 7) == 0)
        take_screenshot(run, phase->name);
    if (strcmp(phase->name, "failed") == 0) {
        snprintf(run->failure, sizeof(run->failure), "the demonstration failed:%s", rest);
        take_screenshot(run, "failed");
    }
    fflush(stdout);
}

/* One round of waiting. Returns false when QEMU has closed its output. */
static bool pump(struct run *run)
{
    struct pollfd serial = {.fd = run->machine.serial, .events = POLLIN};
    char buffer[4096];

    if (poll(&serial, 1, 500) <= 0)
        return true;
    ssize_t got = read(serial.fd, buffer, sizeof(buffer));
    if (got <= 0)
        return got < 0 && errno == EINTR;
    if (write(run->log, buffer, (size_t)got) != got)
        return false;
    phases_feed(&run->phases, buffer, (size_t)got, seconds_since_start(run), on_phase, run);
    return true;
}

static void power_off(struct run *run)
{
    char answer[512];
    double limit = seconds_since_start(run) + POWER_OFF_LIMIT;

    if (qmp_command(&run->qmp, "system_powerdown", NULL, answer, sizeof(answer)) != 0)
        return;
    while (pump(run) && seconds_since_start(run) < limit && interrupted < 2)
        ;
}

/* Until the machine is off, the demonstration failed, the time is up, or the user has had enough. */
static void watch(struct run *run, bool demonstration_only, double limit)
{
    while (pump(run)) {
        bool over = run->failure[0] || seconds_since_start(run) > limit;
        if (interrupted || (over && demonstration_only))
            break;
    }
    if (interrupted) {
        printf("powering off (again to end at once)\n");
        power_off(run);
        if (demonstration_only)
            snprintf(run->failure, sizeof(run->failure), "interrupted");
    } else if (demonstration_only && !run->failure[0] && !phases_reached(&run->phases, "done")) {
        snprintf(run->failure, sizeof(run->failure),
                 machine_has_ended(&run->machine)
                     ? "the machine ended before the demonstration did; see serial.log"
                     : "the demonstration was not over after %.0f s",
                 limit);
        take_screenshot(run, "failed");
    }
}

static int summary(const struct run *run, bool demonstration_only)
{
    printf("\n%-24s seconds  of QEMU's processor time\n", "phase");
    for (unsigned int i = 0; i < run->phases.count; i++)
        printf("%-24s %7.1f  %7.1f\n", run->phases.list[i].name, run->phases.list[i].seconds,
               run->phases.list[i].cpu_seconds);
    printf("\n%u screenshots and serial.log in %s\n", run->screenshots, run->directory);
    if (run->failure[0]) {
        printf("RESULT: failed: %s\n", run->failure);
        return EXIT_FAILURE;
    }
    printf("RESULT: %s\n", demonstration_only ? "passed" : "powered off");
    return EXIT_SUCCESS;
}

static const char *option(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && value[0] ? value : otherwise;
}

static unsigned int number_option(const char *name, unsigned int otherwise)
{
    const char *value = option(name, NULL);
    char *end = NULL;

    if (!value)
        return otherwise;
    unsigned long number = strtoul(value, &end, 10);
    if (*end != '\0' || number == 0 || number > 1000000) {
        fprintf(stderr, "run: %s=%s is no number; taking %u\n", name, value, otherwise);
        return otherwise;
    }
    return (unsigned int)number;
}

static int prepare(struct run *run, const char *directory)
{
    char path[PATH_MAX + 16];
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if ((mkdir(directory, 0755) != 0 && errno != EEXIST) || !realpath(directory, run->directory))
        return -errno;
    snprintf(path, sizeof(path), "%s/serial.log", run->directory);
    run->log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    clock_gettime(CLOCK_MONOTONIC, &run->start);
    return run->log < 0 ? -errno : 0;
}

static void tell_where(struct run *run, const struct machine_options *options)
{
    char answer[1024], port[16] = "?";

    printf("%s, %u CPU, %u MiB, %s, IOMMU %s, accelerator %s\n",
           strcmp(options->hypervisor, "xen") == 0 ? "Debian's Xen" : "Bulkhead hypervisor", options->cpus,
           options->memory_mib, options->uefi ? "UEFI" : "BIOS", options->iommu, run->machine.accelerator);
    if (!options->window && qmp_command(&run->qmp, "query-vnc", NULL, answer, sizeof(answer)) == 0 &&
        qmp_string(answer, "service", port, sizeof(port)) == 0)
        printf("watch it with a VNC viewer at 127.0.0.1:%s\n", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct run run = {.qmp = {.fd = -1}, .log = -1};
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    char words[512], path[96];

    if (argc != 3) {
        fprintf(stderr, "usage: bulkhead-run ISO OUTPUT-DIRECTORY\n");
        return 2;
    }
    bool ours = strcmp(option("HYPERVISOR", "bulkhead"), "xen") != 0;
    snprintf(words, sizeof(words), "bulkhead.demo%s %s", terminal ? "" : "=poweroff", option("WORDS", ""));
    struct machine_options options = {
        .iso = argv[1],
        .hypervisor = ours ? "live" : "xen",
        .iommu = option("IOMMU", "amd"),
        .words = words,
        .dom0_memory = option("DOM0_MEM", ""),
        .memory_mib = number_option("MEM", 6144),
        .cpus = number_option("CPUS", 1),
        .uefi = strcmp(option("UEFI", "0"), "1") == 0,
        .window = terminal && getenv("DISPLAY") != NULL && access(QEMU_GTK, R_OK) == 0,
    };
    if (prepare(&run, argv[2]) != 0 || machine_start(&run.machine, &options) != 0) {
        fprintf(stderr, "run: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    machine_qmp_path(&run.machine, path, sizeof(path));
    if (qmp_connect(&run.qmp, path) != 0)
        snprintf(run.failure, sizeof(run.failure), "QEMU did not start");
    else
        tell_where(&run, &options);
    if (!run.failure[0])
        watch(&run, !terminal, number_option("TIME_LIMIT", DEFAULT_TIME_LIMIT));
    qmp_close(&run.qmp);
    machine_end(&run.machine);
    return summary(&run, !terminal);
}
