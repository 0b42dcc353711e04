/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvchan over Unix stream sockets, for tests on one machine. The server listens on
 * $VCHAN_SOCKET_DIR/vchan.<server>.<client>.<port>.sock and takes one connection; bytes go through unframed.
 *
 * The descriptor for poll() is an epoll set with edge-triggered events, so that a channel whose data the
 * caller leaves unread does not wake it for ever: what a real event channel does. Reads take straight from
 * the socket's queue. Writes that the socket does not take wait in `out`, at most the size of a ring.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "libvchan.h"

#define PAGE_BYTES       4096u
#define RING_MAX         (1u << 24)
#define CLIENT_RING      65536u
#define RETRY_FIRST_NS   100000L   /* a server is most often just about to appear */
#define RETRY_LAST_NS    10000000L /* … else it may take long: do not burn the CPU */
#define RETRY_FAST_TRIES 200u
#define CLOSE_FLUSH_MS   5000

/* Bytes that wait in user space: data[start .. start+used). */
struct fifo {
    char *data;
    size_t size, start, used;
};

struct libvchan {
    int epoll, sock, listener, timer, dir;
    size_t read_size, write_size;
    struct fifo in, out;
    struct sockaddr_un addr;
    unsigned tries;
    bool blocking, dead;
    bool watch_out; /* EPOLLOUT is in the epoll set */
    bool seen;      /* data_ready() reported bytes that nobody has read since */
    bool touched;   /* something moved since the last wait: what poll() reported may be used up already */
};

static size_t ring_size(size_t wanted)
{
    size_t size = PAGE_BYTES;

    while (size < wanted && size < RING_MAX)
        size <<= 1;
    return size;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Append what fits; returns the number of bytes taken. */
static size_t fifo_put(struct fifo *f, size_t limit, const void *data, size_t size)
{
    size = min_size(size, limit - f->used);
    if (!size)
        return 0;
    if (!f->data) {
        f->data = malloc(limit);
        if (!f->data)
            return 0;
        f->size = limit;
    }
    if (f->start + f->used + size > f->size) {
        memmove(f->data, f->data + f->start, f->used);
        f->start = 0;
    }
    memcpy(f->data + f->start + f->used, data, size);
    f->used += size;
    return size;
}

static void fifo_drop(struct fifo *f, size_t size)
{
    f->used -= size;
    f->start = f->used ? f->start + size : 0;
}

static size_t fifo_get(struct fifo *f, void *data, size_t size)
{
    size = min_size(size, f->used);
    if (size) {
        memcpy(data, f->data + f->start, size);
        fifo_drop(f, size);
    }
    return size;
}

static int own_domain(void)
{
    const char *text = getenv("VCHAN_DOMAIN");

    return text ? atoi(text) : 0;
}

/* Fill in the address; a path too long for sun_path is reached through a descriptor of its directory. */
static int set_address(libvchan_t *c, struct sockaddr_un *addr, const char *prefix, int server, int client,
                       int port)
{
    const char *dir = getenv("VCHAN_SOCKET_DIR");
    char through[64];

    if (!dir || !*dir)
        dir = "/var/run/vchan";
    if (strlen(dir) > sizeof(addr->sun_path) - 64) {
        if (c->dir < 0)
            c->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (c->dir < 0)
            return -1;
        snprintf(through, sizeof(through), "/proc/self/fd/%d", c->dir);
        dir = through;
    }
    memset(addr, 0, sizeof(*addr));
    addr->sun_family = AF_UNIX;
    snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%svchan.%d.%d.%d.sock", dir, prefix, server, client,
             port);
    return 0;
}

static int watch(libvchan_t *c, int op, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(c->epoll, op, fd, &ev);
}

static libvchan_t *channel_new(size_t read_size, size_t write_size)
{
    libvchan_t *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->sock = c->listener = c->timer = c->dir = -1;
    c->read_size = read_size;
    c->write_size = write_size;
    c->blocking = true;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0) {
        free(c);
        return NULL;
    }
    return c;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The connection is there. EPOLLOUT is watched at first, so that the descriptor is readable once for the
 * news. */
