/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What QEMU's own emulation of an AMD CPU has and a hypervisor can use. Minus words: features that the
 * emulation lacks or gets wrong (RDTSCP, MONITOR and XSAVE under SVM), see docs/testing.md.
 */
#define EMULATED_CPU                                                                                         \
    "EPYC,+svm,+npt,-monitor,-rdtscp,-x2apic,-avx,-avx2,-fma,-f16c,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,"  \
    "-3dnowprefetch,-osvw,-topoext,-nrip-save,-xsavec"
#define OVMF_CODE     "/usr/share/OVMF/OVMF_CODE.fd"
#define OVMF_VARS     "/usr/share/OVMF/OVMF_VARS.fd"
#define MAX_ARGUMENTS 96

struct arguments {
    char *items[MAX_ARGUMENTS + 1];
    unsigned int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *arguments, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    if (arguments->count == MAX_ARGUMENTS ||
        vasprintf(&arguments->items[arguments->count], format, values) < 0)
        abort();
    arguments->count++;
    va_end(values);
}

static bool file_holds(const char *path, const char *text)
{
    char line[4096];
    bool found = false;

    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file))
        found = strstr(line, text) != NULL;
    fclose(file);
    return found;
}

/* A hypervisor inside needs nested virtualisation: the CPU must show it, and the module must pass it on. */
static bool kvm_can_nest(void)
{
    if (access("/dev/kvm", R_OK | W_OK) != 0)
        return false;
    if (file_holds("/proc/cpuinfo", " svm "))
        return file_holds("/sys/module/kvm_amd/parameters/nested", "1") ||
               file_holds("/sys/module/kvm_amd/parameters/nested", "Y");
    return file_holds("/proc/cpuinfo", " vmx ") && file_holds("/sys/module/kvm_intel/parameters/nested", "Y");
}

static void add_processor(struct arguments *arguments, struct machine *machine,
                          const struct machine_options *options)
{
    bool kvm = kvm_can_nest();

    machine->accelerator = kvm ? "KVM" : "TCG, no hardware virtualisation";
    add(arguments, "-accel");
    /* several emulated CPUs on one host thread each end in rare triple faults of QEMU's making */
    add(arguments, "%s", kvm ? "kvm" : options->cpus > 1 ? "tcg,thread=single" : "tcg");
    add(arguments, "-machine");
    add(arguments, "q35%s", kvm && strcmp(options->iommu, "none") != 0 ? ",kernel-irqchip=split" : "");
    add(arguments, "-cpu");
    add(arguments, "%s", kvm ? "host" : EMULATED_CPU);
    add(arguments, "-smp");
    add(arguments, "%u", options->cpus);
    add(arguments, "-m");
    add(arguments, "%u", options->memory_mib);
    if (strcmp(options->iommu, "none") != 0) {
        add(arguments, "-device");
        add(arguments, "%s-iommu,intremap=on", options->iommu);
    }
}

static void add_devices(struct arguments *arguments, const struct machine *machine,
                        const struct machine_options *options)
{
    add(arguments, "-drive");
    add(arguments, "file=%s,if=none,id=medium,format=raw,readonly=on", options->iso);
    add(arguments, "-device");
    add(arguments, "nvme,drive=medium,serial=bulkhead,bootindex=1");
    add(arguments, "-vga");
    add(arguments, "std");
    add(arguments, "-device");
    add(arguments, "qemu-xhci");
    add(arguments, "-device");
    add(arguments, "usb-tablet");
    add(arguments, "-nic");
    add(arguments, "none");
    add(arguments, "-smbios");
    add(arguments, "type=11,value=bulkhead:%s:%s:%s", options->hypervisor, options->dom0_memory,
        options->words);
    if (options->uefi) {
        add(arguments, "-drive");
        add(arguments, "if=pflash,format=raw,readonly=on,file=" OVMF_CODE);
        add(arguments, "-drive");
        add(arguments, "if=pflash,format=raw,file=%s/vars.fd", machine->directory);
    }
}

