/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system_info.h"

#include <stdlib.h>
#include <string.h>

static int compare_vms(const void *a, const void *b)
{
    return strcmp((*(const struct system_info_vm *const *)a)->name,
                  (*(const struct system_info_vm *const *)b)->name);
}

static void add_name(struct system_info *info, const char *name, uint32_t vm)
{
    size_t len = strlen(name);

    if (policy_symbols_find(&info->by_name, 0, name, len) == POLICY_NONE)
        info->by_name_vm[policy_symbols_add(&info->by_name, 0, name, len)] = vm;
}

void system_info_index(struct system_info *info)
{
    info->sorted = policy_calloc(info->count, sizeof(*info->sorted));
    for (size_t i = 0; i < info->count; i++)
        info->sorted[i] = &info->vms[i];
    qsort(info->sorted, info->count, sizeof(*info->sorted), compare_vms);
    info->by_name_vm = policy_calloc(info->count * 2, sizeof(*info->by_name_vm));
    for (uint32_t i = 0; i < info->count; i++)
        add_name(info, info->vms[i].name, i);
    for (uint32_t i = 0; i < info->count; i++)
        if (info->vms[i].uuid)
            add_name(info, info->vms[i].uuid, i);
}

const struct system_info_vm *system_info_find(const struct system_info *info, const char *name)
{
    uint32_t symbol = policy_symbols_find(&info->by_name, 0, name, strlen(name));

    return symbol == POLICY_NONE ? NULL : &info->vms[info->by_name_vm[symbol]];
}

bool system_info_has_tag(const struct system_info_vm *vm, const char *tag)
{
    for (size_t i = 0; i < vm->tag_count; i++)
        if (!strcmp(vm->tags[i], tag))
            return true;
    return false;
}

bool system_info_is_dom0(const char *name)
{
    return !strcmp(name, SYSTEM_INFO_DOM0) || !strcmp(name, "@adminvm") ||
           !strcmp(name, SYSTEM_INFO_DOM0_UUID);
}

void system_info_free(struct system_info *info)
{
    if (!info)
        return;
    free(info->vms);
    free(info->sorted);
    free(info->by_name_vm);
    policy_symbols_free(&info->by_name);
    policy_arena_free(&info->arena);
    free(info);
}
