/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bulkhead-panel: a strip along the screen's edge with the application menu, the running domains, the clock
 * and the power menu. Made to start fast: no icon themes, menus only when opened, the manager is asked after
 * the first paint. */
#include "panel.h"

#include <X11/keysym.h>
#include <gdk/gdkx.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../daemon/labels.h"
#include "label.h"
#include "notice.h"
#include "tray.h"

#define PANEL_HEIGHT 30
#define TRAY_ICON    22
#define APPS_DELAY_S 300

static struct panel panel = {.height = PANEL_HEIGHT};
static GBusType panel_bus = G_BUS_TYPE_SYSTEM;

void panel_failed(const char *text, void *data)
{
    (void)data;
    notice_show("Could not run the program", text);
}

/* -- menus -- */

static void menu_gone(GtkWidget *menu, void *data)
{
    (void)data;
    g_object_ref_sink(menu);
    g_object_unref(menu);
}

void panel_open_menu(struct panel *p, GtkWidget *menu, GtkWidget *from)
{
    gtk_menu_attach_to_widget(GTK_MENU(menu), from, NULL);
    g_signal_connect(menu, "selection-done", G_CALLBACK(menu_gone), NULL);
    gtk_widget_show_all(menu);
    gtk_menu_popup_at_widget(GTK_MENU(menu), from,
                             p->bottom ? GDK_GRAVITY_NORTH_WEST : GDK_GRAVITY_SOUTH_WEST,
                             p->bottom ? GDK_GRAVITY_SOUTH_WEST : GDK_GRAVITY_NORTH_WEST, NULL);
}

static void on_apps(GtkButton *button, void *data)
{
    panel_open_menu(data, panel_apps_menu(data), GTK_WIDGET(button));
}

static void on_domains(GtkButton *button, void *data)
{
    panel_open_menu(data, panel_domains_menu(data), GTK_WIDGET(button));
}

static void on_power(GtkButton *button, void *data)
{
    panel_open_menu(data, panel_power_menu(data), GTK_WIDGET(button));
}

static void on_box(GtkButton *button, void *data)
{
    struct panel *p = data;
    const struct vm *v = model_find(p->model, g_object_get_data(G_OBJECT(button), "domain"));
    if (v)
        panel_open_menu(p, panel_domain_menu(p, v), GTK_WIDGET(button));
}

/* -- Alt+F1 opens the applications, Alt+F3 the running domains, wherever the focus is -- */

static const struct {
    KeySym key;
    GtkWidget *(*menu)(struct panel *p);
} hot_keys[] = {{XK_F1, panel_apps_menu}, {XK_F3, panel_domains_menu}};

static GdkFilterReturn on_root_event(GdkXEvent *xevent, GdkEvent *event, gpointer data)
{
    struct panel *p = data;
    const XEvent *e = xevent;
    (void)event;
    if (e->type != KeyPress || !p->model)
        return GDK_FILTER_CONTINUE;
    KeySym key = XLookupKeysym((XKeyEvent *)&e->xkey, 0);
    for (guint i = 0; i < G_N_ELEMENTS(hot_keys); i++)
        if (hot_keys[i].key == key) {
            XUngrabKeyboard(e->xkey.display, e->xkey.time); /* the menu grabs it */
            panel_open_menu(p, hot_keys[i].menu(p), i == 0 ? p->apps : p->domains);
            return GDK_FILTER_REMOVE;
        }
    return GDK_FILTER_CONTINUE;
}

static void grab_keys(struct panel *p)
{
    static const unsigned locks[] = {0, LockMask, Mod2Mask, LockMask | Mod2Mask}; /* Caps Lock, Num Lock */
    Display *x = gdk_x11_get_default_xdisplay();
    gdk_x11_display_error_trap_push(gdk_display_get_default());
    for (guint i = 0; i < G_N_ELEMENTS(hot_keys); i++)
        for (guint l = 0; l < G_N_ELEMENTS(locks); l++)
            XGrabKey(x, XKeysymToKeycode(x, hot_keys[i].key), Mod1Mask | locks[l], DefaultRootWindow(x),
                     False, GrabModeAsync, GrabModeAsync);
    if (gdk_x11_display_error_trap_pop(gdk_display_get_default()))
        g_message("Alt+F1 or Alt+F3 belong to another program");
    gdk_window_add_filter(gdk_get_default_root_window(), on_root_event, p);
}

/* -- contents -- */

static GtkWidget *flat_button(const char *text, const char *accessible, GCallback clicked, struct panel *p)
{
    GtkWidget *button = gtk_button_new_with_mnemonic(text);
    gtk_button_set_relief(GTK_BUTTON(button), GTK_RELIEF_NONE);
    atk_object_set_name(gtk_widget_get_accessible(button), accessible);
    g_signal_connect(button, "clicked", clicked, p);
    return button;
}

static gboolean has_box(const struct vm *v)
{
    return strcmp(v->name, "dom0") != 0 && !v->internal && label_is_up(v);
}