static void add_front_end(struct arguments *arguments, const struct machine *machine,
                          const struct machine_options *options)
{
    add(arguments, "-display");
    add(arguments, "%s", options->window ? "gtk" : "none");
    if (!options->window) {
        add(arguments, "-vnc");
        add(arguments, "127.0.0.1:0,to=99");
    }
    add(arguments, "-no-reboot");
    add(arguments, "-serial");
    add(arguments, "stdio");
    add(arguments, "-monitor");
    add(arguments, "none");
    add(arguments, "-qmp");
    add(arguments, "unix:%s/qmp,server=on,wait=off", machine->directory);
}

static int copy_file(const char *from, const char *to)
{
    char buffer[65536];
    ssize_t got;
    int result = 0;

    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (in < 0 || out < 0)
        result = -errno;
    while (result == 0 && (got = read(in, buffer, sizeof(buffer))) > 0)
        if (write(out, buffer, (size_t)got) != got)
            result = -EIO;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return result;
}

static void become_qemu(struct arguments *arguments, int output)
{
    int null = open("/dev/null", O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever happens to us, QEMU is not left behind */
    setpgid(0, 0);                    /* Ctrl-C is ours: dom0 gets an orderly power-off */
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execvp(arguments->items[0], arguments->items);
    fprintf(stderr, "run: cannot start %s: %s\n", arguments->items[0], strerror(errno));
    _exit(127);
}

int machine_start(struct machine *machine, const struct machine_options *options)
{
    struct arguments arguments = {.count = 0};
    char path[96];
    int output[2];

    snprintf(machine->directory, sizeof(machine->directory), "/tmp/bulkhead-run.XXXXXX");
    if (!mkdtemp(machine->directory))
        return -errno;
    snprintf(path, sizeof(path), "%s/vars.fd", machine->directory);
    if (options->uefi && copy_file(OVMF_VARS, path) != 0) {
        fprintf(stderr, "run: UEFI=1 needs the package ovmf\n");
        return -ENOENT;
    }
    add(&arguments, "qemu-system-x86_64");
    add_processor(&arguments, machine, options);
    add_devices(&arguments, machine, options);
    add_front_end(&arguments, machine, options);
    if (pipe2(output, O_CLOEXEC) != 0)
        return -errno;
    machine->pid = fork();
    if (machine->pid == 0)
        become_qemu(&arguments, output[1]);
    close(output[1]);
    machine->serial = output[0];
    for (unsigned int i = 0; i < arguments.count; i++)
        free(arguments.items[i]);
    return machine->pid > 0 ? 0 : -errno;
}

void machine_qmp_path(const struct machine *machine, char *path, size_t size)
{
    snprintf(path, size, "%s/qmp", machine->directory);
}

double machine_cpu_seconds(const struct machine *machine)
{
    struct timespec used;
    clockid_t clock;

    if (machine->pid <= 0 || clock_getcpuclockid(machine->pid, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

bool machine_has_ended(struct machine *machine)
{
    if (machine->pid > 0 && waitpid(machine->pid, NULL, WNOHANG) == machine->pid)
        machine->pid = 0;
    return machine->pid <= 0;
}

void machine_end(struct machine *machine)
{
    static const char *const files[] = {"qmp", "vars.fd"};
    const struct timespec pause = {.tv_nsec = 100000000};
    char path[96];

    if (machine->pid > 0)
        kill(machine->pid, SIGTERM);
    for (int tries = 0; tries < 50 && !machine_has_ended(machine); tries++)
        nanosleep(&pause, NULL);
    if (!machine_has_ended(machine)) {
        kill(machine->pid, SIGKILL);
        waitpid(machine->pid, NULL, 0);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", machine->directory, files[i]);
        unlink(path);
    }
    rmdir(machine->directory);
}
