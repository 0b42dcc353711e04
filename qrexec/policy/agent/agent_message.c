/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent_message.h"

#include <glib.h>
#include <jansson.h>
#include <string.h>

#define MAX_TARGETS 20000

static const struct {
    const char *label, *colour;
} colours[] = {
    {"red", "#cc0000"},  {"orange", "#f57900"}, {"yellow", "#edd400"}, {"green", "#73d216"},
    {"gray", "#555555"}, {"blue", "#3465a4"},   {"purple", "#75507b"}, {"black", "#000000"},
};

const char *agent_message_colour(const char *label)
{
    const char *dash = label ? strrchr(label, '-') : NULL, *name = dash ? dash + 1 : label;

    for (size_t i = 0; name && i < G_N_ELEMENTS(colours); i++)
        if (!strcmp(colours[i].label, name))
            return colours[i].colour;
    return "#999999";
}

/* Names, services and arguments: nothing that could end a line, look like something else, or be markup. */
static bool is_harmless(const char *text)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@:+";

    return text && text[strspn(text, legal)] == '\0';
}

/* A copy of a text member; NULL if it is missing or not harmless. */
static char *take(const json_t *json, const char *key)
{
    const char *untrusted_text = json_string_value(json_object_get(json, key));

    return is_harmless(untrusted_text) ? g_strdup(untrusted_text) : NULL;
}

static char *make_title(const char *name)
{
    static const char disposable[] = "@dispvm:";

    if (!strncmp(name, disposable, strlen(disposable)))
        return g_strdup_printf("new disposable of %s", name + strlen(disposable));
    return g_strdup(name);
}

static const char *icon_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json_object_get(json, "icons"), name));
}

static bool read_targets(struct agent_message *message, const json_t *json)
{
    const json_t *targets = json_object_get(json, "targets");
    const char *preset = json_string_value(json_object_get(json, "default_target"));
    size_t count = json_array_size(targets);

    if (!count || count > MAX_TARGETS)
        return false;
    message->targets = g_new0(struct agent_target, count);
    message->preset = count;
    for (size_t i = 0; i < count; i++) {
        const char *untrusted_name = json_string_value(json_array_get(targets, i));
        if (!is_harmless(untrusted_name) || !*untrusted_name)
            return false;
        message->targets[message->target_count++] = (struct agent_target){
            .name = g_strdup(untrusted_name),
            .title = make_title(untrusted_name),
            .colour = g_strdup(agent_message_colour(icon_of(json, untrusted_name))),
        };
        if (preset && !strcmp(preset, untrusted_name))
            message->preset = i;
    }
    return true;
}

static bool read_notice(struct agent_message *message, const json_t *json)
{
    const char *untrusted_text = json_string_value(json_object_get(json, "message"));

    message->target = take(json, "target");
    message->resolution = take(json, "resolution");
    if (untrusted_text) {
        message->text = g_strdup(untrusted_text);
        g_strdelimit(g_strcanon(message->text,
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                " !#$%&'()*+,-./:;=?@[]^_`{|}~\"",
                                '?'),
                     "<>", '?');
    }
    return message->target && message->resolution;
}

static bool read_members(struct agent_message *message, const json_t *json)
{
    const char *label = json_string_value(json_object_get(json, "source_label"));

    message->source = take(json, "source");
    message->service = take(json, "service");
    message->argument = take(json, "argument");
    if (!message->source || !*message->source || !message->service || !message->argument)
        return false;
    message->source_colour = g_strdup(agent_message_colour(label ? label : icon_of(json, message->source)));
    return message->kind == AGENT_ASK ? read_targets(message, json) : read_notice(message, json);
}

static bool read_kind(struct agent_message *message, const char *header)
{
    size_t len = strcspn(header, " +");

    if (len == strlen("policy.Ask") && !strncmp(header, "policy.Ask", len))
        message->kind = AGENT_ASK;
    else if (len == strlen("policy.Notify") && !strncmp(header, "policy.Notify", len))
        message->kind = AGENT_NOTIFY;
    else
        return false;
    return true;
}

struct agent_message *agent_message_read(const char *untrusted_data, size_t len)
{
    const char *zero = memchr(untrusted_data, '\0', len);
    struct agent_message *message = g_new0(struct agent_message, 1);
    json_t *json = NULL;

    if (zero && read_kind(message, untrusted_data))
        json = json_loadb(zero + 1, len - (size_t)(zero + 1 - untrusted_data), JSON_REJECT_DUPLICATES, NULL);
    if (!json || !read_members(message, json)) {
        agent_message_free(message);
        message = NULL;
    }
    json_decref(json);
    return message;
}

void agent_message_free(struct agent_message *message)
{
    for (size_t i = 0; i < message->target_count; i++) {
        g_free(message->targets[i].name);
        g_free(message->targets[i].title);
        g_free(message->targets[i].colour);
    }
    g_free(message->targets);
    g_free(message->source);
    g_free(message->source_colour);
    g_free(message->service);
    g_free(message->argument);
    g_free(message->target);
    g_free(message->resolution);
    g_free(message->text);
    g_free(message);
}
