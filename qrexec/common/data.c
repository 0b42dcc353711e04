/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data loop of one call, for both roles. Events of a vchan are edges, so each round first does all that
 * can be done without waiting (send what is queued, receive while the local sink takes it), then polls.
 */
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "libvchan.h"
#include "util.h"
#include "wire.h"

#define HEADER         sizeof(struct msg_header)
#define CONTROL_ROOM   64 /* for a few short messages behind a chunk */
#define RECEIVE_BUDGET 32 /* pieces taken from the peer before local input gets a turn */
#define PIPE_BYTES     (256 * 1024)

enum sink { SINK_NONE, SINK_OUT, SINK_ERR, SINK_STATUS };

struct loop {
    struct data_call *c;
    /* from the peer */
    struct msg_header header;
    size_t header_got;
    uint32_t remaining; /* of the message's body */
    enum sink sink;
    char *from; /* bytes for the sink: from[from_start ..] */
    size_t from_start, from_used;
    unsigned char status_bytes[4];
    size_t status_got;
    /* to the peer */
    char *to;
    size_t to_start, to_used;
    const char *prefix;
    size_t prefix_left;
    /* state */
    int pidfd;
    bool in_open, err_open, out_open, client_eof, have_status, peer_gone, reaped;
    bool switching; /* SIGUSR1 came */
    int status, out_flags;
};

static int signal_fd = -1; /* SIGUSR1: the local process also writes to its stdin socket */

void data_prepare_signals(void)
{
    sigset_t block;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    if (signal_fd < 0)
        signal_fd = signalfd(-1, &block, SFD_CLOEXEC | SFD_NONBLOCK);
}

void data_unblock_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void data_reset_signals(void)
{
    for (int i = 1; i < SIGRTMIN; i++)
        if (i != SIGKILL && i != SIGSTOP)
            signal(i, SIG_DFL);
    data_unblock_signals();
}

/* ---- to the peer ---- */

/* Queue a short message behind what is there; CONTROL_ROOM is enough for all that one call can send. */
static void queue_message(struct loop *l, uint32_t type, const void *body, uint32_t len)
{
    struct msg_header header = {.type = type, .len = len};

    if (l->to_start) {
        memmove(l->to, l->to + l->to_start, l->to_used);
        l->to_start = 0;
    }
    memcpy(l->to + l->to_used, &header, HEADER);
    if (len)
        memcpy(l->to + l->to_used + HEADER, body, len);
    l->to_used += HEADER + len;
}

static void flush_to(struct loop *l)
{
    while (l->to_used && !l->peer_gone) {
        int n = libvchan_write(l->c->vchan, l->to + l->to_start, l->to_used);

        if (n < 0)
            l->to_used = 0; /* nobody reads it; what the peer sent before is still read */
        if (n <= 0)
            break;
        l->to_start += (size_t)n;
        l->to_used -= (size_t)n;
    }
    if (!l->to_used || l->peer_gone)
        l->to_start = l->to_used = 0;
}

static uint32_t in_type(const struct loop *l)
{
    return l->c->service ? MSG_DATA_STDOUT : MSG_DATA_STDIN;
}

static void close_in(struct loop *l)
{
    if (l->in_open)
        queue_message(l, in_type(l), NULL, 0);
    l->in_open = false;
    close_fd(&l->c->in_fd);
}

static void close_err(struct loop *l)
{
    if (l->err_open)
        queue_message(l, MSG_DATA_STDERR, NULL, 0);
    l->err_open = false;
    close_fd(&l->c->err_fd);
}

/* The chunk that was put behind a header's room at the start of `to`. */
static void send_chunk(struct loop *l, uint32_t type, size_t size)
{
    struct msg_header header = {.type = type, .len = (uint32_t)size};

    memcpy(l->to, &header, HEADER);
    l->to_start = 0;
    l->to_used = HEADER + size;
    flush_to(l);
}

