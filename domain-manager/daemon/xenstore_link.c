/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xenstore_link.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>
#include <xenstore_lib.h>

#include "dm_error.h"

#define ANSWER_MS 5000
#define RETRY_MS  1000

struct xenstore_link {
    xenstore_link_fn fn;
    void *data;
    int fd;
    guint source; /* of the socket, or of the timer that tries to connect */
};

static int store_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    g_strlcpy(address.sun_path, xs_daemon_socket(), sizeof address.sun_path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* `words` are `size` bytes with the NULs that end them; far less than the socket's buffer. */
static gboolean store_ask(int fd, uint32_t type, const char *words, uint32_t size)
{
    struct {
        struct xsd_sockmsg header;
        char words[64];
    } message = {.header = {.type = type, .len = size}};
    memcpy(message.words, words, size);
    return send(fd, &message, sizeof message.header + size, MSG_NOSIGNAL) ==
           (ssize_t)(sizeof message.header + size);
}

gboolean xenstore_check(GError **error)
{
    static const char what_to_do[] =
        "Running domains go on, but none can be started or shut down. Save your work in them and "
        "restart the computer";
    char byte;
    int fd = store_connect();
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    gboolean there = fd >= 0 && store_ask(fd, XS_DIRECTORY, "/", sizeof "/");
    gboolean in_time = there && poll(&answer, 1, ANSWER_MS) > 0;
    gboolean ok = in_time && recv(fd, &byte, 1, 0) == 1;
    if (fd >= 0)
        close(fd);
    return ok || dm_fail(error, DM_ERROR_FAILED, "xenstored %s. %s",
                         there && !in_time ? "does not answer" : "is not running", what_to_do);
}

struct xs_handle *xenstore_open(GError **error)
{
    struct xs_handle *xs = xenstore_check(error) ? xs_open(XS_OPEN_SOCKETONLY) : NULL;
    if (!xs && error && !*error)
        dm_error_errno(error, "xenstore");
    return xs;
}

/* -- the watch -- */

static gboolean link_try(void *data);

static gboolean link_readable(int fd, GIOCondition condition, void *data)
{
    struct xenstore_link *link = data;
    char bytes[1024];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    (void)condition;
    if (n > 0) { /* the watch was set, or has fired: to look once too often does no harm */
        link->fn(XENSTORE_RELEASED, link->data);
        return G_SOURCE_CONTINUE;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    close(fd);
    link->fd = -1;
    link->source = g_timeout_add(RETRY_MS, link_try, link);
    link->fn(XENSTORE_LOST, link->data);
    return G_SOURCE_REMOVE;
}

static gboolean link_open(struct xenstore_link *link)
{
    static const char release[] = "@releaseDomain\0end";
    link->fd = store_connect();
    if (link->fd < 0)
        return FALSE;
    store_ask(link->fd, XS_WATCH, release, sizeof release); /* refused: then the connection ends at once */
    link->source = g_unix_fd_add(link->fd, G_IO_IN | G_IO_HUP, link_readable, link);
    return TRUE;
}

static gboolean link_try(void *data)
{
    struct xenstore_link *link = data;
    if (!link_open(link))
        return G_SOURCE_CONTINUE;
    link->fn(XENSTORE_BACK, link->data);
    return G_SOURCE_REMOVE;
}

struct xenstore_link *xenstore_link_new(xenstore_link_fn fn, void *data)
{
    struct xenstore_link *link = g_new0(struct xenstore_link, 1);
    link->fn = fn;
    link->data = data;
    if (!link_open(link))
        link->source = g_timeout_add(RETRY_MS, link_try, link);
    return link;
}

void xenstore_link_free(struct xenstore_link *link)
{
    g_source_remove(link->source);
    if (link->fd >= 0)
        close(link->fd);
    g_free(link);
}
