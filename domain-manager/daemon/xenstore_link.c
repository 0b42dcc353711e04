/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xenstore_link.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>
#include <xenstore_lib.h>

#include "dm_error.h"

#define PATIENCE_S 5
#define MARK       "/tool/bulkhead"

struct xenstore_link {
    xenstore_link_fn fn;
    void *data;
    int fd;
    guint source;
};

/* Waits for its turn, as xenstored lets one wait at a time; neither this nor what follows lasts longer than
 * PATIENCE_S. errno EAGAIN: it did. */
static int store_connect(void)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, xs_daemon_socket(), sizeof address.sun_path);
    if (fd < 0 || (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                   connect(fd, (struct sockaddr *)&address, sizeof address) == 0))
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* `words` are `size` bytes, NULs included; far less than the socket's buffer. */
static gboolean store_send(int fd, uint32_t type, const char *words, uint32_t size)
{
    struct {
        struct xsd_sockmsg header;
        char words[64];
    } message = {.header = {.type = type, .len = size}};
    memcpy(message.words, words, size);
    return send(fd, &message, sizeof message.header + size, MSG_NOSIGNAL) ==
           (ssize_t)(sizeof message.header + size);
}

enum answer { ANSWER_NONE, ANSWER_LATE, ANSWER_REFUSED, ANSWER_GOOD };

static enum answer store_ask(uint32_t type, const char *words, uint32_t size)
{
    struct xsd_sockmsg header;
    errno = 0;
    int fd = store_connect();
    gboolean came = fd >= 0 && store_send(fd, type, words, size) &&
                    recv(fd, &header, sizeof header, MSG_WAITALL) == sizeof header;
    enum answer failure = errno == EAGAIN ? ANSWER_LATE : ANSWER_NONE;
    if (fd >= 0)
        close(fd);
    return !came ? failure : header.type == type ? ANSWER_GOOD : ANSWER_REFUSED;
}

gboolean xenstore_check(GError **error)
{
    static const char *const what_is_wrong[] = {[ANSWER_NONE] = "is not running",
                                                [ANSWER_LATE] = "does not answer",
                                                [ANSWER_REFUSED] =
                                                    "was started anew, and knows nothing of what was"};
    enum answer answer = store_ask(XS_READ, MARK, sizeof MARK);
    return answer == ANSWER_GOOD || dm_fail(error, DM_ERROR_FAILED,
                                            "xenstored %s. Running domains go on, but none can be started or "
                                            "shut down. Save your work in them and "
                                            "restart the computer",
                                            what_is_wrong[answer]);
}

gboolean xenstore_mark(void)
{
    static const char words[] = MARK "\0known"; /* the value has no NUL behind it */
    return store_ask(XS_WRITE, words, sizeof words - 1) == ANSWER_GOOD;
}

struct xs_handle *xenstore_open(GError **error)
{
    struct xs_handle *xs = xenstore_check(error) ? xs_open(XS_OPEN_SOCKETONLY) : NULL;
    if (!xs && error && !*error)
        dm_error_errno(error, "xenstore");
    return xs;
}

/* -- the watch -- */

static gboolean link_readable(int fd, GIOCondition condition, void *data)
{
    struct xenstore_link *link = data;
    char bytes[1024];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    (void)condition;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    /* the watch was set, or has fired: to look once too often does no harm */
    link->fn(n > 0 ? XENSTORE_RELEASED : XENSTORE_LOST, link->data);
    if (n <= 0)
        link->source = 0;
    return n > 0;
}

struct xenstore_link *xenstore_link_new(xenstore_link_fn fn, void *data)
{
    static const char release[] = "@releaseDomain\0end";
    struct xenstore_link *link = g_new0(struct xenstore_link, 1);
    link->fn = fn;
    link->data = data;
    link->fd = store_connect();
    if (link->fd >= 0 && store_send(link->fd, XS_WATCH, release, sizeof release))
        link->source = g_unix_fd_add(link->fd, G_IO_IN | G_IO_HUP, link_readable, link);
    return link;
}

void xenstore_link_free(struct xenstore_link *link)
{
    if (link->source)
        g_source_remove(link->source);
    if (link->fd >= 0)
        close(link->fd);
    g_free(link);
}