static int adopt_socket(libvchan_t *c, int fd)
{
    int bytes = (int)(c->write_size > c->read_size ? c->write_size : c->read_size) * 2;

    c->sock = fd;
    c->watch_out = true;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    close_fd(&c->listener);
    close_fd(&c->timer);
    return watch(c, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

libvchan_t *libvchan_server_init(int domain, int port, size_t read_min, size_t write_min)
{
    libvchan_t *c = channel_new(ring_size(read_min), ring_size(write_min));
    struct sockaddr_un temporary;
    char prefix[32];

    if (!c)
        return NULL;
    /* Listening before the name appears: a client never meets a half-made server, nor a stale file. */
    snprintf(prefix, sizeof(prefix), ".%d.", (int)getpid());
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->listener < 0 || set_address(c, &temporary, prefix, own_domain(), domain, port) < 0 ||
        set_address(c, &c->addr, "", own_domain(), domain, port) < 0)
        goto fail;
    unlink(temporary.sun_path);
    if (bind(c->listener, (struct sockaddr *)&temporary, sizeof(temporary)) < 0)
        goto fail;
    if (listen(c->listener, 1) < 0 || rename(temporary.sun_path, c->addr.sun_path) < 0) {
        unlink(temporary.sun_path);
        goto fail;
    }
    if (watch(c, EPOLL_CTL_ADD, c->listener, EPOLLIN) < 0)
        goto fail;
    return c;
fail:
    libvchan_close(c);
    return NULL;
}

/* Take the client if one has come. */
static void try_accept(libvchan_t *c)
{
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    c->touched |= fd >= 0;
    if (fd >= 0 && adopt_socket(c, fd) < 0)
        c->dead = true;
}

/* 0 connected, 1 the server is not there yet, -1 failed. */
static int try_connect(libvchan_t *c)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&c->addr, sizeof(c->addr)) == 0)
        return adopt_socket(c, fd);
    close(fd);
    return errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN ? 1 : -1;
}

static int arm_timer(libvchan_t *c)
{
    struct itimerspec next = {0};

    next.it_value.tv_nsec = c->tries++ < RETRY_FAST_TRIES ? RETRY_FIRST_NS : RETRY_LAST_NS;
    return timerfd_settime(c->timer, 0, &next, NULL);
}

libvchan_t *libvchan_client_init_async(int domain, int port, EVTCHN *watch_fd)
{
    libvchan_t *c = channel_new(CLIENT_RING, CLIENT_RING);
    int state;

    if (!c)
        return NULL;
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->timer < 0 || watch(c, EPOLL_CTL_ADD, c->timer, EPOLLIN) < 0 ||
        set_address(c, &c->addr, "", domain, own_domain(), port) < 0)
        goto fail;
    state = try_connect(c);
    if (state < 0 || (state == 1 && arm_timer(c) < 0))
        goto fail;
    *watch_fd = c->epoll;
    return c;
fail:
    libvchan_close(c);
    return NULL;
}

int libvchan_client_init_async_finish(libvchan_t *c, bool blocking)
{
    struct pollfd p = {.fd = c->epoll, .events = POLLIN};
    int state;

    if (c->sock >= 0)
        return 0;
    for (;;) {
        state = try_connect(c);
        if (state == 1 && arm_timer(c) < 0)
            state = -1;
        if (state != 1 || !blocking)
            break;
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return -1;
    }
    return state;
}

libvchan_t *libvchan_client_init(int domain, int port)
{
    EVTCHN fd;
    libvchan_t *c = libvchan_client_init_async(domain, port, &fd);

    if (c && libvchan_client_init_async_finish(c, true) < 0) {
        libvchan_close(c);
        return NULL;
    }
    return c;
}

