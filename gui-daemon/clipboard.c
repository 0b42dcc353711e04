/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "clipboard-store.h"
#include "notify.h"
#include "policy.h"
#include "view.h"

#define SERVICE "qubes.ClipboardPaste"

struct clipboard {
    struct view *view;
    struct clipboard_store store;
    bool requested; /* the agent was asked and has not answered */
    uint32_t request_time;
    struct policy_question *question;
    uint32_t paste_window, paste_time;
    char paste_source[32];
    uint32_t copied_time; /* of what the question, or the timer, is about */
    guint wipe_timer;
};

struct clipboard *clipboard_new(struct view *view)
{
    struct clipboard *c = g_new0(struct clipboard, 1);

    c->view = view;
    clipboard_store_init(&c->store, NULL);
    return c;
}

void clipboard_reset(struct clipboard *c)
{
    c->requested = false;
    policy_cancel(c->question);
    c->question = NULL;
}

void clipboard_free(struct clipboard *c)
{
    if (!c)
        return;
    clipboard_reset(c);
    if (c->wipe_timer)
        g_source_remove(c->wipe_timer);
    clipboard_store_free(&c->store);
    g_free(c);
}

__attribute__((format(printf, 2, 3))) static void tell(struct clipboard *c, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    notify_show(c->view->config->name, text);
    g_free(text);
}

/* The most that this agent may be sent: old ones end the connection when they get more. */
static size_t paste_limit(const struct clipboard *c)
{
    size_t limit = c->view->config->max_clipboard;

    return c->view->domain.minor < GUI_MINOR_BIG_CLIPBOARD ? MIN(limit, GUI_CLIPBOARD_OLD_MAX) : limit;
}

static bool lock(struct clipboard *c)
{
    int err = clipboard_store_lock(&c->store);

    if (err)
        tell(c, "The clipboard in %s cannot be used: %s", c->store.dir, strerror(-err));
    return !err;
}

/* ---- copy ---- */

void clipboard_copy(struct clipboard *c, uint32_t window, uint32_t time)
{
    c->requested = true;
    c->request_time = time;
    view_send(c->view, MSG_CLIPBOARD_REQ, window, NULL, 0);
}

/* Wipe what this daemon copied, unless something newer is there. */
static gboolean wipe_old(gpointer data)
{
    struct clipboard *c = data;
    struct clipboard_entry entry;

    c->wipe_timer = 0;
    if (clipboard_store_lock(&c->store))
        return G_SOURCE_REMOVE;
    if (!clipboard_store_read(&c->store, false, &entry) && entry.time == c->copied_time && entry.source[0])
        clipboard_store_wipe(&c->store, entry.time);
    clipboard_store_unlock(&c->store);
    return G_SOURCE_REMOVE;
}

static void start_wipe_timer(struct clipboard *c)
{
    if (c->wipe_timer)
        g_source_remove(c->wipe_timer);
    c->wipe_timer = 0;
    if (c->view->config->clipboard_timeout)
        c->wipe_timer = g_timeout_add_seconds((guint)c->view->config->clipboard_timeout, wipe_old, c);
}

static void store_locked(struct clipboard *c, const uint8_t *untrusted_bytes, size_t length)
{
    struct clipboard_event event = {
        .domain = c->view->config->name,
        .time = c->request_time,
        .copy = true,
        .sent_size = length,
        .buffer_size = c->view->config->max_clipboard,
    };
    struct clipboard_entry entry;

    /* Someone copied or pasted after the user's key: that one is newer. */
    if (!clipboard_store_read(&c->store, false, &entry) && entry.time &&
        clipboard_time_after(entry.time, c->request_time))
        return;
    if (length > c->view->config->max_clipboard) {
        clipboard_store_wipe(&c->store, c->request_time);
        event.cleared = true;
        tell(c,
             "What %s wants to copy is longer than the limit of %u bytes: nothing was copied, the clipboard "
             "is "
             "empty.",
             c->view->config->name, c->view->config->max_clipboard);
    } else {
        event.successful = !clipboard_store_write(&c->store, c->view->config->name, c->request_time,
                                                  untrusted_bytes, length);
        c->copied_time = c->request_time;
        start_wipe_timer(c);
        tell(c, "Copied %zu bytes from %s.", length, c->view->config->name);
    }
    clipboard_store_metadata(&c->store, &event);
}

