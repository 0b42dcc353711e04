/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data channels before and after the data: connecting, HELLO, the answer of a call that could not start. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "data.h"
#include "libvchan.h"
#include "util.h"
#include "wire.h"

#define HEADER            sizeof(struct msg_header)
#define HANDSHAKE_SECONDS 60
#define LINGER_MS         50

static int left_ms(int64_t end)
{
    int64_t left = end - now_ms();

    return end == 0 ? -1 : left > 0 ? (int)left : 0;
}

static int64_t deadline(unsigned seconds)
{
    return seconds ? now_ms() + (int64_t)seconds * 1000 : 0;
}

int data_wait_client(struct libvchan *vchan, int watch_fd, unsigned seconds)
{
    int64_t end = deadline(seconds);

    while (libvchan_is_open(vchan) == VCHAN_WAITING) {
        struct pollfd p[2] = {{.fd = libvchan_fd_for_select(vchan), .events = POLLIN}, {.fd = watch_fd}};
        int n = poll(p, 2, left_ms(end));

        if (n == 0)
            return -ETIMEDOUT;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && p[0].revents)
            libvchan_wait(vchan);
        else if (n > 0 && p[1].revents)
            return libvchan_is_open(vchan) == VCHAN_WAITING ? -EPIPE : 0;
    }
    return 0;
}

struct libvchan *data_connect(int domain, int port, unsigned seconds)
{
    int64_t end = deadline(seconds);
    struct libvchan *vchan;
    EVTCHN fd;
    int state;

    vchan = libvchan_client_init_async(domain, port, &fd);
    if (!vchan) {
        qlog("cannot begin to connect to domain %d port %d", domain, port);
        return NULL;
    }
    while ((state = libvchan_client_init_async_finish(vchan, false)) == 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = poll(&p, 1, left_ms(end));

        if (n == 0) {
            qlog("domain %d did not open port %d within %u seconds", domain, port, seconds);
            state = -1;
            break;
        }
    }
    if (state == 0)
        return vchan;
    libvchan_close(vchan);
    return NULL;
}

/* Read exactly, but not for ever: the peer may be hostile. */
static int read_timed(struct libvchan *vchan, void *data, size_t size, int64_t end)
{
    size_t got = 0;

    for (;;) {
        struct pollfd p = {.fd = libvchan_fd_for_select(vchan), .events = POLLIN};
        int n = libvchan_read(vchan, (char *)data + got, size - got);

        if (n < 0)
            return -EPIPE;
        got += (size_t)n;
        if (got == size)
            return 0;
        n = poll(&p, 1, left_ms(end));
        if (n == 0)
            return -ETIMEDOUT;
        if (n > 0)
            libvchan_wait(vchan);
    }
}

size_t data_handshake(struct libvchan *vchan)
{
    struct {
        struct msg_header header;
        uint32_t version;
    } __attribute__((packed)) own = {{MSG_HELLO, 4}, QREXEC_VERSION}, untrusted_peer;
    uint32_t version;
    int ret;

    libvchan_set_blocking(vchan, false);
    if (libvchan_send(vchan, &own, sizeof(own)) != sizeof(own)) {
        qlog("the peer left before the handshake");
        return 0;
    }
    ret = read_timed(vchan, &untrusted_peer, sizeof(untrusted_peer), deadline(HANDSHAKE_SECONDS));
    if (ret < 0) {
        qlog("no handshake from the peer: %s", strerror(-ret));
        return 0;
    }
    if (untrusted_peer.header.type != MSG_HELLO || untrusted_peer.header.len != 4 ||
        untrusted_peer.version < QREXEC_VERSION_MIN) {
        qlog("bad handshake: type %#x, length %u, version %u", untrusted_peer.header.type,
             untrusted_peer.header.len, untrusted_peer.version);
        return 0;
    }
    version = untrusted_peer.version < QREXEC_VERSION ? untrusted_peer.version : QREXEC_VERSION;
    return version < 3 ? DATA_CHUNK_V2 : DATA_CHUNK;
}

void data_linger(struct libvchan *vchan)
{
    int64_t end = now_ms() + LINGER_MS;
    char drop[256];
    int n;

    libvchan_set_blocking(vchan, false);
    for (;;) {
        struct pollfd p = {.fd = libvchan_fd_for_select(vchan), .events = POLLIN};

        while ((n = libvchan_read(vchan, drop, sizeof(drop))) > 0)
            ;
        if (n < 0 || poll(&p, 1, left_ms(end)) <= 0)
            return;
        libvchan_wait(vchan);
    }
}

void data_send_status(struct libvchan *vchan, bool streams, bool stderr_too, int status)
{
    struct {
        struct msg_header header[3];
        int32_t status;
    } __attribute__((packed)) all = {
        {{MSG_DATA_STDOUT, 0}, {MSG_DATA_STDERR, 0}, {MSG_DATA_EXIT_CODE, 4}},
        status,
    };
    size_t skip = streams ? 0 : 2;

    if (streams && !stderr_too) {
        all.header[1] = all.header[0];
        skip = 1;
    }
    libvchan_set_blocking(vchan, true);
    libvchan_send(vchan, &all.header[skip], sizeof(all) - skip * HEADER);
    if (streams)
        data_linger(vchan);
}
