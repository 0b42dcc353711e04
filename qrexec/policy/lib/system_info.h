/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy needs to know of the domains: the answer of internal.GetSystemInfo, in memory. */
#ifndef QREXEC_SYSTEM_INFO_H
#define QREXEC_SYSTEM_INFO_H

#include "policy_map.h"
#include "policy_mem.h"

#include <stdbool.h>

#define SYSTEM_INFO_DOM0      "dom0"
#define SYSTEM_INFO_DOM0_UUID "uuid:00000000-0000-0000-0000-000000000000"

struct system_info_vm {
    const char *name;
    const char *uuid;        /* with its "uuid:" in front; NULL if not told */
    const char *dispvm_name; /* "@dispvm:NAME" */
    const char *type;        /* class, "AppVM" */
    const char *default_dispvm, *guivm, *icon, *label, *power_state, *relayvm, *transport_rpc; /* or NULL */
    const char *default_dispvm_target; /* "@dispvm:" and default_dispvm, or NULL */
    const char **tags;
    size_t tag_count;
    bool template_for_dispvms, internal;
};

struct system_info {
    struct system_info_vm *vms;           /* in the order of the text */
    const struct system_info_vm **sorted; /* the same sorted by name */
    size_t count, room;
    struct policy_symbols by_name; /* names and uuid: names */
    uint32_t *by_name_vm;          /* symbol to index in vms */
    bool guivm_told;               /* some domain has a GUI domain: one without then has none */
    struct policy_arena arena;     /* all texts above */
};

/* Read the JSON text {"domains": {NAME: {…}}}. NULL, with the reason in `error`, if it is not of that shape.
 */
struct system_info *system_info_parse(const char *json, size_t len, char *error, size_t error_size);
/* The same from a file. */
struct system_info *system_info_read(const char *path, char *error, size_t error_size);
void system_info_free(struct system_info *info);

/* Build the indexes; the JSON reader calls it last. */
void system_info_index(struct system_info *info);

/* A domain by its name or by "uuid:…"; NULL if there is none. */
const struct system_info_vm *system_info_find(const struct system_info *info, const char *name);
bool system_info_has_tag(const struct system_info_vm *vm, const char *tag);

/* "dom0", "@adminvm" and the all-zero uuid are one and the same domain. */
bool system_info_is_dom0(const char *name);

#endif
