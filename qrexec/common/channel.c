/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages on a non-blocking stream, and simple blocking ones. */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libvchan.h"

void channel_init(struct channel *c, struct libvchan *vchan, int fd)
{
    memset(c, 0, sizeof(*c));
    c->vchan = vchan;
    c->fd = fd;
    if (vchan)
        libvchan_set_blocking(vchan, false);
}

void channel_close(struct channel *c)
{
    if (c->vchan)
        libvchan_close(c->vchan);
    c->vchan = NULL;
    close_fd(&c->fd);
    buffer_free(&c->out);
    free(c->body);
    c->body = NULL;
    c->header_got = c->body_got = 0;
}

bool channel_open(const struct channel *c)
{
    return c->vchan || c->fd >= 0;
}

int channel_fd(const struct channel *c)
{
    return c->vchan ? libvchan_fd_for_select(c->vchan) : c->fd;
}

void channel_event(struct channel *c)
{
    if (c->vchan)
        libvchan_wait(c->vchan);
}

/* Bytes read, 0 for none now, or -errno. */
static ssize_t receive_some(struct channel *c, void *data, size_t size)
{
    ssize_t n;

    if (c->vchan) {
        n = libvchan_read(c->vchan, data, size);
        return n < 0 ? -EPIPE : n;
    }
    n = recv(c->fd, data, size, MSG_DONTWAIT);
    if (n > 0)
        return n;
    if (n == 0)
        return -EPIPE;
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Fill a part of the message. 1 whole, 0 not yet, or -errno. */
static int receive_part(struct channel *c, void *part, size_t size, size_t *got)
{
    while (*got < size) {
        ssize_t n = receive_some(c, (char *)part + *got, size - *got);

        if (n <= 0)
            return (int)n;
        *got += (size_t)n;
    }
    return 1;
}

int channel_receive(struct channel *c, size_t max_len)
{
    int ret = receive_part(c, &c->header, sizeof(c->header), &c->header_got);

    if (ret <= 0)
        return ret;
    if (!c->body) {
        if (c->header.len > max_len)
            return -EMSGSIZE;
        c->body = malloc((size_t)c->header.len + 1);
        if (!c->body)
            return -ENOMEM;
        c->body[c->header.len] = 0;
    }
    return receive_part(c, c->body, c->header.len, &c->body_got);
}

void channel_next(struct channel *c)
{
    free(c->body);
    c->body = NULL;
    c->header_got = c->body_got = 0;
}

int channel_flush(struct channel *c)
{
    while (c->out.used) {
        const char *data = c->out.data + c->out.start;
        ssize_t n;

        if (c->vchan) {
            n = libvchan_write(c->vchan, data, c->out.used);
            if (n < 0)
                return -EPIPE;
        } else {
            n = send(c->fd, data, c->out.used, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                return -errno;
        }
        if (n <= 0)
            break;
        buffer_drop(&c->out, (size_t)n);
    }
    return 0;
}

int channel_send2(struct channel *c, uint32_t type, const void *a, size_t a_size, const void *b,
                  size_t b_size)
{
    struct msg_header header = {.type = type, .len = (uint32_t)(a_size + b_size)};

    if (buffer_add(&c->out, &header, sizeof(header)) < 0 || buffer_add(&c->out, a, a_size) < 0 ||
        buffer_add(&c->out, b, b_size) < 0)
        return -ENOMEM;
    return channel_flush(c);
}

int channel_send(struct channel *c, uint32_t type, const void *body, size_t size)
{
    return channel_send2(c, type, body, size, NULL, 0);
}

int socket_send(int fd, uint32_t type, const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct msg_header header = {.type = type, .len = (uint32_t)(a_size + b_size)};
    struct buffer whole = {0};
    size_t done = 0;
    int ret = -ENOMEM;

    if (buffer_add(&whole, &header, sizeof(header)) < 0 || buffer_add(&whole, a, a_size) < 0 ||
        buffer_add(&whole, b, b_size) < 0)
        goto done;
    for (ret = 0; !ret && done < whole.used;) {
        ssize_t n = send(fd, whole.data + done, whole.used - done, MSG_NOSIGNAL);

        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            ret = -errno;
    }
done:
    buffer_free(&whole);
    return ret;
}

int socket_receive_header(int fd, struct msg_header *header)
{
    return read_all(fd, header, sizeof(*header));
}
