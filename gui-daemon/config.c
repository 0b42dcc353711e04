/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "label.h"
#include "sanitize.h"

void config_defaults(struct config *config)
{
    memset(config, 0, sizeof(*config));
    config->domid = config->target_domid = -1;
    config->log_level = 1;
    config->max_clipboard = GUI_CLIPBOARD_DEFAULT;
    config->options = (struct domain_options){
        .override_redirect = true,
        .override_redirect_protection = true,
        .max_windows = 1000,
        .max_pages = 1024 * 256, /* 1 GiB */
    };
    key_sequence_parse("Ctrl-Shift-c", &config->copy);
    key_sequence_parse("Ctrl-Shift-v", &config->paste);
    key_sequence_parse("Ctrl-Shift-F11", &config->leave_fullscreen);
    config->background = 0xffffff;
    config->startup_timeout = 45;
    config->clipboard_timeout = 120;
    config->reconnect = true;
    config->screensavers = g_ptr_array_new_with_free_func(g_free);
    config->properties = g_ptr_array_new_with_free_func(g_free);
}

void config_free(struct config *config)
{
    g_free(config->name);
    g_free(config->icon);
    g_free((char *)config->options.title_prefix);
    g_ptr_array_unref(config->screensavers);
    g_ptr_array_unref(config->properties);
}

static bool set_bool(bool *out, const char *value)
{
    static const char *const yes[] = {"true", "1", "yes", NULL}, *const no[] = {"false", "0", "no", "", NULL};

    if (!g_strv_contains(yes, value) && !g_strv_contains(no, value))
        return false;
    *out = g_strv_contains(yes, value);
    return true;
}

static bool set_int(int *out, const char *value, int least, int most)
{
    gint64 number;

    if (!g_ascii_string_to_signed(value, 10, least, most, &number, NULL))
        return false;
    *out = (int)number;
    return true;
}

static bool set_color(uint32_t *out, const char *value)
{
    const char *digits = g_str_has_prefix(value, "0x") ? value + 2 : value + (*value == '#');
    guint64 number;

    if (!g_ascii_string_to_unsigned(digits, 16, 0, 0xffffff, &number, NULL))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool set_tray_mode(enum tray_mode *out, const char *value)
{
    static const struct {
        const char *name;
        enum tray_mode mode;
    } table[] = {
        {"bg", TRAY_BACKGROUND},          {"border1", TRAY_BORDER},
        {"border2", TRAY_BORDER},         {"tint", TRAY_TINT},
        {"tint+border1", TRAY_TINT},      {"tint+border2", TRAY_TINT},
        {"tint+saturation50", TRAY_TINT},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (!strcmp(value, table[i].name)) {
            *out = table[i].mode;
            return true;
        }
    }
    return false;
}

static bool set_max_clipboard(struct config *config, const char *value)
{
    int number;

    if (!set_int(&number, value, GUI_CLIPBOARD_MIN, GUI_CLIPBOARD_MAX))
        return false;
    config->max_clipboard = (uint32_t)number;
    return true;
}

static bool set_max_windows(struct config *config, const char *value)
{
    int number;

    if (!set_int(&number, value, 1, 100000))
        return false;
    config->options.max_windows = (uint32_t)number;
    return true;
}

static bool set_max_memory(struct config *config, const char *value)
{
    int number;

    if (!set_int(&number, value, 1, 1 << 20))
        return false;
    config->options.max_pages = (size_t)number * 256;
    return true;
}

static bool set_override_redirect(struct config *config, const char *value)
{
    if (strcmp(value, "allow") && strcmp(value, "disable") && strcmp(value, "disabled"))
        return false;
    config->options.override_redirect = !strcmp(value, "allow");
    return true;
}

/* One known key: true if the value was good. */
static bool set_key(struct config *config, const char *key, const char *value, bool *known)
{
    struct domain_options *options = &config->options;

#define KEY(text, expression)                                                                                \
    if (!strcmp(key, text))                                                                                  \
    return expression
    *known = true;
    KEY("allow_fullscreen", set_bool(&options->allow_fullscreen, value));
    KEY("override_redirect_protection", set_bool(&options->override_redirect_protection, value));
    KEY("override_redirect", set_override_redirect(config, value));
    KEY("allow_utf8_titles", set_bool(&options->allow_utf8_titles, value));
    KEY("secure_copy_sequence", key_sequence_parse(value, &config->copy));
    KEY("secure_paste_sequence", key_sequence_parse(value, &config->paste));
    KEY("leave_fullscreen_sequence", key_sequence_parse(value, &config->leave_fullscreen));
    KEY("trayicon_mode", set_tray_mode(&config->tray_mode, value));
    KEY("window_background_color", set_color(&config->background, value));
    KEY("startup_timeout", set_int(&config->startup_timeout, value, 0, 86400));
    KEY("max_clipboard_size", set_max_clipboard(config, value));
    KEY("events_max_delay", set_int(&config->events_max_delay, value, 0, 5000));
    KEY("frame_rate", set_int(&config->frame_rate, value, 0, 1000));
    KEY("clipboard_timeout", set_int(&config->clipboard_timeout, value, 0, 86400));
    KEY("log_level", set_int(&config->log_level, value, 0, 3));
    KEY("max_windows", set_max_windows(config, value));
    KEY("max_buffer_memory", set_max_memory(config, value));
    KEY("reconnect", set_bool(&config->reconnect, value));
    KEY("terminate_on_violation", set_bool(&config->terminate_on_violation, value));
#undef KEY
    *known = false;
    return true;
}

/* ---- configuration file ---- */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SYMBOL, TOKEN_BAD };

