/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request a connection: "METHOD+ARG SOURCE name|keyword DEST" NUL payload, half-close; answer, close.
 * Exceptions: admin.Events and admin.vm.Stats stay open; admin.vm.volume.Import reads the volume's content
 * and admin.vm.Console copies both ways, in a thread each. */
#include "qubesd.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "admin.h"
#include "backend.h"
#include "dm_error.h"
#include "volume.h"
#include "worker.h"

#define REQUEST_MAX (1u << 20)

struct qubesd {
    struct manager *manager;
    GSocketService *service;
    char *paths[2];
};

struct connection {
    struct qubesd *qubesd;
    GSocketConnection *stream;
    GByteArray *in;
    char buffer[4096];
    GString *out;
    char *events_of;     /* admin.Events, admin.vm.Stats: only this domain, or "" for all */
    gboolean statistics; /* admin.vm.Stats: only MANAGER_STATS_EVENT, which admin.Events leaves out */
};

struct header {
    char *method, *source, *target;
};

static void connection_free(struct connection *c)
{
    g_object_unref(c->stream);
    g_byte_array_unref(c->in);
    if (c->out)
        g_string_free(c->out, TRUE);
    g_free(c->events_of);
    g_free(c);
}

/* -- answers -- */

static void written(GObject *source, GAsyncResult *res, void *data)
{
    struct connection *c = data;
    g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), res, NULL, NULL);
    connection_free(c);
}

static void append_error(GString *out, const GError *error)
{
    g_string_append_len(out, "2", 2);
    g_string_append_len(out, dm_error_exception(error), (gssize)strlen(dm_error_exception(error)) + 1);
    g_string_append_len(out, "", 1); /* no traceback */
    /* readers format the message with %: double it */
    g_auto(GStrv) parts = g_strsplit(error->message, "%", 0);
    g_autofree char *message = g_strjoinv("%%", parts);
    g_string_append_len(out, message, (gssize)strlen(message) + 1);
}

static void reply(const GError *error, const char *data, gsize size, void *user)
{
    struct connection *c = user;
    c->out = g_string_new(NULL);
    if (error) {
        append_error(c->out, error);
    } else {
        g_string_append_len(c->out, "0", 2);
        g_string_append_len(c->out, data, (gssize)size);
    }
    g_output_stream_write_all_async(g_io_stream_get_output_stream(G_IO_STREAM(c->stream)), c->out->str,
                                    c->out->len, G_PRIORITY_DEFAULT, NULL, written, c);
}

/* -- request line -- */

static void header_clear(struct header *h)
{
    g_free(h->method);
    g_free(h->source);
    g_free(h->target);
}

/* The first NUL has come. Words: METHOD SOURCE [name DEST | keyword adminvm]. */
static gboolean header_parse(const GByteArray *in, struct header *h, GError **error)
{
    g_auto(GStrv) w = g_strsplit((const char *)in->data, " ", 5);
    guint n = g_strv_length(w);
    if ((n != 4 && n != 3 && n != 2) || !w[0][0] || !w[1][0])
        return dm_fail(error, DM_ERROR_PROTOCOL, "malformed request");
    gboolean keyword = n >= 3 && strcmp(w[2], "keyword") == 0;
    if (keyword && (n < 4 || strcmp(w[3], "adminvm") != 0))
        return dm_fail(error, DM_ERROR_PROTOCOL, "target @%s is not possible here", n == 4 ? w[3] : "");
    h->method = g_strdup(w[0]);
    h->source = g_strdup(w[1]);
    h->target = g_strdup(n == 4 && !keyword ? w[3] : "dom0");
    return TRUE;
}

static const char *header_end(const GByteArray *in)
{
    return in->len ? memchr(in->data, 0, in->len) : NULL;
}

/* -- admin.Events, admin.vm.Stats -- */

static void events_close(struct connection *c);

static gboolean events_send(struct connection *c, const GString *s)
{
    GSocket *socket = g_socket_connection_get_socket(c->stream);
    g_autoptr(GError) error = NULL;
    /* never blocks; a reader that is that far behind is dropped */
    return g_socket_send_with_blocking(socket, s->str, s->len, FALSE, NULL, &error) == (gssize)s->len;
}

