/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system_info.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *copy_text(struct system_info *info, const char *text)
{
    return policy_arena_strndup(&info->arena, text, strlen(text));
}

/* A text member; null, absent, empty or of another type is NULL. */
static const char *text_member(struct system_info *info, const json_t *domain, const char *key)
{
    const char *text = json_string_value(json_object_get(domain, key));

    return text && *text ? copy_text(info, text) : NULL;
}

static bool true_member(const json_t *domain, const char *key)
{
    const json_t *value = json_object_get(domain, key);

    return json_is_true(value) || (json_is_integer(value) && json_integer_value(value)) ||
           (json_is_string(value) && json_string_length(value));
}

static void read_tags(struct system_info *info, struct system_info_vm *vm, const json_t *tags)
{
    size_t count = json_array_size(tags);

    vm->tags = policy_arena_alloc(&info->arena, count * sizeof(*vm->tags));
    for (size_t i = 0; i < count; i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        if (tag)
            vm->tags[vm->tag_count++] = copy_text(info, tag);
    }
}

static void read_domain(struct system_info *info, const char *name, const json_t *domain)
{
    info->vms = policy_grow(info->vms, info->count, &info->room, sizeof(*info->vms));
    struct system_info_vm *vm = &info->vms[info->count++];
    const char *uuid = json_string_value(json_object_get(domain, "uuid"));
    const char *type = text_member(info, domain, "type");

    *vm = (struct system_info_vm){
        .name = copy_text(info, name),
        .dispvm_name = policy_arena_printf(&info->arena, "@dispvm:%s", name),
        .uuid = uuid ? policy_arena_printf(&info->arena, "uuid:%s", uuid) : NULL,
        .type = type ? type : "",
        .default_dispvm = text_member(info, domain, "default_dispvm"),
        .guivm = text_member(info, domain, "guivm"),
        .icon = text_member(info, domain, "icon"),
        .label = text_member(info, domain, "label"),
        .power_state = text_member(info, domain, "power_state"),
        .relayvm = text_member(info, domain, "relayvm"),
        .transport_rpc = text_member(info, domain, "transport_rpc"),
        .template_for_dispvms = true_member(domain, "template_for_dispvms"),
        .internal = true_member(domain, "internal"),
    };
    if (vm->default_dispvm)
        vm->default_dispvm_target = policy_arena_printf(&info->arena, "@dispvm:%s", vm->default_dispvm);
    info->guivm_told |= vm->guivm != NULL;
    read_tags(info, vm, json_object_get(domain, "tags"));
}

static struct system_info *read_domains(json_t *root, char *error, size_t error_size)
{
    json_t *domains = json_object_get(root, "domains"), *domain;
    struct system_info *info = policy_calloc(1, sizeof(*info));
    const char *name;

    if (!json_is_object(domains)) {
        snprintf(error, error_size, "system info: no object \"domains\"");
        goto fail;
    }
    json_object_foreach(domains, name, domain)
    {
        if (!json_is_object(domain) || !*name) {
            snprintf(error, error_size, "system info: domain \"%s\" is not an object", name);
            goto fail;
        }
        read_domain(info, name, domain);
    }
    system_info_index(info);
    return info;
fail:
    system_info_free(info);
    return NULL;
}

struct system_info *system_info_parse(const char *json, size_t len, char *error, size_t error_size)
{
    json_error_t trouble;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &trouble);

    if (!root) {
        snprintf(error, error_size, "system info: line %d: %s", trouble.line, trouble.text);
        return NULL;
    }
    struct system_info *info = read_domains(root, error, error_size);
    json_decref(root);
    return info;
}

struct system_info *system_info_read(const char *path, char *error, size_t error_size)
{
    json_error_t trouble;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &trouble);

    if (!root) {
        snprintf(error, error_size, "%s:%d: %s", path, trouble.line, trouble.text);
        return NULL;
    }
    struct system_info *info = read_domains(root, error, error_size);
    json_decref(root);
    return info;
}