void clipboard_received(struct clipboard *c, const uint8_t *untrusted_bytes, size_t length)
{
    if (!c->requested) {
        view_log(c->view, 1, "clipboard data that nobody asked for: dropped");
        return;
    }
    c->requested = false;
    if (!lock(c))
        return;
    store_locked(c, untrusted_bytes, length);
    clipboard_store_unlock(&c->store);
}

/* ---- paste ---- */

static void paste_locked(struct clipboard *c)
{
    struct clipboard_event event = {
        .domain = c->view->config->name,
        .time = c->paste_time,
        .paste = true,
        .cleared = true,
        .buffer_size = c->view->config->max_clipboard,
    };
    struct clipboard_entry entry;

    /* It must still be what the policy was asked about. */
    if (!clipboard_store_read(&c->store, true, &entry) && !strcmp(entry.source, c->paste_source) &&
        entry.time == c->copied_time && entry.length <= paste_limit(c)) {
        view_send(c->view, MSG_CLIPBOARD_DATA, c->paste_window, entry.bytes, (uint32_t)entry.length);
        clipboard_store_wipe(&c->store, c->paste_time);
        event.successful = true;
        event.sent_size = entry.length;
        clipboard_store_metadata(&c->store, &event);
        tell(c, "Pasted %zu bytes from %s to %s.", entry.length, entry.source, c->view->config->name);
    } else {
        tell(c, "The clipboard has changed meanwhile, or is too long for %s: nothing was pasted.",
             c->view->config->name);
    }
    clipboard_entry_free(&entry);
}

static void answered(void *data, bool allowed)
{
    struct clipboard *c = data;

    c->question = NULL;
    if (!allowed) {
        tell(c, "Pasting from %s to %s is not allowed.", c->paste_source, c->view->config->name);
        return;
    }
    if (!lock(c))
        return;
    paste_locked(c);
    clipboard_store_unlock(&c->store);
}

static void ask_policy(struct clipboard *c, const struct clipboard_entry *entry)
{
    const char *target = c->view->config->name;

    if (!entry->source[0]) {
        tell(c, "The clipboard is empty.");
        return;
    }
    if (!strcmp(entry->source, target)) {
        tell(c, "This was copied in %s itself: use its own clipboard.", target);
        return;
    }
    g_strlcpy(c->paste_source, entry->source, sizeof(c->paste_source));
    c->copied_time = entry->time;
    c->question = policy_ask(NULL, c->paste_source, target, SERVICE, answered, c);
    if (!c->question)
        tell(c, "Pasting from %s to %s: the policy daemon cannot be asked.", c->paste_source, target);
}

/* The daemon that should have wiped it may have ended with its domain. */
static bool expired(const struct clipboard *c, const struct clipboard_entry *entry)
{
    uint32_t limit_ms = (uint32_t)c->view->config->clipboard_timeout * 1000;

    return limit_ms && clipboard_time_after(c->paste_time, entry->time + limit_ms);
}

void clipboard_paste(struct clipboard *c, uint32_t window, uint32_t time)
{
    struct clipboard_entry entry;
    int err;

    policy_cancel(c->question);
    c->question = NULL;
    c->paste_window = window;
    c->paste_time = time;
    if (!lock(c))
        return;
    err = clipboard_store_read(&c->store, false, &entry);
    if (!err && entry.source[0] && expired(c, &entry)) {
        clipboard_store_wipe(&c->store, time);
        entry.source[0] = 0;
    }
    clipboard_store_unlock(&c->store);
    if (!err)
        ask_policy(c, &entry);
}