static void on_event(struct manager *m, const char *subject, const char *event, const char *const *pairs,
                     void *data)
{
    struct connection *c = data;
    (void)m;
    gboolean statistics = strcmp(event, MANAGER_STATS_EVENT) == 0;
    if (statistics != c->statistics || (c->events_of[0] && strcmp(c->events_of, subject) != 0))
        return;
    g_autoptr(GString) s = g_string_new(NULL);
    g_string_append_len(s, "1", 2);
    g_string_append_len(s, subject, (gssize)strlen(subject) + 1);
    g_string_append_len(s, event, (gssize)strlen(event) + 1);
    for (; *pairs; pairs++)
        g_string_append_len(s, *pairs, (gssize)strlen(*pairs) + 1);
    g_string_append_len(s, "", 1);
    if (!events_send(c, s))
        g_socket_shutdown(g_socket_connection_get_socket(c->stream), TRUE, TRUE, NULL);
}

static gboolean events_hangup(GSocket *socket, GIOCondition condition, void *data)
{
    char buffer[64];
    (void)condition;
    if (g_socket_receive_with_blocking(socket, buffer, sizeof buffer, FALSE, NULL, NULL) > 0)
        return G_SOURCE_CONTINUE;
    events_close(data);
    return G_SOURCE_REMOVE;
}

static void events_close(struct connection *c)
{
    manager_unlisten(c->qubesd->manager, on_event, c);
    connection_free(c);
}

static void events_start(struct connection *c, const struct header *h)
{
    c->events_of = g_strdup(strcmp(h->target, "dom0") == 0 ? "" : h->target);
    c->statistics = g_str_has_prefix(h->method, "admin.vm.Stats");
    manager_listen(c->qubesd->manager, on_event, c);
    g_autoptr(GString) s = g_string_new(NULL);
    g_string_append_len(s, "1\0\0connection-established\0", 27);
    events_send(c, s);
    /* the asker has closed its writing half already: only a full hang-up ends it */
    g_autoptr(GSource) source =
        g_socket_create_source(g_socket_connection_get_socket(c->stream), G_IO_HUP | G_IO_ERR, NULL);
    g_source_set_callback(source, G_SOURCE_FUNC(events_hangup), c, NULL);
    g_source_attach(source, NULL);
}

/* The connection's socket for a thread. */
static int blocking_fd(struct connection *c)
{
    int fd = g_socket_get_fd(g_socket_connection_get_socket(c->stream));
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

/* -- admin.vm.volume.Import[WithSize] -- */

struct import {
    struct connection *connection;
    char *path, *domain;
    int fd;
    guint64 size;
};

static void import_free(void *data)
{
    struct import *i = data;
    g_free(i->path);
    g_free(i->domain);
    g_free(i);
}

static gboolean import_run(void *data, GError **error)
{
    struct import *i = data;
    return volume_import_fd(i->path, i->fd, i->size, error);
}

static void import_ready(void *data, const GError *error)
{
    struct import *i = data;
    struct connection *c = i->connection;
    struct domain *d = manager_find(c->qubesd->manager, i->domain);
    if (d)
        d->busy = NULL;
    if (d && !error)
        volume_check_image(d);
    reply(error, "", 0, c);
}

static void import_tell(void *data, guint64 done, guint64 expected)
{
    struct import *i = data;
    struct manager *m = i->connection->qubesd->manager;
    manager_emit_progress(m, manager_find(m, i->domain), i->domain, done, expected);
}

static void import_start(struct connection *c, const struct header *h)
{
    g_autoptr(GError) error = NULL;
    const char *plus = strchr(h->method, '+');
    struct domain *d = manager_get(c->qubesd->manager, h->target, &error);
    g_autofree char *path = d ? volume_import_path(d, plus ? plus + 1 : "", &error) : NULL;
    if (!path) {
        reply(error, NULL, 0, c);
        return;
    }
    struct import *i = g_new0(struct import, 1);
    i->connection = c;
    i->path = g_steal_pointer(&path);
    i->domain = g_strdup(d->name);
    i->fd = blocking_fd(c);
    d->busy = "imported to";
    if (g_str_has_prefix(h->method, "admin.vm.volume.ImportWithSize+")) {
        char digits[24] = "";
        size_t n = 0;
        while (n + 1 < sizeof digits && read(i->fd, digits + n, 1) == 1 && digits[n] != '\n')
            n++;
        i->size = g_ascii_strtoull(digits, NULL, 10);
    }
    worker_start_copy(i, import_run, import_ready, import_free, import_tell);
}

/* -- admin.vm.Console: the connection and the domain's console, until either ends -- */

struct console {
    struct connection *connection;
    struct backend *backend;
    int domid;
    int ends[2]; /* the asker's socket; the terminal, which is closed at the end */
};

static void console_free(void *data)
{
    struct console *console = data;
    if (console->ends[1] >= 0)
        close(console->ends[1]);
    g_free(console);
}

static gboolean copy_some(int from, int to)
{
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof buffer);
    for (ssize_t done = 0; done < n;) {
        ssize_t part = write(to, buffer + done, (size_t)(n - done));
        if (part <= 0)
            return FALSE;
        done += part;
    }
    return n > 0;
}