/* Watch for room exactly while something waits for it. */
static void update_watch(libvchan_t *c)
{
    bool want = c->out.used > 0;

    if (want == c->watch_out || c->sock < 0)
        return;
    c->watch_out = want;
    watch(c, EPOLL_CTL_MOD, c->sock, EPOLLIN | EPOLLRDHUP | EPOLLET | (want ? EPOLLOUT : 0));
}

static void flush_out(libvchan_t *c)
{
    while (c->out.used && !c->dead && c->sock >= 0) {
        ssize_t n = send(c->sock, c->out.data + c->out.start, c->out.used, MSG_DONTWAIT | MSG_NOSIGNAL);

        c->touched = true;
        if (n > 0)
            fifo_drop(&c->out, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            break;
        else
            c->dead = true;
    }
    update_watch(c);
}

static size_t queued_in_kernel(libvchan_t *c)
{
    int bytes = 0;

    if (c->sock < 0 || ioctl(c->sock, SIOCINQ, &bytes) < 0 || bytes < 0)
        return 0;
    return (size_t)bytes;
}

/*
 * The caller wants more than the socket's queue holds, which may be full with tiny pieces: move the queue
 * into user space to give the peer room.
 */
static void absorb(libvchan_t *c)
{
    char piece[PAGE_BYTES];

    while (c->in.used < c->read_size) {
        size_t room = min_size(sizeof(piece), c->read_size - c->in.used);
        ssize_t n = recv(c->sock, piece, room, MSG_DONTWAIT);

        c->touched = true;
        if (n <= 0)
            return;
        fifo_put(&c->in, c->read_size, piece, (size_t)n);
    }
}

int libvchan_data_ready(libvchan_t *c)
{
    size_t ready;

    if (c->listener >= 0)
        try_accept(c);
    if (c->out.used)
        flush_out(c);
    ready = min_size(c->in.used + queued_in_kernel(c), c->read_size);
    c->seen = ready > 0;
    return (int)ready;
}

int libvchan_buffer_space(libvchan_t *c)
{
    if (c->out.used)
        flush_out(c);
    return (int)(c->write_size - c->out.used);
}

int libvchan_is_open(libvchan_t *c)
{
    struct pollfd p = {.events = POLLRDHUP};

    if (c->listener >= 0)
        try_accept(c);
    if (c->dead)
        return VCHAN_DISCONNECTED;
    if (c->sock < 0)
        return c->listener >= 0 ? VCHAN_WAITING : VCHAN_DISCONNECTED;
    p.fd = c->sock;
    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)))
        return VCHAN_DISCONNECTED;
    return VCHAN_CONNECTED;
}

/* Sleep till the socket (or the coming client) has news for a blocking call. */
static int sleep_for(libvchan_t *c, short events)
{
    struct pollfd p = {.fd = c->sock, .events = events};

    if (c->dead)
        return -1;
    if (c->listener >= 0) {
        p.fd = c->listener;
        p.events = POLLIN;
    } else if (c->out.used) {
        p.events |= POLLOUT;
    }
    if (poll(&p, 1, -1) < 0 && errno != EINTR)
        return -1;
    if (c->listener >= 0)
        try_accept(c);
    else
        flush_out(c);
    return c->dead ? -1 : 0;
}

static int next_event(libvchan_t *c, int timeout)
{
    struct epoll_event events[4];
    int n;

    do
        n = epoll_wait(c->epoll, events, 4, timeout);
    while (n < 0 && errno == EINTR);
    return n;
}

/* A caller that saw the descriptor readable must never block here, though its event may be gone by now. */
int libvchan_wait(libvchan_t *c)
{
    size_t queued = c->out.used;
    int n;

    if (c->sock >= 0 && c->seen)
        absorb(c);
    n = next_event(c, 0);
    if (c->sock >= 0)
        flush_out(c);
    if (n == 0 && !c->touched && c->out.used == queued)
        n = next_event(c, -1);
    c->touched = false;
    if (n < 0)
        return -1;
    if (c->listener >= 0)
        try_accept(c);
    else if (c->sock >= 0)
        flush_out(c);
    c->touched = false;
    return 0;
}

