/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The panel's menus. */
#include <string.h>

#include "label.h"
#include "panel.h"

/* What a menu item does; freed with the item. */
struct action {
    struct panel *panel;
    char *domain, *argument;
    void (*run)(struct action *a);
};

static void action_free(void *data, GClosure *closure)
{
    struct action *a = data;
    (void)closure;
    g_free(a->domain);
    g_free(a->argument);
    g_free(a);
}

static void on_activate(GtkMenuItem *item, void *data)
{
    struct action *a = data;
    (void)item;
    a->run(a);
}

static GtkWidget *add(GtkWidget *menu, GtkWidget *item, struct panel *p, const char *domain,
                      const char *argument, void (*run)(struct action *))
{
    struct action *a = g_new(struct action, 1);
    *a = (struct action){p, g_strdup(domain), g_strdup(argument), run};
    g_signal_connect_data(item, "activate", G_CALLBACK(on_activate), a, action_free, 0);
    gtk_menu_shell_append(GTK_MENU_SHELL(menu), item);
    return item;
}

static GtkWidget *add_text(GtkWidget *menu, const char *text, struct panel *p, const char *domain,
                           const char *argument, void (*run)(struct action *))
{
    return add(menu, gtk_menu_item_new_with_mnemonic(text), p, domain, argument, run);
}

static void add_separator(GtkWidget *menu)
{
    gtk_menu_shell_append(GTK_MENU_SHELL(menu), gtk_separator_menu_item_new());
}

static void run_call(struct action *a)
{
    model_call(a->panel->model, a->argument, a->domain, "", NULL, NULL);
}

static void run_terminal(struct action *a)
{
    label_run_terminal(a->domain, panel_failed, a->panel);
}

static void run_files(struct action *a)
{
    label_run_files(a->domain, panel_failed, a->panel);
}

static void run_app(struct action *a)
{
    label_run_app(a->domain, a->argument, FALSE, panel_failed, a->panel);
}

static void run_disposable(struct action *a)
{
    label_run_app(a->domain, a->argument, TRUE, panel_failed, a->panel);
}

/* argument: words of a dom0 command. */
static void run_command(struct action *a)
{
    g_auto(GStrv) argv = g_strsplit(a->argument, " ", 0);
    label_spawn((const char *const *)argv, panel_failed, a->panel);
}

static void run_settings(struct action *a)
{
    const char *argv[] = {"bulkhead-manager", "--settings", a->domain, NULL};
    label_spawn(argv, panel_failed, a->panel);
}

/* -- one domain -- */

static void add_power_items(GtkWidget *menu, struct panel *p, const struct vm *v)
{
    gboolean up = label_is_up(v), paused = strcmp(v->state, "Paused") == 0;
    if (strcmp(v->name, "dom0") == 0)
        return;
    if (!up)
        add_text(menu, "_Start", p, v->name, "admin.vm.Start", run_call);
    if (up && paused)
        add_text(menu, "_Unpause", p, v->name, "admin.vm.Unpause", run_call);
    if (up && !paused)
        add_text(menu, "_Pause", p, v->name, "admin.vm.Pause", run_call);
    if (up && !paused)
        add_text(menu, "Shut _down", p, v->name, "admin.vm.Shutdown+wait", run_call);
    if (up)
        add_text(menu, "_Kill", p, v->name, "admin.vm.Kill", run_call);
}

static void add_apps(GtkWidget *menu, struct panel *p, const struct vm *v, gboolean disposable)
{
    for (guint i = 0; v->apps && i < v->apps->len; i++) {
        const struct app *a = v->apps->pdata[i];
        GtkWidget *item =
            gtk_menu_item_new_with_label(a->name); /* a domain's text: no mnemonics, no markup */
        add(menu, item, p, v->name, a->id, disposable ? run_disposable : run_app);
    }
}

GtkWidget *panel_domain_menu(struct panel *p, const struct vm *v)
{
    GtkWidget *menu = gtk_menu_new();
    gboolean dom0 = strcmp(v->name, "dom0") == 0;
    if (!dom0) {
        add_apps(menu, p, v, FALSE);
        if (v->apps && v->apps->len)
            add_separator(menu);
        add_text(menu, "_Terminal", p, v->name, NULL, run_terminal);
        add_text(menu, "_Files", p, v->name, NULL, run_files);
        add_separator(menu);
        add_power_items(menu, p, v);
        add_separator(menu);
        add_text(menu, "S_ettings…", p, v->name, NULL, run_settings);
    } else {
        add_text(menu, "_Terminal in dom0", p, "dom0", "x-terminal-emulator", run_command);
        add_text(menu, "_Domain manager", p, "dom0", "bulkhead-manager", run_command);
    }
    return menu;
}