/* All that the boxes show. */
static char *describe_boxes(const GPtrArray *all)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        const struct label *label = labels_find(v->label);
        g_autofree char *tip = label_state_text(v);
        if (has_box(v))
            g_string_append_printf(text, "%s\t%s\t%06x\n", v->name, tip, label ? label->rgb : 0);
    }
    return g_string_free(text, FALSE);
}

/* A button with colour and name for each running domain. */
static void add_box(struct panel *p, const struct vm *v)
{
    GtkWidget *button = flat_button("", v->name, G_CALLBACK(on_box), p);
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 5);
    gboolean starting = strcmp(v->state, "Running") != 0;
    g_autofree char *text = starting ? g_strdup_printf("%s (%s)", v->name, v->state) : g_strdup(v->name);
    g_autofree char *tip = label_state_text(v);
    gtk_container_remove(GTK_CONTAINER(button), gtk_bin_get_child(GTK_BIN(button)));
    gtk_box_pack_start(GTK_BOX(box), label_image(v->label, !starting, 14), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), gtk_label_new(text), FALSE, FALSE, 0);
    gtk_container_add(GTK_CONTAINER(button), box);
    gtk_widget_set_tooltip_text(button, tip);
    g_object_set_data_full(G_OBJECT(button), "domain", g_strdup(v->name), g_free);
    gtk_box_pack_start(GTK_BOX(p->boxes), button, FALSE, FALSE, 0);
}

static void make_boxes(struct panel *p, const GPtrArray *all)
{
    g_autoptr(GList) old = gtk_container_get_children(GTK_CONTAINER(p->boxes));
    for (GList *l = old; l; l = l->next)
        gtk_widget_destroy(l->data);
    for (guint i = 0; i < all->len; i++)
        if (has_box(all->pdata[i]))
            add_box(p, all->pdata[i]);
    gtk_widget_show_all(p->boxes);
}

static void on_changed(void *data)
{
    struct panel *p = data;
    const GPtrArray *all = model_domains(p->model);
    guint running = 0;
    g_autofree char *now = describe_boxes(all);
    if (g_strcmp0(now, p->shown) != 0) {
        make_boxes(p, all);
        g_free(p->shown);
        p->shown = g_steal_pointer(&now);
    }
    for (guint i = 0; i < all->len; i++)
        running += (guint)has_box(all->pdata[i]);
    g_autofree char *text =
        model_connected(p->model) ? g_strdup_printf("_Domains: %u", running) : g_strdup("No domain _manager");
    if (strcmp(gtk_button_get_label(GTK_BUTTON(p->domains)), text) != 0)
        gtk_button_set_label(GTK_BUTTON(p->domains), text);
}

/* A domain whose applications nobody has listed yet is asked for them, when its start is well over. */
static gboolean ask_for_apps(void *data)
{
    g_autofree char *name = data;
    const struct vm *v = panel.model ? model_find(panel.model, name) : NULL;
    const char *argv[] = {"qvm-appmenus", "--quiet", "--update", name, NULL};
    if (v && strcmp(v->state, "Running") == 0 && v->apps && !v->apps->len)
        label_spawn(argv, NULL, NULL);
    return G_SOURCE_REMOVE;
}

static void on_event(const char *domain, const char *event, GVariant *details, void *data)
{
    static const struct {
        const char *event, *title;
    } failures[] = {{"domain-start-failed", "%s did not start"},
                    {"domain-crashed", "%s crashed"},
                    {"domain-stop-failed", "%s did not stop cleanly"},
                    {"service-failed", "A program for %s failed"},
                    {"call-failed", "%s: not done"}};
    const char *reason = "";
    (void)data;
    if (strcmp(event, "domain-start") == 0 && strcmp(domain, "dom0") != 0)
        g_timeout_add_seconds(APPS_DELAY_S, ask_for_apps, g_strdup(domain));
    for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
        if (strcmp(failures[i].event, event) != 0)
            continue;
        g_autoptr(GString) title = g_string_new(failures[i].title);
        g_string_replace(title, "%s", domain, 1);
        g_variant_lookup(details, "reason", "&s", &reason);
        notice_show(title->str, reason[0] ? reason : "Its last messages are in /var/log/xen/console.");
        return;
    }
}

static gboolean on_clock(void *data)
{
    struct panel *p = data;
    char text[64];
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, sizeof text, "%a %e %b  %H:%M", &tm);
    if (strcmp(gtk_label_get_text(GTK_LABEL(p->clock)), text) != 0)
        gtk_label_set_text(GTK_LABEL(p->clock), text);
    return G_SOURCE_CONTINUE;
}

static gboolean on_refresh(void *data)
{
    struct panel *p = data;
    if (model_connected(p->model))
        model_refresh(p->model);
    return G_SOURCE_CONTINUE;
}

