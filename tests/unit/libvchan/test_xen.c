/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Xen backend of libvchan on fake Xen libraries: both ends in one process. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_xen.h"
#include "xen_internal.h"

static libvchan_t *offer(int port, size_t read_min, size_t write_min)
{
    setenv("VCHAN_DOMAIN", "1", 1);
    return libvchan_server_init(2, port, read_min, write_min);
}

static libvchan_t *join(int port)
{
    setenv("VCHAN_DOMAIN", "2", 1);
    return libvchan_client_init(1, port);
}

static bool readable(libvchan_t *c)
{
    struct pollfd p = {.fd = libvchan_fd_for_select(c), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void drain(libvchan_t *c)
{
    while (readable(c))
        assert_int_equal(libvchan_wait(c), 0);
}

static void rendezvous(void **state)
{
    libvchan_t *server = offer(10, 4096, 65536), *client;

    (void)state;
    assert_non_null(server);
    assert_int_equal(fake_xenstore_nodes(), 2);
    assert_int_equal(libvchan_is_open(server), VCHAN_WAITING);
    client = join(10);
    assert_non_null(client);
    assert_true(readable(server));
    libvchan_wait(server);
    assert_int_equal(libvchan_is_open(server), VCHAN_CONNECTED);
    assert_int_equal(fake_xenstore_nodes(), 0);
    assert_int_equal(fake_transactions, 0);
    assert_int_equal(libvchan_is_open(client), VCHAN_CONNECTED);
    assert_int_equal(libvchan_buffer_space(client), 4096);
    assert_int_equal(libvchan_buffer_space(server), 65536);
    libvchan_close(client);
    assert_true(readable(server));
    libvchan_wait(server);
    assert_int_equal(libvchan_is_open(server), VCHAN_DISCONNECTED);
    libvchan_close(server);
}

static void async_connect(void **state)
{
    libvchan_t *client, *server;
    struct pollfd w = {.events = POLLIN};
    int ret = 1;

    (void)state;
    setenv("VCHAN_DOMAIN", "2", 1);
    client = libvchan_client_init_async(1, 11, &w.fd);
    assert_non_null(client);
    while (poll(&w, 1, 0) == 1)
        assert_int_equal(libvchan_client_init_async_finish(client, false), 1);
    server = offer(11, 4096, 4096);
    while (ret == 1 && poll(&w, 1, 0) == 1)
        ret = libvchan_client_init_async_finish(client, false);
    assert_int_equal(ret, 0);
    assert_int_equal(libvchan_is_open(client), VCHAN_CONNECTED);
    libvchan_close(server);
    drain(client);
    assert_int_equal(libvchan_is_open(client), VCHAN_DISCONNECTED);
    libvchan_close(client);
}

static void server_dies_before(void **state)
{
    libvchan_t *client;
    EVTCHN fd;

    (void)state;
    setenv("VCHAN_DOMAIN", "0", 1);
    client = libvchan_client_init_async(1, 12, &fd);
    assert_int_equal(libvchan_client_init_async_finish(client, false), 1);
    fake_domain_exists = false;
    assert_int_equal(libvchan_client_init_async_finish(client, false), -1);
    fake_domain_exists = true;
    libvchan_close(client);
}

/* A new server replaces the keys of one that was killed; the old one does not take them away. */
static void stale_keys(void **state)
{
    libvchan_t *old = offer(13, 4096, 4096), *server = offer(13, 4096, 4096), *client;

    (void)state;
    libvchan_close(old);
    assert_int_equal(fake_xenstore_nodes(), 2);
    client = join(13);
    assert_int_equal(libvchan_send(client, "x", 1), 1);
    assert_int_equal(libvchan_recv(server, (char[1]){0}, 1), 1);
    libvchan_close(client);
    libvchan_close(server);
}

/* Odd sizes around the rings many times; every event that is needed comes. */
static void data_wraps(void **state)
{
    libvchan_t *server = offer(14, 4096, 4096), *client = join(14);
    static unsigned char out[1500000], in[sizeof(out)];
    size_t sent = 0, got = 0;

    (void)state;
    libvchan_set_blocking(server, false);
    libvchan_set_blocking(client, false);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (unsigned char)(i * 31 >> 4);
    for (unsigned step = 1; got < sizeof(in); step++) {
        size_t piece = step * 37 % 5000 + 1;
        bool moved = false;
        int n;

        if (piece > sizeof(out) - sent)
            piece = sizeof(out) - sent;
        if (step % 3 && (n = libvchan_write(client, out + sent, piece)) > 0) {
            sent += (size_t)n;
            moved = true;
        }
        if (step % 2 &&
            (n = libvchan_read(server, in + got, sizeof(in) - got < 777 ? sizeof(in) - got : 777)) > 0) {
            got += (size_t)n;
            moved = true;
        }
        if (!moved && step % 6 == 1) /* both were tried: one of them must have been told */
            assert_true(readable(server) || readable(client));
        drain(server);
        drain(client);
    }
    assert_memory_equal(in, out, sizeof(out));
    libvchan_close(client);
    libvchan_close(server);
}

static void notified_when_asked(void **state)
{
    libvchan_t *server = offer(15, 4096, 4096), *client = join(15);
    static char piece[4096];

    (void)state;
    drain(server);
    drain(client);
    assert_int_equal(libvchan_data_ready(server), 0);
    libvchan_send(client, "a", 1);
    assert_true(readable(server));
    drain(server);
    assert_int_equal(libvchan_data_ready(server), 1);
    assert_int_equal(libvchan_send(client, piece, 4095), 4095);
    assert_int_equal(libvchan_buffer_space(client), 0);
    drain(client);
    assert_int_equal(libvchan_recv(server, piece, 4096), 4096);
    assert_true(readable(client));
    assert_int_equal(libvchan_buffer_space(client), 4096);
    libvchan_close(client);
    libvchan_close(server);
}

static void data_after_close(void **state)
{
    libvchan_t *server = offer(16, 4096, 4096), *client = join(16);
    char got[8];

    (void)state;
    libvchan_send(client, "last", 4);
    libvchan_close(client);
    assert_int_equal(libvchan_recv(server, got, 4), 4);
    assert_memory_equal(got, "last", 4);
    assert_int_equal(libvchan_read(server, got, 1), -1);
    assert_int_equal(libvchan_write(server, got, 1), -1);
    libvchan_close(server);
}

/* The server may be filled before the client comes. */
static void data_before_client(void **state)
{
    libvchan_t *server = offer(17, 4096, 4096), *client;
    char got[4];

    (void)state;
    assert_int_equal(libvchan_send(server, "soon", 4), 4);
    client = join(17);
    assert_int_equal(libvchan_recv(client, got, 4), 4);
    libvchan_close(client);
    libvchan_close(server);
}

static void hostile_indices(void **state)
{
    libvchan_t *server = offer(18, 4096, 4096), *client = join(18);
    char got[16];

    (void)state;
    client->page->left.prod = 5000; /* more than the ring holds */
    assert_int_equal(libvchan_data_ready(server), 0);
    assert_int_equal(libvchan_is_open(server), VCHAN_DISCONNECTED);
    assert_int_equal(libvchan_read(server, got, sizeof(got)), -1);
    libvchan_close(client);
    libvchan_close(server);
    server = offer(19, 4096, 4096);
    client = join(19);
    client->page->right.cons = 1; /* read more than was written */
    assert_int_equal(libvchan_write(server, got, 1), -1);
    libvchan_close(client);
    libvchan_close(server);
}

static void hostile_orders(void **state)
{
    static const uint16_t bad[][2] = {{9, 12}, {21, 12}, {12, 0xffff}, {10, 10}, {11, 11}, {0, 0}};
    libvchan_t *client;
    EVTCHN fd;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        libvchan_t *server = offer(20, 4096, 4096);

        server->page->left_order = bad[i][0];
        server->page->right_order = bad[i][1];
        setenv("VCHAN_DOMAIN", "2", 1);
        client = libvchan_client_init_async(1, 20, &fd);
        assert_int_equal(libvchan_client_init_async_finish(client, false), 1);
        libvchan_close(client);
        libvchan_close(server);
    }
}

/* Rings inside the shared page, as Xen's own library makes them for small sizes. */
static void small_rings(void **state)
{
    libvchan_t *server = offer(21, 4096, 4096), *client;
    char got[4];

    (void)state;
    server->page->left_order = 10;
    server->page->right_order = 11;
    client = join(21);
    assert_int_equal(libvchan_buffer_space(client), 1024);
    assert_int_equal(client->read.size, 2048);
    memcpy((char *)client->page + 2048, "ring", 4);
    client->page->right.prod = 4;
    assert_int_equal(libvchan_recv(client, got, 4), 4);
    assert_memory_equal(got, "ring", 4);
    libvchan_close(client);
    libvchan_close(server);
}

static void dead_peer(void **state)
{
    libvchan_t *server = offer(22, 4096, 4096), *client = join(22);
    struct itimerspec soon = {.it_value.tv_nsec = 1};

    (void)state;
    drain(server);
    fake_peer_bound = false;
    timerfd_settime(server->timer, 0, &soon, NULL);
    libvchan_wait(server);
    assert_int_equal(libvchan_is_open(server), VCHAN_DISCONNECTED);
    fake_peer_bound = true;
    libvchan_close(client);
    libvchan_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rendezvous),         cmocka_unit_test(async_connect),
        cmocka_unit_test(server_dies_before), cmocka_unit_test(stale_keys),
        cmocka_unit_test(data_wraps),         cmocka_unit_test(notified_when_asked),
        cmocka_unit_test(data_after_close),   cmocka_unit_test(data_before_client),
        cmocka_unit_test(hostile_indices),    cmocka_unit_test(hostile_orders),
        cmocka_unit_test(small_rings),        cmocka_unit_test(dead_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
