/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The emulated machine: which options there are, and the QEMU command line that they make. */
#ifndef BULKHEAD_RUN_MACHINE_H
#define BULKHEAD_RUN_MACHINE_H

#include <stdbool.h>
#include <sys/types.h>

struct machine_options {
    const char *iso;
    const char *hypervisor; /* menu entry: "live" (ours) or "xen" */
    const char *iommu;      /* "amd", "intel" or "none" */
    const char *words;      /* for dom0's kernel command line */
    const char *dom0_memory;
    unsigned int memory_mib;
    unsigned int cpus;
    bool uefi;
    bool window; /* a window on this display; else VNC on loopback */
};

struct machine {
    pid_t pid;
    int serial; /* what the guest writes to its first serial port */
    const char *accelerator;
    char directory[64]; /* sockets and UEFI variables; removed by machine_end */
};

/** Start QEMU. Returns 0 or a negative errno, with a message on stderr. */
int machine_start(struct machine *machine, const struct machine_options *options);

/** Path of QEMU's QMP socket. */
void machine_qmp_path(const struct machine *machine, char *path, size_t size);

/** Processor time that QEMU has used so far: on a busy host the honest figure. */
double machine_cpu_seconds(const struct machine *machine);

/** Has QEMU ended by itself? */
bool machine_has_ended(struct machine *machine);

/** End QEMU where it still runs, and remove what machine_start made. */
void machine_end(struct machine *machine);

#endif
