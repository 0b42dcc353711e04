/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is set from outside: command line (protocol page, section 6) and configuration file. A file
 * looks like
 *
 *     global: {
 *       allow_fullscreen = true;
 *       secure_copy_sequence = "Ctrl-Shift-c";
 *     }
 *     VM: { work: { ... } }
 *
 * Sections may be left out; the part for the domain wins over the global one. '-' and '_' in keys are the
 * same.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "domain.h"
#include "key-sequence.h"

enum tray_mode {
    TRAY_BACKGROUND, /* the icon on the label's colour */
    TRAY_BORDER,     /* one pixel of it around the icon */
    TRAY_TINT,       /* the icon in shades of it */
};

struct config {
    /* command line */
    int domid, target_domid;
    char *name;
    uint32_t color;
    int label;
    char *icon;
    int log_level; /* 0 errors, 1 normal, 2 each window, 3 each message */
    bool no_wait;  /* do not wait for the agent before going to the background */
    bool foreground;
    bool invisible; /* show nothing until SIGUSR1 */
    int kill_pid;   /* gets SIGUSR1 when connected, 0: none */
    bool qrexec_clipboard;
    bool title_name;
    GPtrArray *screensavers; /* window classes, char * */
    GPtrArray *properties;   /* NAME=TYPE:VALUE, char * */
    /* either */
    enum tray_mode tray_mode;
    uint32_t max_clipboard;
    /* configuration file */
    struct domain_options options;
    struct key_sequence copy, paste, leave_fullscreen;
    uint32_t background;         /* of windows without a buffer, 0xRRGGBB */
    int startup_timeout;         /* seconds */
    int events_max_delay;        /* milliseconds, 0: none */
    int frame_rate;              /* most frames a second of a window, 0: as the monitor */
    int clipboard_timeout;       /* seconds until a copy is wiped, 0: never */
    bool reconnect;              /* wait for a new agent when the old one ends */
    bool terminate_on_violation; /* do not ask */
};

/* Defaults, then the command line, then the configuration file it names. */
bool config_load(struct config *config, int argc, char **argv, GError **error);
void config_free(struct config *config);

/* The text of a configuration file; pure. */
bool config_parse(struct config *config, const char *text, GError **error);
void config_defaults(struct config *config);

#endif