static void send_prefix(struct loop *l)
{
    while (l->prefix_left && !l->to_used && !l->have_status) {
        size_t size = l->prefix_left < l->c->chunk ? l->prefix_left : l->c->chunk;

        memcpy(l->to + HEADER, l->prefix, size);
        l->prefix += size;
        l->prefix_left -= size;
        send_chunk(l, in_type(l), size);
    }
}

/* Read one chunk of local input; only when nothing is queued. False at its end. */
static bool read_local(struct loop *l, int fd, uint32_t type)
{
    ssize_t n = read(fd, l->to + HEADER, l->c->chunk);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    send_chunk(l, type, (size_t)n);
    return true;
}

/* ---- from the peer ---- */

static void drop_from(struct loop *l)
{
    l->from_start = l->from_used = 0;
}

/* The local reader gets its end of file. A socket stays open: it may carry output (SIGUSR1), or hang up. */
static void close_out(struct loop *l)
{
    struct stat st;

    if (!l->out_open)
        return;
    l->out_open = false;
    if (fstat(l->c->out_fd, &st) == 0 && S_ISSOCK(st.st_mode))
        shutdown(l->c->out_fd, SHUT_WR);
    else
        close_fd(&l->c->out_fd);
}

/* Write waiting bytes to their sink; a reader that went away is no error. */
static void flush_from(struct loop *l)
{
    while (l->from_used) {
        bool out = l->sink == SINK_OUT;
        ssize_t n;

        if (out && !l->out_open) {
            drop_from(l);
            break;
        }
        n = write(out ? l->c->out_fd : l->c->err_fd, l->from + l->from_start, l->from_used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            if (out)
                close_out(l);
            drop_from(l);
            break;
        }
        l->from_start += (size_t)n;
        l->from_used -= (size_t)n;
    }
    if (!l->from_used)
        drop_from(l);
}

/* What a message type means to whom; anything else breaks the protocol. */
static const struct {
    uint32_t type;
    enum sink service, caller;
} meanings[] = {
    {MSG_DATA_STDIN, SINK_OUT, SINK_NONE},
    {MSG_DATA_STDOUT, SINK_NONE, SINK_OUT},
    {MSG_DATA_STDERR, SINK_NONE, SINK_ERR},
    {MSG_DATA_EXIT_CODE, SINK_NONE, SINK_STATUS},
};

/* The header is whole: check it. */
static int begin_message(struct loop *l)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].type != l->header.type)
            continue;
        if (l->header.len > l->c->chunk) {
            qlog("data message of %u bytes, the limit is %zu: call ended", l->header.len, l->c->chunk);
            return -1;
        }
        l->sink = l->c->service ? meanings[i].service : meanings[i].caller;
        if (l->sink == SINK_NONE)
            qlog("ignored message %#x, which is not for the peer to send", l->header.type);
        l->remaining = l->header.len;
        l->status_got = 0;
        return 0;
    }
    qlog("unknown data message %#x: call ended", l->header.type);
    return -1;
}

static void end_message(struct loop *l)
{
    l->header_got = 0;
    if (l->sink == SINK_OUT && l->header.len == 0) {
        l->client_eof = true;
        close_out(l);
    }
    if (l->sink == SINK_STATUS) {
        int32_t status;

        memcpy(&status, l->status_bytes, sizeof(status));
        l->status = l->status_got < sizeof(status) ? EXIT_NO_STATUS : status;
        l->have_status = true;
    }
}

static void deliver(struct loop *l, size_t size)
{
    if (l->sink == SINK_STATUS) {
        for (size_t i = 0; i < size && l->status_got < sizeof(l->status_bytes); i++)
            l->status_bytes[l->status_got++] = (unsigned char)l->from[i];
    } else if (l->sink != SINK_NONE) {
        if (l->sink == SINK_OUT ? l->c->replace_out : l->c->replace_err)
            text_replace_odd(l->from, size);
        l->from_used = size;
        flush_from(l);
    }
}