static void add_domain(GtkWidget *menu, struct panel *p, const struct vm *v)
{
    GtkWidget *item = label_menu_item(v->name, v->label, label_is_up(v));
    gtk_menu_item_set_submenu(GTK_MENU_ITEM(item), panel_domain_menu(p, v));
    gtk_menu_shell_append(GTK_MENU_SHELL(menu), item);
}

/* Domains of the class (NULL: those that are neither template nor dom0). */
static guint add_class(GtkWidget *menu, struct panel *p, const char *klass)
{
    const GPtrArray *all = model_domains(p->model);
    guint n = 0;
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        gboolean other = strcmp(v->klass, "TemplateVM") != 0 && strcmp(v->klass, "AdminVM") != 0;
        if (v->internal || (klass ? strcmp(v->klass, klass) != 0 : !other))
            continue;
        add_domain(menu, p, v);
        n++;
    }
    return n;
}

static void add_disposables(GtkWidget *menu, struct panel *p)
{
    const GPtrArray *all = model_domains(p->model);
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        if (!v->is_dispvm_template)
            continue;
        g_autofree char *text = g_strdup_printf("Disposable: %s", v->name);
        GtkWidget *item = label_menu_item(text, v->label, FALSE), *sub = gtk_menu_new();
        add_apps(sub, p, v, TRUE);
        add_text(sub, "_Terminal", p, v->name, "qubes-run-terminal", run_disposable);
        gtk_menu_item_set_submenu(GTK_MENU_ITEM(item), sub);
        gtk_menu_shell_append(GTK_MENU_SHELL(menu), item);
    }
}

static void add_hint(GtkWidget *menu, const char *text)
{
    GtkWidget *item = gtk_menu_item_new_with_label(text);
    gtk_widget_set_sensitive(item, FALSE);
    gtk_menu_shell_append(GTK_MENU_SHELL(menu), item);
}

GtkWidget *panel_apps_menu(struct panel *p)
{
    GtkWidget *menu = gtk_menu_new();
    if (!model_connected(p->model)) {
        add_hint(menu, "The domain manager is not running");
    } else {
        add_disposables(menu, p);
        if (!add_class(menu, p, NULL))
            add_hint(menu, "No domains yet: make one in the domain manager");
        add_separator(menu);
        add_class(menu, p, "TemplateVM");
    }
    add_separator(menu);
    add_text(menu, "Domain _manager…", p, "dom0", "bulkhead-manager", run_command);
    add_text(menu, "_Create a domain…", p, "dom0", "bulkhead-manager --create", run_command);
    add_text(menu, "dom0 _terminal", p, "dom0", "x-terminal-emulator", run_command);
    return menu;
}

GtkWidget *panel_domains_menu(struct panel *p)
{
    const GPtrArray *all = model_domains(p->model);
    GtkWidget *menu = gtk_menu_new();
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        gboolean crashed = strcmp(v->state, "Crashed") == 0;
        if ((!label_is_up(v) && !crashed) || v->internal)
            continue;
        g_autofree char *state = label_state_text(v);
        g_autofree char *text = g_strdup_printf("%s   %s", v->name, state);
        GtkWidget *item = label_menu_item(text, v->label, !crashed);
        gtk_menu_item_set_submenu(GTK_MENU_ITEM(item), panel_domain_menu(p, v));
        gtk_menu_shell_append(GTK_MENU_SHELL(menu), item);
    }
    return menu;
}

GtkWidget *panel_power_menu(struct panel *p)
{
    GtkWidget *menu = gtk_menu_new();
    add_text(menu, "_Lock the screen", p, "dom0", "i3lock -c 202830", run_command);
    add_text(menu, "_Power off", p, "dom0", "sudo -n systemctl poweroff", run_command);
    add_text(menu, "_Restart", p, "dom0", "sudo -n systemctl reboot", run_command);
    return menu;
}