struct lexer {
    const char *at;
    int line;
    enum token token;
    char text[256];
};

static void skip_blank(struct lexer *l)
{
    for (;;) {
        while (g_ascii_isspace(*l->at))
            l->line += *l->at++ == '\n';
        if (*l->at != '#' && strncmp(l->at, "//", 2))
            return;
        while (*l->at && *l->at != '\n')
            l->at++;
    }
}

static bool word_char(char c)
{
    return g_ascii_isalnum(c) || (c && strchr("_-.+", c));
}

static void next_token(struct lexer *l)
{
    size_t n = 0;
    bool quoted;

    skip_blank(l);
    l->text[0] = 0;
    if (!*l->at) {
        l->token = TOKEN_END;
        return;
    }
    quoted = *l->at == '"';
    if (!quoted && !word_char(*l->at)) {
        l->token = TOKEN_SYMBOL;
        l->text[0] = *l->at++;
        l->text[1] = 0;
        return;
    }
    l->at += quoted;
    while (quoted ? *l->at && *l->at != '"' && *l->at != '\n' : word_char(*l->at)) {
        if (n + 1 < sizeof(l->text))
            l->text[n++] = *l->at;
        l->at++;
    }
    l->text[n] = 0;
    l->token = quoted ? TOKEN_STRING : TOKEN_WORD;
    if (quoted && *l->at++ != '"') {
        l->at--;
        l->token = TOKEN_BAD;
    }
}

static bool symbol(const struct lexer *l, char c)
{
    return l->token == TOKEN_SYMBOL && l->text[0] == c;
}

static bool bad(struct lexer *l, GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "line %d: %s '%s'", l->line, what, l->text);
    return false;
}

/* Which nesting of names applies to this domain? */
static bool section_applies(const struct config *config, const char *path)
{
    g_autofree char *own = g_strdup_printf("VM/%s", config->name ? config->name : "");

    return !*path || !strcmp(path, "global") || !strcmp(path, own);
}

static bool parse_value(struct config *config, struct lexer *l, const char *path, const char *name,
                        GError **error)
{
    g_autofree char *key = g_strdelimit(g_strdup(name), "-", '_');
    bool known;

    next_token(l);
    if (l->token != TOKEN_WORD && l->token != TOKEN_STRING)
        return bad(l, error, "no value but");
    if (section_applies(config, path) && !set_key(config, key, l->text, &known))
        return bad(l, error, "bad value");
    next_token(l);
    if (symbol(l, ';') || symbol(l, ','))
        next_token(l);
    return true;
}

/* NAME = VALUE; or NAME: { … }; recursion is bounded by `depth`. */
static bool parse_entries(struct config *config, struct lexer *l, const char *path, int depth, GError **error)
{
    while (l->token == TOKEN_WORD) {
        g_autofree char *name = g_strdup(l->text),
                        *sub = g_strdup_printf("%s%s%s", path, *path ? "/" : "", name);

        next_token(l);
        if (!symbol(l, ':') && !symbol(l, '='))
            return bad(l, error, "expected ':' or '=' before");
        while (g_ascii_isspace(*l->at))
            l->line += *l->at++ == '\n';
        if (*l->at != '{') {
            if (!parse_value(config, l, path, name, error))
                return false;
            continue;
        }
        next_token(l);
        next_token(l);
        if (depth == 0)
            return bad(l, error, "too many levels at");
        if (!parse_entries(config, l, sub, depth - 1, error))
            return false;
        if (!symbol(l, '}'))
            return bad(l, error, "expected '}' before");
        next_token(l);
        if (symbol(l, ';') || symbol(l, ','))
            next_token(l);
    }
    return true;
}

bool config_parse(struct config *config, const char *text, GError **error)
{
    struct lexer l = {.at = text, .line = 1};

    next_token(&l);
    if (!parse_entries(config, &l, "", 3, error))
        return false;
    return l.token == TOKEN_END || bad(&l, error, "unexpected");
}

/* ---- command line ---- */

struct raw_options {
    char *color, *tray, *config_file;
    char **screensavers, **properties;
    char *override_redirect;
    int verbose, quiet, max_clipboard;
};

static gboolean count_verbose(const gchar *option, const gchar *value, gpointer data, GError **error)
{
    struct raw_options *raw = data;

    (void)value;
    (void)error;
    if (!strcmp(option, "-q") || !strcmp(option, "--quiet"))
        raw->quiet++;
    else
        raw->verbose++;
    return TRUE;
}

static bool usage_error(GError **error, const char *text)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s", text);
    return false;
}