int libvchan_read(libvchan_t *c, void *data, size_t size)
{
    if (!size)
        return 0;
    c->seen = false;
    for (;;) {
        ssize_t n = (ssize_t)fifo_get(&c->in, data, size);

        if (n > 0)
            return (int)n;
        if (c->sock >= 0) {
            c->touched = true;
            n = recv(c->sock, data, min_size(size, INT32_MAX), MSG_DONTWAIT);
            if (n > 0)
                return (int)n;
            if (n == 0 || (errno != EAGAIN && errno != EINTR))
                return -1;
        }
        if (!c->blocking)
            return c->dead ? -1 : 0;
        if (sleep_for(c, POLLIN) < 0)
            return -1;
    }
}

int libvchan_recv(libvchan_t *c, void *data, size_t size)
{
    size_t done = 0;

    if (size > c->read_size)
        return -1;
    if (!c->blocking && (size_t)libvchan_data_ready(c) < size)
        return libvchan_is_open(c) == VCHAN_DISCONNECTED && (size_t)libvchan_data_ready(c) < size ? -1 : 0;
    while (done < size) {
        int n = libvchan_read(c, (char *)data + done, size - done);

        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return (int)size;
}

/* Hand over as much as fits: to the socket while nothing is queued before it, then to the queue. */
static size_t write_some(libvchan_t *c, const char *data, size_t size)
{
    size_t done = 0;

    flush_out(c);
    while (!c->out.used && done < size && !c->dead && c->sock >= 0) {
        ssize_t n = send(c->sock, data + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);

        c->touched = true;
        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno == EAGAIN)
            break;
        else if (n == 0 || errno != EINTR)
            c->dead = true;
    }
    done += fifo_put(&c->out, c->write_size, data + done, size - done);
    update_watch(c);
    return done;
}

int libvchan_write(libvchan_t *c, const void *data, size_t size)
{
    size = min_size(size, INT32_MAX);
    if (!size)
        return 0;
    for (;;) {
        size_t n;

        if (c->listener >= 0)
            try_accept(c);
        n = write_some(c, data, size);
        if (c->dead)
            return -1;
        if (n > 0 || !c->blocking)
            return (int)n;
        if (sleep_for(c, POLLOUT) < 0)
            return -1;
    }
}

int libvchan_send(libvchan_t *c, const void *data, size_t size)
{
    if (size > c->write_size)
        return -1;
    while ((size_t)libvchan_buffer_space(c) < size) {
        if (c->dead)
            return -1;
        if (!c->blocking)
            return 0;
        if (sleep_for(c, POLLOUT) < 0)
            return -1;
    }
    return libvchan_write(c, data, size);
}

EVTCHN libvchan_fd_for_select(libvchan_t *c)
{
    return c->epoll;
}

void libvchan_set_blocking(libvchan_t *c, bool blocking)
{
    c->blocking = blocking;
}

/* Give queued bytes a chance to leave: a peer that reads gets them all. */
static void flush_at_close(libvchan_t *c)
{
    struct pollfd p = {.fd = c->sock, .events = POLLOUT};

    while (c->out.used && !c->dead) {
        if (poll(&p, 1, CLOSE_FLUSH_MS) <= 0 || (p.revents & POLLHUP))
            return;
        flush_out(c);
    }
}

void libvchan_forget(libvchan_t *c)
{
    if (!c)
        return;
    close_fd(&c->sock);
    close_fd(&c->listener);
    close_fd(&c->timer);
    close_fd(&c->dir);
    close_fd(&c->epoll);
    free(c->in.data);
    free(c->out.data);
    free(c);
}

void libvchan_close(libvchan_t *c)
{
    if (c && c->sock >= 0)
        flush_at_close(c);
    libvchan_forget(c);
}