static int console_open(struct backend *b, int domid, GError **error)
{
    struct termios raw;
    g_autofree char *path = b->ops->console(b, domid, error);
    int fd = path ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (fd < 0 && path)
        dm_error_errno(error, "%s", path);
    if (fd >= 0 && tcgetattr(fd, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(fd, TCSANOW, &raw);
    }
    return fd;
}

static gboolean console_run(void *data, GError **error)
{
    struct console *console = data;
    console->ends[1] = console_open(console->backend, console->domid, error);
    if (console->ends[1] < 0)
        return FALSE;
    gboolean open = write(console->ends[0], "0", 2) == 2;
    while (open) {
        struct pollfd p[2] = {{console->ends[0], POLLIN, 0}, {console->ends[1], POLLIN, 0}};
        open = poll(p, 2, -1) > 0;
        for (int i = 0; open && i < 2; i++)
            open = !p[i].revents || copy_some(console->ends[i], console->ends[1 - i]);
    }
    return TRUE;
}

static void console_ready(void *data, const GError *error)
{
    struct console *console = data;
    if (error)
        reply(error, NULL, 0, console->connection);
    else
        connection_free(console->connection);
}

static void console_start(struct connection *c, const struct header *h)
{
    g_autoptr(GError) error = NULL;
    struct domain *d = manager_get(c->qubesd->manager, h->target, &error);
    if (d && (d->klass == CLASS_ADMIN || d->domid < 0))
        dm_fail(&error, DM_ERROR_NOT_RUNNING, "%s has no console now", d->name);
    if (error) {
        reply(error, NULL, 0, c);
        return;
    }
    struct console *console = g_new(struct console, 1);
    *console = (struct console){c, d->manager->backend, d->domid, {blocking_fd(c), -1}};
    worker_start(console, console_run, console_ready, console_free);
}

/* -- reading -- */

static void read_more(struct connection *c);

static const char *const event_streams[] = {"admin.Events", "admin.Events+", "admin.vm.Stats",
                                            "admin.vm.Stats+", NULL};

static void dispatch(struct connection *c)
{
    g_autoptr(GError) error = NULL;
    struct header h = {0};
    const char *end = header_end(c->in);
    if (!end)
        dm_fail(&error, DM_ERROR_PROTOCOL, "malformed request");
    else
        header_parse(c->in, &h, &error);
    if (error) {
        reply(error, NULL, 0, c);
    } else if (g_strv_contains(event_streams, h.method)) {
        events_start(c, &h);
    } else {
        const char *payload = end + 1;
        gsize size = c->in->len - (gsize)(payload - (const char *)c->in->data);
        admin_call(c->qubesd->manager, h.method, h.source, h.target, payload, size, reply, c);
    }
    header_clear(&h);
}

/* Methods whose caller goes on writing after the header: it is read byte by byte, so that the rest stays in
 * the socket. */
static const struct streaming {
    const char *prefix;
    void (*start)(struct connection *c, const struct header *h);
} streaming_methods[] = {
    {"admin.vm.volume.Import+", import_start},
    {"admin.vm.volume.ImportWithSize+", import_start},
    {"admin.vm.Console", console_start},
};

static const struct streaming *find_streaming(const struct connection *c)
{
    for (guint i = 0; i < G_N_ELEMENTS(streaming_methods); i++) {
        const struct streaming *s = &streaming_methods[i];
        if (c->in->len >= strlen(s->prefix) && memcmp(c->in->data, s->prefix, strlen(s->prefix)) == 0)
            return s;
    }
    return NULL;
}

static void streaming_begin(struct connection *c, const struct streaming *s)
{
    g_autoptr(GError) error = NULL;
    struct header h = {0};
    if (header_parse(c->in, &h, &error))
        s->start(c, &h);
    else
        reply(error, NULL, 0, c);
    header_clear(&h);
}

static void on_read(GObject *source, GAsyncResult *res, void *data)
{
    struct connection *c = data;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), res, NULL);
    if (n > 0) {
        g_byte_array_append(c->in, (const guint8 *)c->buffer, (guint)n);
        const struct streaming *streaming = header_end(c->in) ? find_streaming(c) : NULL;
        if (streaming)
            streaming_begin(c, streaming);
        else if (c->in->len <= REQUEST_MAX)
            read_more(c);
        else
            connection_free(c);
    } else if (n == 0) {
        dispatch(c);
    } else {
        connection_free(c);
    }
}