/* Take the next piece from the peer. False when there is none now (or no peer any more). */
static bool receive_piece(struct loop *l)
{
    bool in_header = l->header_got < HEADER;
    void *at = in_header ? (char *)&l->header + l->header_got : l->from;
    size_t want = in_header ? HEADER - l->header_got : l->remaining;
    int n = libvchan_read(l->c->vchan, at, want);

    if (n < 0)
        l->peer_gone = true;
    if (n <= 0)
        return false;
    if (in_header) {
        l->header_got += (size_t)n;
        if (l->header_got == HEADER && begin_message(l) < 0) {
            l->peer_gone = true;
            return false;
        }
    } else {
        l->remaining -= (uint32_t)n;
        deliver(l, (size_t)n);
    }
    return true;
}

/* True if it stopped for fairness and there may be more. */
static bool receive(struct loop *l)
{
    for (int budget = RECEIVE_BUDGET; !l->peer_gone && !l->have_status && !l->from_used; budget--) {
        if (l->header_got == HEADER && !l->remaining) {
            end_message(l);
            continue;
        }
        if (!budget)
            return true;
        if (!receive_piece(l))
            break;
    }
    return false;
}

/* ---- the end ---- */

static void reap(struct loop *l)
{
    int status;

    if (waitpid(l->c->pid, &status, WNOHANG) != l->c->pid)
        return;
    l->reaped = true;
    close_fd(&l->pidfd);
    l->c->local_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (l->c->service)
        close_out(l); /* those whom it left behind see the end of their input */
}

static bool service_done(struct loop *l)
{
    if (l->peer_gone)
        return true;
    if (l->from_used)
        return false;
    if (l->c->exit_on_client_eof && l->client_eof)
        return true;
    if (l->c->exit_on_service_eof && !l->in_open)
        return true;
    return !l->in_open && !l->err_open && !l->out_open && (!l->c->pid || l->reaped);
}

static bool caller_done(struct loop *l)
{
    if (l->peer_gone && !l->have_status) {
        l->have_status = true;
        l->status = EXIT_NO_STATUS;
    }
    if (!l->have_status)
        return false;
    close_in(l);
    if (l->from_used)
        return false;
    close_out(l);
    return !l->c->pid || l->reaped;
}

/* The local process's output comes from its stdin socket from now on; first what is left in the old pipe. */
static void switch_to_socket(struct loop *l)
{
    int fd;

    while (l->in_open && !l->to_used) {
        ssize_t n = read(l->c->in_fd, l->to + HEADER, l->c->chunk);

        if (n > 0) {
            send_chunk(l, in_type(l), (size_t)n);
            continue;
        }
        l->switching = false;
        if (l->c->out_fd < 0 || (fd = fcntl(l->c->out_fd, F_DUPFD_CLOEXEC, 3)) < 0)
            return;
        close_fd(&l->c->in_fd);
        l->c->in_fd = fd;
        return;
    }
}

static void take_signal(struct loop *l)
{
    struct signalfd_siginfo info;

    while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
        l->switching = l->in_open;
}

static void poll_round(struct loop *l, bool more)
{
    bool idle = !l->to_used && !l->prefix_left;
    bool out_waits = l->from_used && l->sink == SINK_OUT;
    struct pollfd p[6] = {
        {.fd = l->peer_gone ? -1 : libvchan_fd_for_select(l->c->vchan), .events = POLLIN},
        {.fd = idle && l->in_open ? l->c->in_fd : -1, .events = POLLIN},
        {.fd = l->c->service ? (idle && l->err_open ? l->c->err_fd : -1)
                             : (l->from_used && !out_waits ? l->c->err_fd : -1),
         .events = l->c->service ? POLLIN : POLLOUT},
        {.fd = l->out_open ? l->c->out_fd : -1, .events = out_waits ? POLLOUT : 0},
        {.fd = l->pidfd, .events = POLLIN},
        {.fd = l->c->pid ? signal_fd : -1, .events = POLLIN},
    };

    if (poll(p, 6, more ? 0 : -1) < 0)
        return;
    if (p[0].revents)
        libvchan_wait(l->c->vchan);
    /* before the end of the pipe is seen: the signal was sent first */
    if (p[5].revents)
        take_signal(l);
    if (l->switching)
        switch_to_socket(l);
    else if (p[1].revents && !read_local(l, l->c->in_fd, in_type(l)))
        close_in(l);
    if (l->c->service && p[2].revents && !l->to_used && !read_local(l, l->c->err_fd, MSG_DATA_STDERR))
        close_err(l);
    if (p[3].revents & (POLLERR | POLLHUP))
        close_out(l);
    if (p[4].revents)
        reap(l);
}

