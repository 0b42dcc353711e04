/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "phases.h"

#include <stdio.h>
#include <string.h>

#define MARKER "BULKHEAD-PHASE "

/* First lines of those who cannot write our marker. */
static const struct {
    const char *text;
    const char *phase;
} first_lines[] = {
    {"Loading the hypervisor", "boot-loader"},
    {"Xen version ", "hypervisor"},
    {"Bulkhead hypervisor", "hypervisor"},
    {"Linux version ", "dom0-kernel"},
};

bool phases_reached(const struct phases *phases, const char *name)
{
    for (unsigned int i = 0; i < phases->count; i++)
        if (strcmp(phases->list[i].name, name) == 0)
            return true;
    return false;
}

static void reach(struct phases *phases, const char *name, const char *rest, double seconds,
                  phases_callback *callback, void *context)
{
    if (phases->count == PHASES_MAX || phases_reached(phases, name))
        return;
    struct phase *phase = &phases->list[phases->count++];
    snprintf(phase->name, sizeof(phase->name), "%s", name);
    phase->seconds = seconds;
    callback(context, phase, rest);
}

static void take_line(struct phases *phases, double seconds, phases_callback *callback, void *context)
{
    char name[PHASE_NAME_MAX];

    const char *marker = strstr(phases->line, MARKER);
    if (marker) {
        marker += strlen(MARKER);
        size_t length = strcspn(marker, " ");
        snprintf(name, sizeof(name), "%.*s", (int)length, marker);
        reach(phases, name, marker + length, seconds, callback, context);
        return;
    }
    for (size_t i = 0; i < sizeof(first_lines) / sizeof(first_lines[0]); i++)
        if (strstr(phases->line, first_lines[i].text))
            reach(phases, first_lines[i].phase, "", seconds, callback, context);
}

void phases_feed(struct phases *phases, const char *text, size_t length, double seconds,
                 phases_callback *callback, void *context)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n') {
            if (phases->length + 1 < sizeof(phases->line) && text[i] != '\0' && text[i] != '\r')
                phases->line[phases->length++] = text[i];
            continue;
        }
        phases->line[phases->length] = '\0';
        phases->length = 0;
        take_line(phases, seconds, callback, context);
    }
}
