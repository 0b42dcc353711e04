/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec-policy-agent: shows the policy's questions and notices to the user. Runs in the user's session,
 * serves policy.Ask and policy.Notify on one Unix socket. One question is on the screen at a time, the others
 * wait.
 */
#include "../call/policy_log.h"
#include "../call/stream.h"
#include "ask_dialog.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_SOCKET  "/run/qubes/policy-agent.sock"
#define MAX_CONNECTIONS 512u

struct agent {
    GtkApplication *application;
    GSocketService *service;
    char *socket_path;
    GQueue questions; /* of struct connection; the head is on the screen */
    unsigned connections;
};

struct connection {
    struct agent *agent;
    GSocketConnection *stream;
    GByteArray *untrusted_data;
    struct agent_message *message;
    struct ask_dialog *dialog;
    GSource *hangup;
    char chunk[16384];
};

static void show_next(struct agent *agent);

/* ---- connections ---- */

static void free_connection(struct connection *connection)
{
    if (connection->dialog)
        ask_dialog_free(connection->dialog);
    if (connection->hangup) {
        g_source_destroy(connection->hangup);
        g_source_unref(connection->hangup);
    }
    if (connection->message)
        agent_message_free(connection->message);
    g_byte_array_unref(connection->untrusted_data);
    g_io_stream_close(G_IO_STREAM(connection->stream), NULL, NULL);
    g_object_unref(connection->stream);
    connection->agent->connections--;
    g_free(connection);
}

/* The answer is short: it fits into the socket's buffer. */
static void reply(struct connection *connection, const char *text)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection->stream));
    GError *error = NULL;

    if (!g_output_stream_write_all(out, text, strlen(text), NULL, NULL, &error)) {
        policy_log(LOG_WARNING, "nobody waits for the answer: %s", error->message);
        g_error_free(error);
    }
    free_connection(connection);
}

/* ---- notices ---- */

static char *notice_title(const struct agent_message *message)
{
    static const struct {
        const char *resolution, *word;
    } words[] = {{"allow", "Allowed"}, {"deny", "Denied"}, {"fail", "Failed"}};

    if (message->text)
        return g_strdup("The policy files have an error");
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (!strcmp(words[i].resolution, message->resolution))
            return g_strdup_printf("%s: call of %s", words[i].word, message->source);
    return NULL;
}

static char *notice_body(const struct agent_message *message)
{
    if (message->text)
        return g_strdup(message->text);
    return g_strdup_printf("%s%s to %s", message->service,
                           message->argument[0] && message->argument[1] ? message->argument : "",
                           *message->target ? message->target : "@default");
}

/* Notices on the same thing replace each other: a domain cannot cover the screen with them. */
static void show_notice(struct connection *connection)
{
    const struct agent_message *message = connection->message;
    char *title = notice_title(message);

    if (title) {
        char *body = notice_body(message);
        char *id = g_strdup_printf("%s-%s", message->source, message->text ? "policy" : message->service);
        GNotification *notice = g_notification_new(title);
        g_notification_set_body(notice, body);
        if (message->text)
            g_notification_set_priority(notice, G_NOTIFICATION_PRIORITY_URGENT);
        g_application_send_notification(G_APPLICATION(connection->agent->application), id, notice);
        policy_log(LOG_INFO, "%s: %s", title, body);
        g_object_unref(notice);
        g_free(id);
        g_free(body);
        g_free(title);
    }
    reply(connection, "");
}

/* ---- questions ---- */

static bool same_source(const struct connection *a, const struct connection *b)
{
    return !strcmp(a->message->source, b->message->source);
}

static void deny_others(struct agent *agent, const struct connection *denied)
{
    GList *next;

    for (GList *item = agent->questions.head; item; item = next) {
        struct connection *other = item->data;
        next = item->next;
        if (other == denied || !same_source(other, denied))
            continue;
        g_queue_delete_link(&agent->questions, item);
        reply(other, "deny");
    }
}

static void answered(void *data, const char *target, bool all)
{
    struct connection *connection = data;
    struct agent *agent = connection->agent;
    char *text = target ? g_strconcat("allow:", target, NULL) : g_strdup("deny");

    if (all)
        deny_others(agent, connection);
    g_queue_remove(&agent->questions, connection);
    reply(connection, text);
    g_free(text);
    show_next(agent);
}

/* Whoever asked is gone: there is nothing to decide any more. */
static gboolean hung_up(GSocket *socket, GIOCondition condition, gpointer data)
{
    struct connection *connection = data;
    struct agent *agent = connection->agent;

    (void)socket;
    (void)condition;
    g_queue_remove(&agent->questions, connection);
    free_connection(connection);
    show_next(agent);
    return G_SOURCE_REMOVE;
}

static size_t count_waiting(const struct agent *agent, const struct connection *shown)
{
    size_t count = 0;

    for (const GList *item = agent->questions.head; item; item = item->next)
        count += item->data != shown && same_source(item->data, shown);
    return count;
}