/* Bytes must not wait for one slow reader while others could move: no descriptor of ours may block. */
static void set_nonblocking(int fd)
{
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode))) {
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        if (S_ISFIFO(st.st_mode))
            fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
    }
}

/* Everything queued goes out, unless the peer left. */
static void drain_to(struct loop *l)
{
    for (flush_to(l); l->to_used && !l->peer_gone; flush_to(l)) {
        struct pollfd p = {.fd = libvchan_fd_for_select(l->c->vchan), .events = POLLIN};

        if (poll(&p, 1, -1) > 0)
            libvchan_wait(l->c->vchan);
    }
}

static void finish_service(struct loop *l)
{
    int32_t status = l->c->local_status;

    close_err(l);
    close_in(l);
    if (!l->peer_gone) {
        queue_message(l, MSG_DATA_EXIT_CODE, &status, sizeof(status));
        drain_to(l);
        data_linger(l->c->vchan);
    }
    l->status = status;
}

static int loop_init(struct loop *l, struct data_call *call)
{
    *l = (struct loop){.c = call, .pidfd = -1, .in_open = true, .out_open = true, .prefix = call->prefix};
    l->prefix_left = call->prefix ? strlen(call->prefix) : 0;
    l->from = malloc(call->chunk);
    l->to = malloc(HEADER + call->chunk + CONTROL_ROOM);
    if (!l->from || !l->to)
        return -1;
    if (call->pid)
        l->pidfd = (int)syscall(SYS_pidfd_open, call->pid, 0);
    if (call->pid && l->pidfd < 0)
        return -1;
    if (call->service)
        l->err_open = true;
    /* Own stdin is only read when there is something; its flags are shared with others. */
    if (call->service || call->pid)
        set_nonblocking(call->in_fd);
    l->out_flags = fcntl(call->out_fd, F_GETFL);
    set_nonblocking(call->out_fd);
    if (call->service) {
        set_nonblocking(call->err_fd);
        if (call->err_fd < 0)
            close_err(l);
    }
    return 0;
}

int data_run(struct data_call *call)
{
    struct loop l;

    call->local_status = 0;
    libvchan_set_blocking(call->vchan, false);
    if (loop_init(&l, call) < 0) {
        qlog_errno("cannot start the call's data");
        l.status = EXIT_QREXEC_PROBLEM;
        goto done;
    }
    for (;;) {
        bool more;

        send_prefix(&l);
        flush_to(&l);
        flush_from(&l);
        more = receive(&l);
        if (call->service ? service_done(&l) : caller_done(&l))
            break;
        flush_to(&l);
        if (l.switching)
            switch_to_socket(&l);
        poll_round(&l, more);
    }
    if (call->service)
        finish_service(&l);
    else
        flush_to(&l);
done:
    close_fd(&l.pidfd);
    if (call->out_fd >= 0)
        fcntl(call->out_fd, F_SETFL, l.out_flags);
    close_fd(&call->in_fd);
    close_fd(&call->out_fd);
    if (call->service)
        close_fd(&call->err_fd);
    free(l.from);
    free(l.to);
    return l.status;
}