static void take_strings(GPtrArray *to, char **from)
{
    for (char **p = from; p && *p; p++)
        g_ptr_array_add(to, g_strdup(*p));
    g_strfreev(from);
}

static bool apply_options(struct config *config, struct raw_options *raw, GError **error)
{
    if (config->domid < 0 || !config->name)
        return usage_error(error, "-d DOMID and -N NAME are needed");
    if (!domain_name_valid(config->name))
        return usage_error(error, "-N: not a domain's name");
    config->color = label_color(config->label);
    if (raw->color && !set_color(&config->color, raw->color))
        return usage_error(error, "-c: not a colour 0xRRGGBB");
    if (raw->tray && !set_tray_mode(&config->tray_mode, raw->tray))
        return usage_error(error, "--trayicon-mode: unknown mode");
    if (raw->override_redirect && !set_override_redirect(config, raw->override_redirect))
        return usage_error(error, "--override-redirect: allow or disabled");
    if (raw->max_clipboard) {
        if (raw->max_clipboard < GUI_CLIPBOARD_MIN || raw->max_clipboard > GUI_CLIPBOARD_MAX)
            return usage_error(error, "--max-clipboard-size: 256 to 256000");
        config->max_clipboard = (uint32_t)raw->max_clipboard;
    }
    config->log_level = CLAMP(config->log_level + raw->verbose - raw->quiet, 0, 3);
    if (config->title_name)
        config->options.title_prefix = g_strdup_printf("[%s] ", config->name);
    return true;
}

static bool load_file(struct config *config, const char *path, GError **error)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    if (config_parse(config, text, error))
        return true;
    g_prefix_error(error, "%s: ", path);
    return false;
}

bool config_load(struct config *config, int argc, char **argv, GError **error)
{
    struct raw_options raw = {0};
    gboolean no_wait = FALSE, foreground = FALSE, invisible = FALSE, qrexec = FALSE, title = FALSE;
    const GOptionEntry entries[] = {
        {"domid", 'd', 0, G_OPTION_ARG_INT, &config->domid, "domain that runs the agent", "ID"},
        {"target-domid", 't', 0, G_OPTION_ARG_INT, &config->target_domid, "domain whose windows they are",
         "ID"},
        {"name", 'N', 0, G_OPTION_ARG_STRING, &config->name, "name of the domain", "NAME"},
        {"color", 'c', 0, G_OPTION_ARG_STRING, &raw.color, "colour of the frames", "0xRRGGBB"},
        {"label", 'l', 0, G_OPTION_ARG_INT, &config->label, "number of the label", "N"},
        {"icon", 'i', 0, G_OPTION_ARG_STRING, &config->icon, "icon of the windows", "NAME"},
        {"config", 'C', 0, G_OPTION_ARG_FILENAME, &raw.config_file, "configuration file", "FILE"},
        {"verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, count_verbose, "log more", NULL},
        {"quiet", 'q', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, count_verbose, "log less", NULL},
        {"no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, "do not wait for the agent", NULL},
        {"foreground", 'f', 0, G_OPTION_ARG_NONE, &foreground, "stay in the foreground", NULL},
        {"invisible", 'I', 0, G_OPTION_ARG_NONE, &invisible, "show windows only after SIGUSR1", NULL},
        {"kill", 'K', 0, G_OPTION_ARG_INT, &config->kill_pid, "send SIGUSR1 to PID when connected", "PID"},
        {"prop", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &raw.properties, "X property of each window",
         "NAME=TYPE:VALUE"},
        {"title-name", 'T', 0, G_OPTION_ARG_NONE, &title, "prefix titles with the domain's name", NULL},
        {"qrexec-clipboard", 'Q', 0, G_OPTION_ARG_NONE, &qrexec, "copy and paste by qrexec services", NULL},
        {"trayicon-mode", 0, 0, G_OPTION_ARG_STRING, &raw.tray, "bg, border1 or tint", "MODE"},
        {"screensaver-name", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw.screensavers,
         "window class of a screensaver", "NAME"},
        {"override-redirect", 0, 0, G_OPTION_ARG_STRING, &raw.override_redirect, "allow or disabled", "WHAT"},
        {"max-clipboard-size", 0, 0, G_OPTION_ARG_INT, &raw.max_clipboard, "256 to 256000 bytes", "BYTES"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    GOptionContext *context = g_option_context_new("- show the windows of a domain");
    GOptionGroup *group = g_option_group_new("main", "", "", &raw, NULL);
    bool ok;

    config_defaults(config);
    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    ok = g_option_context_parse(context, &argc, &argv, error);
    g_option_context_free(context);
    config->no_wait = no_wait;
    config->foreground = foreground;
    config->invisible = invisible;
    config->qrexec_clipboard = qrexec;
    config->title_name = title;
    take_strings(config->screensavers, raw.screensavers);
    take_strings(config->properties, raw.properties);
    /* The file first: the command line wins. */
    ok = ok && (!raw.config_file || load_file(config, raw.config_file, error)) &&
         apply_options(config, &raw, error);
    g_free(raw.color);
    g_free(raw.tray);
    g_free(raw.config_file);
    g_free(raw.override_redirect);
    return ok;
}
