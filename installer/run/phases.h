/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened when: reads the guest's serial output and knows the lines that begin a phase. dom0 writes
 * "BULKHEAD-PHASE name [words]"; the earlier phases show by the hypervisor's and the kernel's own first
 * lines.
 */
#ifndef BULKHEAD_RUN_PHASES_H
#define BULKHEAD_RUN_PHASES_H

#include <stdbool.h>
#include <stddef.h>

#define PHASES_MAX     64
#define PHASE_NAME_MAX 48

struct phase {
    char name[PHASE_NAME_MAX];
    double seconds;
    double cpu_seconds;
};

struct phases {
    struct phase list[PHASES_MAX];
    unsigned int count;
    char line[1024];
    size_t length;
};

/** Called for each new phase, which it may complete (cpu_seconds); rest is what followed its name on the
 * line. */
typedef void phases_callback(void *context, struct phase *phase, const char *rest);

/** Take serial output in any portions; seconds is the time since the machine was started. A carriage return
 * is dropped. */
void phases_feed(struct phases *phases, const char *text, size_t length, double seconds,
                 phases_callback *callback, void *context);

/** Has this phase been reached? */
bool phases_reached(const struct phases *phases, const char *name);

#endif