static void read_more(struct connection *c)
{
    gsize want = header_end(c->in) || (c->in->len >= 32 && !find_streaming(c)) ? sizeof c->buffer : 1;
    g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(c->stream)), c->buffer, want,
                              G_PRIORITY_DEFAULT, NULL, on_read, c);
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *stream, GObject *source, void *data)
{
    struct connection *c = g_new0(struct connection, 1);
    (void)service, (void)source;
    c->qubesd = data;
    c->stream = g_object_ref(stream);
    c->in = g_byte_array_new();
    read_more(c);
    return TRUE;
}

/* -- listening -- */

static gboolean listen_at(struct qubesd *q, const char *path, GError **error)
{
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    struct group *qubes = getgrnam("qubes");
    unlink(path);
    if (!g_socket_listener_add_address(G_SOCKET_LISTENER(q->service), address, G_SOCKET_TYPE_STREAM,
                                       G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error))
        return FALSE;
    if (qubes && chown(path, (uid_t)-1, qubes->gr_gid) < 0)
        g_info("%s: group qubes: %s", path, g_strerror(errno));
    if (chmod(path, 0660) < 0)
        return dm_error_errno(error, "%s", path);
    return TRUE;
}

struct qubesd *qubesd_new(struct manager *m, GError **error)
{
    struct qubesd *q = g_new0(struct qubesd, 1);
    q->manager = m;
    q->service = g_socket_service_new();
    q->paths[0] = g_build_filename(m->socket_dir, "qubesd.sock", NULL);
    q->paths[1] = g_build_filename(m->socket_dir, "qubesd.internal.sock", NULL);
    g_socket_listener_set_backlog(G_SOCKET_LISTENER(q->service), 64);
    g_signal_connect(q->service, "incoming", G_CALLBACK(on_incoming), q);
    if (listen_at(q, q->paths[0], error) && listen_at(q, q->paths[1], error))
        return q;
    qubesd_free(q);
    return NULL;
}

void qubesd_free(struct qubesd *q)
{
    g_socket_service_stop(q->service);
    g_object_unref(q->service);
    for (guint i = 0; i < G_N_ELEMENTS(q->paths); i++) {
        unlink(q->paths[i]);
        g_free(q->paths[i]);
    }
    g_free(q);
}
