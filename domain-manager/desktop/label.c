/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "label.h"

#include <string.h>

#include "../daemon/labels.h"

cairo_surface_t *label_surface(const char *label, gboolean running, int size)
{
    const struct label *l = labels_find(label);
    guint32 rgb = l ? l->rgb : 0x888888;
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, size, size);
    cairo_t *cr = cairo_create(s);
    cairo_rectangle(cr, 1.5, 1.5, size - 3, size - 3);
    cairo_set_source_rgb(cr, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
    if (running)
        cairo_fill_preserve(cr);
    cairo_set_line_width(cr, 3);
    cairo_stroke(cr);
    cairo_destroy(cr);
    return s;
}

GtkWidget *label_image(const char *label, gboolean running, int size)
{
    cairo_surface_t *s = label_surface(label, running, size);
    GtkWidget *image = gtk_image_new_from_surface(s);
    cairo_surface_destroy(s);
    return image;
}

GtkWidget *label_menu_item(const char *text, const char *label, gboolean running)
{
    GtkWidget *item = gtk_menu_item_new(), *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
    GtkWidget *name = gtk_label_new(text);
    gtk_label_set_xalign(GTK_LABEL(name), 0);
    gtk_box_pack_start(GTK_BOX(box), label_image(label, running, 14), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), name, TRUE, TRUE, 0);
    gtk_container_add(GTK_CONTAINER(item), box);
    atk_object_set_name(gtk_widget_get_accessible(item), text);
    return item;
}

gboolean label_is_up(const struct vm *v)
{
    return strcmp(v->state, "Halted") != 0 && strcmp(v->state, "Crashed") != 0;
}

char *label_state_text(const struct vm *v)
{
    const char *old = v->outdated ? ", restart it to get its template's update" : "";
    if (!v->memory_kib || !label_is_up(v) || strcmp(v->name, "dom0") == 0)
        return g_strdup_printf("%s%s", v->state, old);
    return g_strdup_printf("%s, %" G_GUINT64_FORMAT " MiB%s", v->state, v->memory_kib >> 10, old);
}

struct spawned {
    void (*failed)(const char *text, void *data);
    void *data;
};

static void spawn_ended(GObject *source, GAsyncResult *res, void *data)
{
    struct spawned *s = data;
    g_autofree char *complaint = NULL;
    GSubprocess *p = G_SUBPROCESS(source);
    g_subprocess_communicate_utf8_finish(p, res, NULL, &complaint, NULL);
    gboolean good = g_subprocess_get_if_exited(p) && g_subprocess_get_exit_status(p) == 0;
    if (!good && s->failed && complaint && complaint[0])
        s->failed(g_strstrip(complaint), s->data);
    g_free(s);
}

void label_spawn(const char *const *argv, void (*failed)(const char *text, void *data), void *data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) p = g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
    if (!p) {
        if (failed)
            failed(error->message, data);
        return;
    }
    struct spawned *s = g_new(struct spawned, 1);
    *s = (struct spawned){failed, data};
    g_subprocess_communicate_utf8_async(p, NULL, NULL, spawn_ended, s);
}

void label_run_terminal(const char *domain, void (*failed)(const char *, void *), void *data)
{
    static const char command[] =
        "if command -v qubes-run-terminal >/dev/null; then exec qubes-run-terminal; fi; "
        "if command -v x-terminal-emulator >/dev/null; then exec x-terminal-emulator; fi; "
        "exec xterm";
    const char *argv[] = {"qvm-run", domain, command, NULL};
    label_spawn(argv, failed, data);
}

void label_run_files(const char *domain, void (*failed)(const char *, void *), void *data)
{
    const char *argv[] = {"qvm-run", domain, "exec xdg-open \"$HOME\"", NULL};
    label_spawn(argv, failed, data);
}

void label_run_app(const char *domain, const char *app, gboolean disposable,
                   void (*failed)(const char *, void *), void *data)
{
    g_autofree char *service = g_strconcat("qubes.StartApp+", app, NULL);
    g_autofree char *base = g_strconcat("--dispvm=", domain, NULL);
    const char *plain[] = {"qvm-run", "--service", domain, service, NULL};
    const char *in_disposable[] = {"qvm-run", "--service", base, service, NULL};
    label_spawn(disposable ? in_disposable : plain, failed, data);
}