static void show_next(struct agent *agent)
{
    struct connection *connection = g_queue_peek_head(&agent->questions);

    if (connection && !connection->dialog)
        connection->dialog =
            ask_dialog_new(connection->message, count_waiting(agent, connection), answered, connection);
}

static void queue_question(struct connection *connection)
{
    struct agent *agent = connection->agent;
    GSocket *socket = g_socket_connection_get_socket(connection->stream);

    connection->hangup = g_socket_create_source(socket, G_IO_HUP | G_IO_ERR, NULL);
    g_source_set_callback(connection->hangup, G_SOURCE_FUNC(hung_up), connection, NULL);
    g_source_attach(connection->hangup, NULL);
    g_queue_push_tail(&agent->questions, connection);
    show_next(agent);
}

/* ---- reading ---- */

static void take_message(struct connection *connection)
{
    connection->message =
        agent_message_read((const char *)connection->untrusted_data->data, connection->untrusted_data->len);
    if (!connection->message) {
        policy_log(LOG_ERR, "a message was malformed");
        free_connection(connection);
    } else if (connection->message->kind == AGENT_NOTIFY) {
        show_notice(connection);
    } else {
        queue_question(connection);
    }
}

static void read_more(struct connection *connection);

static void read_done(GObject *stream, GAsyncResult *result, gpointer data)
{
    struct connection *connection = data;
    gssize got = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, NULL);

    if (got == 0) {
        take_message(connection);
        return;
    }
    if (got < 0 || connection->untrusted_data->len + (size_t)got > AGENT_MESSAGE_MAX) {
        free_connection(connection);
        return;
    }
    g_byte_array_append(connection->untrusted_data, (const guint8 *)connection->chunk, (guint)got);
    read_more(connection);
}

static void read_more(struct connection *connection)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection->stream));

    g_input_stream_read_async(in, connection->chunk, sizeof(connection->chunk), G_PRIORITY_DEFAULT, NULL,
                              read_done, connection);
}

static gboolean incoming(GSocketService *service, GSocketConnection *stream, GObject *from, gpointer data)
{
    struct agent *agent = data;

    (void)service;
    (void)from;
    if (agent->connections >= MAX_CONNECTIONS) {
        policy_log(LOG_WARNING, "too many questions at once");
        return TRUE; /* closed, which counts as a refusal */
    }
    struct connection *connection = g_new0(struct connection, 1);
    agent->connections++;
    connection->agent = agent;
    connection->stream = g_object_ref(stream);
    connection->untrusted_data = g_byte_array_new();
    read_more(connection);
    return TRUE;
}

/* ---- start ---- */

static bool listen_on(struct agent *agent, GError **error)
{
    int fd = stream_listen(agent->socket_path);

    if (fd < 0) {
        g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(-fd), "%s: %s", agent->socket_path,
                    g_strerror(-fd));
        return false;
    }
    GSocket *socket = g_socket_new_from_fd(fd, error);
    if (!socket) {
        close(fd);
        return false;
    }
    agent->service = g_socket_service_new();
    g_signal_connect(agent->service, "incoming", G_CALLBACK(incoming), agent);
    bool good = g_socket_listener_add_socket(G_SOCKET_LISTENER(agent->service), socket, NULL, error);
    g_object_unref(socket);
    return good;
}

static void startup(GApplication *application, gpointer data)
{
    struct agent *agent = data;
    GError *error = NULL;

    if (listen_on(agent, &error)) {
        g_application_hold(application);
        return;
    }
    policy_log(LOG_CRIT, "cannot serve: %s", error->message);
    g_error_free(error);
}

/* A second start in one session changes nothing. */
static void activate(GApplication *application, gpointer data)
{
    (void)application;
    (void)data;
}

int main(int argc, char **argv)
{
    struct agent agent = {.socket_path = g_strdup(DEFAULT_SOCKET)};
    GOptionEntry entries[] = {
        {"socket-path", 's', 0, G_OPTION_ARG_FILENAME, &agent.socket_path, "Serve on this socket", "PATH"},
        {0}};

    g_queue_init(&agent.questions);
    agent.application = gtk_application_new("org.bulkhead.QrexecPolicyAgent", G_APPLICATION_DEFAULT_FLAGS);
    g_application_add_main_option_entries(G_APPLICATION(agent.application), entries);
    g_signal_connect(agent.application, "startup", G_CALLBACK(startup), &agent);
    g_signal_connect(agent.application, "activate", G_CALLBACK(activate), &agent);
    int status = g_application_run(G_APPLICATION(agent.application), argc, argv);
    if (!agent.service)
        status = status ? status : 1;
    g_clear_object(&agent.service);
    g_object_unref(agent.application);
    g_free(agent.socket_path);
    return status;
}