static void build_contents(struct panel *p)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 2);
    GtkWidget *power = flat_button("_Off", "Power menu", G_CALLBACK(on_power), p);
    p->apps = flat_button("_Applications", "Application menu", G_CALLBACK(on_apps), p);
    p->domains = flat_button("_Domains", "Running domains", G_CALLBACK(on_domains), p);
    p->boxes = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);
    p->clock = gtk_label_new("");
    atk_object_set_name(gtk_widget_get_accessible(p->clock), "Clock");
    gtk_box_pack_start(GTK_BOX(box), p->apps, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), gtk_separator_new(GTK_ORIENTATION_VERTICAL), FALSE, FALSE, 2);
    gtk_box_pack_start(GTK_BOX(box), p->boxes, FALSE, FALSE, 0);
    gtk_box_pack_end(GTK_BOX(box), power, FALSE, FALSE, 2);
    gtk_box_pack_end(GTK_BOX(box), p->clock, FALSE, FALSE, 8);
    gtk_box_pack_end(GTK_BOX(box), p->domains, FALSE, FALSE, 0);
    gtk_box_pack_end(GTK_BOX(box), tray_new(TRAY_ICON), FALSE, FALSE, 4);
    gtk_container_add(GTK_CONTAINER(p->window), box);
    on_clock(p);
    /* the theme may want more than our height */
    int natural = 0;
    gtk_widget_show_all(box);
    gtk_widget_get_preferred_height(box, NULL, &natural);
    p->height = MAX(p->height, natural);
}

/* -- the strip -- */

static void set_strut(struct panel *p, int width)
{
    gulong strut[12] = {0};
    GdkWindow *window = gtk_widget_get_window(p->window);
    strut[p->bottom ? 3 : 2] = (gulong)p->height;
    strut[p->bottom ? 11 : 9] = (gulong)(width - 1);
    gdk_property_change(window, gdk_atom_intern_static_string("_NET_WM_STRUT"),
                        gdk_atom_intern_static_string("CARDINAL"), 32, GDK_PROP_MODE_REPLACE, (guchar *)strut,
                        4);
    gdk_property_change(window, gdk_atom_intern_static_string("_NET_WM_STRUT_PARTIAL"),
                        gdk_atom_intern_static_string("CARDINAL"), 32, GDK_PROP_MODE_REPLACE, (guchar *)strut,
                        12);
}

static void place(struct panel *p)
{
    GdkRectangle screen;
    gdk_monitor_get_geometry(gdk_display_get_monitor(gdk_display_get_default(), 0), &screen);
    gtk_widget_set_size_request(p->window, screen.width, p->height);
    gtk_window_resize(GTK_WINDOW(p->window), screen.width, p->height);
    gtk_window_move(GTK_WINDOW(p->window), screen.x,
                    p->bottom ? screen.y + screen.height - p->height : screen.y);
    if (gtk_widget_get_realized(p->window))
        set_strut(p, screen.width);
}

static void on_size_changed(GdkScreen *screen, void *data)
{
    (void)screen;
    place(data);
}

static gboolean after_paint(void *data)
{
    struct panel *p = data;
    grab_keys(p);
    p->model = model_new(panel_bus, on_changed, on_event, p);
    g_timeout_add_seconds(5, on_refresh, p);
    return G_SOURCE_REMOVE;
}

static gboolean on_draw(GtkWidget *window, cairo_t *cr, void *data)
{
    struct panel *p = data;
    (void)window, (void)cr;
    if (!p->painted) {
        p->painted = TRUE;
        fprintf(stderr, "bulkhead-panel: painted\n");
        g_idle_add_full(G_PRIORITY_LOW, after_paint, p, NULL);
    }
    return FALSE;
}

int main(int argc, char **argv)
{
    gboolean session = FALSE;
    const GOptionEntry entries[] = {{"bottom", 0, 0, G_OPTION_ARG_NONE, &panel.bottom, "At the bottom", NULL},
                                    {"session-bus", 0, 0, G_OPTION_ARG_NONE, &session, "For tests", NULL},
                                    G_OPTION_ENTRY_NULL};
    g_autoptr(GError) error = NULL;
    gdk_set_allowed_backends("x11");
    g_setenv("GDK_GL", "disable", FALSE); /* else GDK loads Mesa, and with it LLVM */
    if (!gtk_init_with_args(&argc, &argv, NULL, entries, NULL, &error)) {
        fprintf(stderr, "bulkhead-panel: %s\n", error ? error->message : "no display");
        return 1;
    }
    panel_bus = session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM;
    panel.window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    gtk_window_set_title(GTK_WINDOW(panel.window), "Bulkhead panel");
    gtk_window_set_type_hint(GTK_WINDOW(panel.window), GDK_WINDOW_TYPE_HINT_DOCK);
    gtk_window_set_decorated(GTK_WINDOW(panel.window), FALSE);
    gtk_window_stick(GTK_WINDOW(panel.window));
    gtk_window_set_keep_above(GTK_WINDOW(panel.window), TRUE);
    build_contents(&panel);
    g_signal_connect_after(panel.window, "draw", G_CALLBACK(on_draw), &panel);
    g_signal_connect(gdk_screen_get_default(), "size-changed", G_CALLBACK(on_size_changed), &panel);
    g_signal_connect(gdk_screen_get_default(), "monitors-changed", G_CALLBACK(on_size_changed), &panel);
    gtk_widget_realize(panel.window);
    place(&panel);
    gtk_widget_show_all(panel.window);
    g_timeout_add_seconds(2, on_clock, &panel);
    gtk_main();
    return 0;
}
