/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ask dialog, in a display of its own (Xvfb): when "Allow" may be used, search, keys, accessible names.
 */
#include "../../../qrexec/policy/agent/ask_dialog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define MESSAGE(preset)                                                                                      \
    "{\"source\":\"work\",\"service\":\"qubes.Filecopy\",\"argument\":\"+x\",\"targets\":[\"@dispvm:dvm\","  \
    "\"bank\","                                                                                              \
    "\"vault\"],\"default_target\":\"" preset                                                                \
    "\",\"icons\":{\"work\":\"appvm-blue\",\"bank\":\"appvm-green\"}}"

struct shown {
    struct agent_message *message;
    struct ask_dialog *dialog;
    int answers;
    char target[64]; /* "-": denied */
    bool all;
};

static struct agent_message *read_message(const char *service, const char *json)
{
    char data[2048];
    size_t len = strlen(service) + 1;

    memcpy(data, service, len);
    memcpy(data + len, json, strlen(json));
    return agent_message_read(data, len + strlen(json));
}

static void done(void *data, const char *target, bool all)
{
    struct shown *shown = data;

    shown->answers++;
    shown->all = all;
    g_strlcpy(shown->target, target ? target : "-", sizeof(shown->target));
}

static gboolean stop_waiting(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

static void run_for(guint ms)
{
    bool over = false;

    g_timeout_add(ms, stop_waiting, &over);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
}

static void show(struct shown *shown, const char *json, size_t waiting)
{
    memset(shown, 0, sizeof(*shown));
    shown->message = read_message("policy.Ask dom0 name dom0", json);
    assert_non_null(shown->message);
    /* without a window manager the pointer's window would have the focus */
    gdk_device_warp(gdk_seat_get_pointer(gdk_display_get_default_seat(gdk_display_get_default())),
                    gdk_screen_get_default(), 0, 0);
    shown->dialog = ask_dialog_new(shown->message, waiting, done, shown);
    run_for(100);
}

static void focus(struct shown *shown)
{
    gdk_window_focus(gtk_widget_get_window(GTK_WIDGET(ask_dialog_window(shown->dialog))), GDK_CURRENT_TIME);
    for (int i = 0; i < 50 && !gtk_window_is_active(ask_dialog_window(shown->dialog)); i++)
        run_for(10);
    assert_true(gtk_window_is_active(ask_dialog_window(shown->dialog)));
}

static bool can_allow(const struct shown *shown)
{
    return gtk_widget_get_sensitive(ask_dialog_allow_button(shown->dialog));
}

static void hide(struct shown *shown)
{
    ask_dialog_free(shown->dialog);
    agent_message_free(shown->message);
    run_for(10);
}

static void press_allow(struct shown *shown)
{
    gtk_button_clicked(GTK_BUTTON(ask_dialog_allow_button(shown->dialog)));
}

static void press_key(struct shown *shown, guint key)
{
    GdkEvent *event = gdk_event_new(GDK_KEY_PRESS);
    gboolean handled;

    event->key.window = g_object_ref(gtk_widget_get_window(GTK_WIDGET(ask_dialog_window(shown->dialog))));
    event->key.keyval = key;
    gdk_event_set_device(event,
                         gdk_seat_get_keyboard(gdk_display_get_default_seat(gdk_display_get_default())));
    g_signal_emit_by_name(ask_dialog_window(shown->dialog), "key-press-event", event, &handled);
    gdk_event_free(event);
}

static void test_wakes_half_a_second_after_focus(void **state)
{
    struct shown shown;

    (void)state;
    show(&shown, MESSAGE("bank"), 0);
    run_for(ASK_DIALOG_WAIT_MS + 200);
    assert_false(can_allow(&shown)); /* shown, but never focused */
    focus(&shown);
    assert_false(can_allow(&shown));
    press_allow(&shown); /* even a click that got through */
    run_for(ASK_DIALOG_WAIT_MS - 150);
    assert_false(can_allow(&shown));
    press_allow(&shown);
    assert_int_equal(shown.answers, 0);
    run_for(300);
    assert_true(can_allow(&shown));
    press_allow(&shown);
    assert_int_equal(shown.answers, 1);
    assert_string_equal(shown.target, "bank");
    hide(&shown);
}

static void test_sleeps_without_focus(void **state)
{
    struct shown shown;
    GtkWidget *other = gtk_window_new(GTK_WINDOW_TOPLEVEL);

    (void)state;
    show(&shown, MESSAGE("bank"), 0);
    focus(&shown);
    run_for(ASK_DIALOG_WAIT_MS + 100);
    assert_true(can_allow(&shown));
    gtk_widget_show(other);
    run_for(50);
    gdk_window_focus(gtk_widget_get_window(other), GDK_CURRENT_TIME);
    run_for(100);
    assert_false(can_allow(&shown));
    focus(&shown);
    assert_false(can_allow(&shown));
    run_for(ASK_DIALOG_WAIT_MS + 100);
    assert_true(can_allow(&shown));
    gtk_widget_destroy(other);
    hide(&shown);
}

static void test_needs_a_choice(void **state)
{
    struct shown shown;

    (void)state;
    show(&shown, MESSAGE(""), 0);
    focus(&shown);
    run_for(ASK_DIALOG_WAIT_MS + 100);
    assert_null(gtk_list_box_get_selected_row(ask_dialog_list(shown.dialog)));
    assert_false(can_allow(&shown));
    press_allow(&shown);
    assert_int_equal(shown.answers, 0);
    gtk_list_box_select_row(ask_dialog_list(shown.dialog),
                            gtk_list_box_get_row_at_index(ask_dialog_list(shown.dialog), 0));
    assert_true(can_allow(&shown));
    press_allow(&shown);
    assert_string_equal(shown.target, "@dispvm:dvm");
    hide(&shown);
}

static void test_search(void **state)
{
    struct shown shown;

    (void)state;
    show(&shown, MESSAGE("bank"), 0);
    focus(&shown);
    run_for(ASK_DIALOG_WAIT_MS + 100);
    assert_true(can_allow(&shown));
    gtk_entry_set_text(GTK_ENTRY(ask_dialog_search(shown.dialog)), "VAU");
    assert_false(can_allow(&shown)); /* the chosen one is hidden */
    g_signal_emit_by_name(ask_dialog_search(shown.dialog), "activate");
    assert_int_equal(shown.answers, 0); /* Enter chooses, it does not answer */
    assert_true(can_allow(&shown));
    press_allow(&shown);
    assert_string_equal(shown.target, "vault");
    hide(&shown);
}

static void test_ways_to_deny(void **state)
{
    struct shown shown;
    gboolean handled;

    (void)state;
    show(&shown, MESSAGE("bank"), 0);
    press_key(&shown, GDK_KEY_Escape);
    assert_int_equal(shown.answers, 1);
    assert_string_equal(shown.target, "-");
    hide(&shown);
    show(&shown, MESSAGE("bank"), 0);
    g_signal_emit_by_name(ask_dialog_window(shown.dialog), "delete-event", NULL, &handled);
    assert_string_equal(shown.target, "-");
    assert_false(shown.all);
    hide(&shown);
    assert_int_equal(shown.answers, 1);
}

static void test_no_default_button(void **state)
{
    struct shown shown;

    (void)state;
    show(&shown, MESSAGE("bank"), 0);
    assert_null(gtk_window_get_default_widget(ask_dialog_window(shown.dialog)));
    assert_ptr_equal(gtk_window_get_focus(ask_dialog_window(shown.dialog)), ask_dialog_search(shown.dialog));
    hide(&shown);
}

/* The names of all accessible objects, one a line. */
static void collect_names(AtkObject *object, GString *names)
{
    const char *name = atk_object_get_name(object);

    g_string_append_printf(names, "%s\n", name ? name : "");
    for (int i = 0; i < atk_object_get_n_accessible_children(object); i++) {
        AtkObject *child = atk_object_ref_accessible_child(object, i);
        collect_names(child, names);
        g_object_unref(child);
    }
}

static void test_accessible_names(void **state)
{
    static const char *const expected[] = {"Source domain: work",
                                           "wants to call  qubes.Filecopy",
                                           "with the argument  x",
                                           "Search for a target",
                                           "Target of the call",
                                           "new disposable of dvm",
                                           "Allow the call",
                                           "Deny the call",
                                           "Deny all open questions of this domain"};
    struct shown shown;
    GString *names = g_string_new(NULL);

    (void)state;
    show(&shown, MESSAGE("bank"), 3);
    collect_names(gtk_widget_get_accessible(GTK_WIDGET(ask_dialog_window(shown.dialog))), names);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        if (!strstr(names->str, expected[i]))
            fail_msg("nothing is called '%s' in:\n%s", expected[i], names->str);
    g_string_free(names, TRUE);
    hide(&shown);
}

static void test_messages(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"source\":\"\",\"service\":\"s\",\"argument\":\"+\",\"targets\":[\"a\"],\"icons\":{}}",
        "{\"source\":\"a\",\"service\":\"s\",\"argument\":\"+\",\"targets\":[],\"icons\":{}}",
        "{\"source\":\"a\",\"service\":\"s\",\"argument\":\"+\",\"targets\":[1],\"icons\":{}}",
        "{\"source\":\"a\",\"service\":\"s\",\"argument\":\"+\",\"targets\":[\"\"],\"icons\":{}}",
        "{\"source\":\"a b\",\"service\":\"s\",\"argument\":\"+\",\"targets\":[\"a\"],\"icons\":{}}",
        "{\"source\":\"a\",\"service\":\"<b>\",\"argument\":\"+\",\"targets\":[\"a\"],\"icons\":{}}",
        "{\"source\":\"a\",\"service\":\"s\",\"argument\":\"+\\n\",\"targets\":[\"a\"],\"icons\":{}}",
        "{\"source\":\"a\\u202e\",\"service\":\"s\",\"argument\":\"+\",\"targets\":[\"a\"],\"icons\":{}}",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_null(read_message("policy.Ask dom0", bad[i]));
    assert_null(read_message("policy.Other dom0", MESSAGE("bank")));
    struct agent_message *message = read_message("policy.Ask dom0", MESSAGE("elsewhere"));
    assert_int_equal(message->preset, message->target_count);
    assert_string_equal(message->source_colour, "#3465a4");
    assert_string_equal(message->targets[1].colour, "#73d216");
    agent_message_free(message);
    message = read_message(
        "policy.Notify dom0",
        "{\"resolution\":\"fail\",\"source\":\"dom0\",\"service\":\"\",\"argument\":\"\",\"target\":\"\","
        "\"message\":\"/etc/x:1:2: <b>\\n\\u00e4\"}");
    assert_non_null(message);
    assert_string_equal(message->text, "/etc/x:1:2: ?b????");
    agent_message_free(message);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_wakes_half_a_second_after_focus),
        cmocka_unit_test(test_sleeps_without_focus),
        cmocka_unit_test(test_needs_a_choice),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_ways_to_deny),
        cmocka_unit_test(test_no_default_button),
        cmocka_unit_test(test_accessible_names),
    };

    gtk_init(&argc, &argv);
    return cmocka_run_group_tests_name("ask_dialog", tests, NULL, NULL);
}
