/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "violation.h"

#include <string.h>

enum { RESPONSE_TERMINATE = 1, RESPONSE_IGNORE = 2 };

void violation_init(struct violation *v, const struct config *config, void (*pause)(void *data),
                    void (*resume)(void *data, enum violation_answer answer), void *data)
{
    memset(v, 0, sizeof(*v));
    v->config = config;
    v->pause = pause;
    v->resume = resume;
    v->data = data;
}

void violation_free(struct violation *v)
{
    if (v->dialog)
        gtk_widget_destroy(v->dialog);
    v->dialog = NULL;
}

void violation_reset(struct violation *v)
{
    v->ignored = false;
}

static void answered(GtkDialog *dialog, int response, struct violation *v)
{
    (void)dialog;
    violation_free(v);
    /* Closing the dialog is not a decision to kill. */
    if (response == RESPONSE_TERMINATE) {
        v->resume(v->data, VIOLATION_TERMINATE);
        return;
    }
    v->ignored = true;
    v->resume(v->data, v->fatal ? VIOLATION_CLOSE : VIOLATION_IGNORE);
}

static GtkWidget *build(struct violation *v, const char *text)
{
    g_autofree char *message = g_strdup_printf(
        "Domain \"%s\" sent an invalid or suspicious request to the GUI daemon:\n\n%s\n\n"
        "It may have been compromised, or its GUI agent has a bug. Terminate the domain, or ignore "
        "the request (and further ones of this kind) and go on?",
        v->config->name, text);
    GtkWidget *dialog = gtk_dialog_new(), *label = gtk_label_new(message);

    gtk_window_set_title(GTK_WINDOW(dialog), "dom0: GUI protocol violation");
    gtk_window_set_keep_above(GTK_WINDOW(dialog), TRUE);
    gtk_window_set_position(GTK_WINDOW(dialog), GTK_WIN_POS_CENTER_ALWAYS);
    gtk_dialog_add_button(GTK_DIALOG(dialog), "Terminate domain", RESPONSE_TERMINATE);
    gtk_dialog_add_button(GTK_DIALOG(dialog), v->fatal ? "Close" : "Ignore", RESPONSE_IGNORE);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 60);
    gtk_label_set_selectable(GTK_LABEL(label), FALSE);
    g_object_set(label, "margin", 18, NULL);
    gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(dialog))), label);
    g_signal_connect(dialog, "response", G_CALLBACK(answered), v);
    return dialog;
}

void violation_ask(struct violation *v, const char *text, bool fatal)
{
    if (v->dialog || (v->ignored && !fatal))
        return;
    v->fatal = fatal;
    v->pause(v->data);
    if (v->config->terminate_on_violation) {
        v->resume(v->data, VIOLATION_TERMINATE);
        return;
    }
    v->dialog = build(v, text);
    gtk_widget_show_all(v->dialog);
}
