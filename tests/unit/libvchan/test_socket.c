/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket backend of libvchan: connecting, data, events, ends. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "libvchan.h"

static char dir[] = "/tmp/vchan-test.XXXXXX";

struct pair {
    libvchan_t *server, *client;
};

/* Domain 1 offers to domain 2. */
static libvchan_t *offer(int port, size_t size)
{
    setenv("VCHAN_DOMAIN", "1", 1);
    return libvchan_server_init(2, port, size, size);
}

static libvchan_t *join(int port)
{
    setenv("VCHAN_DOMAIN", "2", 1);
    return libvchan_client_init(1, port);
}

static struct pair make_pair(int port)
{
    struct pair p = {.server = offer(port, 65536)};

    p.client = join(port);
    assert_non_null(p.server);
    assert_non_null(p.client);
    return p;
}

static void close_pair(struct pair *p)
{
    libvchan_close(p->server);
    libvchan_close(p->client);
}

static bool readable(libvchan_t *c)
{
    struct pollfd p = {.fd = libvchan_fd_for_select(c), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void states(void **state)
{
    libvchan_t *server = offer(10, 4096), *client;

    (void)state;
    assert_int_equal(libvchan_is_open(server), VCHAN_WAITING);
    assert_false(readable(server));
    client = join(10);
    assert_true(readable(server));
    assert_int_equal(libvchan_wait(server), 0);
    assert_int_equal(libvchan_is_open(server), VCHAN_CONNECTED);
    assert_int_equal(libvchan_is_open(client), VCHAN_CONNECTED);
    libvchan_close(client);
    assert_true(readable(server));
    assert_int_equal(libvchan_wait(server), 0);
    assert_int_equal(libvchan_is_open(server), VCHAN_DISCONNECTED);
    libvchan_close(server);
}

static void ring_sizes(void **state)
{
    libvchan_t *server = offer(11, 5000), *client = join(11);

    (void)state;
    libvchan_is_open(server);
    assert_int_equal(libvchan_buffer_space(server), 8192);
    assert_int_equal(libvchan_data_ready(server), 0);
    assert_int_equal(libvchan_send(server, dir, 8193), -1);
    libvchan_close(server);
    libvchan_close(client);
}

static void data_and_events(void **state)
{
    struct pair p = make_pair(12);
    char got[16];

    (void)state;
    assert_int_equal(libvchan_send(p.client, "hello", 5), 5);
    assert_true(readable(p.server));
    libvchan_wait(p.server);
    assert_int_equal(libvchan_data_ready(p.server), 5);
    assert_int_equal(libvchan_read(p.server, got, 3), 3);
    assert_int_equal(libvchan_data_ready(p.server), 2);
    assert_int_equal(libvchan_recv(p.server, got + 3, 2), 2);
    assert_memory_equal(got, "hello", 5);
    close_pair(&p);
}

/* What was left unread is not reported again: an event is an edge. */
static void events_are_edges(void **state)
{
    struct pair p = make_pair(13);

    (void)state;
    libvchan_is_open(p.server);
    libvchan_wait(p.server);
    while (readable(p.server))
        libvchan_wait(p.server);
    libvchan_send(p.client, "x", 1);
    assert_true(readable(p.server));
    libvchan_wait(p.server);
    libvchan_data_ready(p.server);
    assert_false(readable(p.server));
    libvchan_send(p.client, "y", 1);
    assert_true(readable(p.server));
    close_pair(&p);
}

static void non_blocking(void **state)
{
    struct pair p = make_pair(14);
    static char piece[4096];
    int n, total = 0;

    (void)state;
    libvchan_set_blocking(p.server, false);
    libvchan_set_blocking(p.client, false);
    assert_int_equal(libvchan_read(p.server, piece, 1), 0);
    assert_int_equal(libvchan_recv(p.server, piece, 4), 0);
    while ((n = libvchan_write(p.client, piece, sizeof(piece))) > 0)
        total += n;
    assert_int_equal(n, 0);
    assert_true(total >= 65536);
    assert_int_equal(libvchan_send(p.client, piece, sizeof(piece)), 0);
    while (total > 0 && (n = libvchan_read(p.server, piece, sizeof(piece))) > 0)
        total -= n;
    /* what waited in the writer goes on as soon as it is called again */
    while (total > 0) {
        libvchan_buffer_space(p.client);
        n = libvchan_read(p.server, piece, sizeof(piece));
        assert_true(n > 0);
        total -= n;
    }
    assert_int_equal(libvchan_buffer_space(p.client), 65536);
    close_pair(&p);
}

/* Many tiny pieces fill the kernel's queue before a ring's worth of bytes is there. */
static void tiny_pieces(void **state)
{
    struct pair p = make_pair(15);
    static char all[40000];
    size_t sent = 0;

    (void)state;
    libvchan_set_blocking(p.client, false);
    libvchan_set_blocking(p.server, false);
    while (libvchan_data_ready(p.server) < (int)sizeof(all)) {
        while (sent < sizeof(all) && libvchan_write(p.client, "z", 1) == 1)
            sent++;
        libvchan_buffer_space(p.client);
        if (readable(p.server))
            libvchan_wait(p.server);
    }
    assert_int_equal(libvchan_recv(p.server, all, sizeof(all)), sizeof(all));
    assert_int_equal(all[sizeof(all) - 1], 'z');
    close_pair(&p);
}

static void data_after_close(void **state)
{
    struct pair p = make_pair(16);
    char got[8];

    (void)state;
    libvchan_send(p.client, "last", 4);
    libvchan_close(p.client);
    libvchan_is_open(p.server);
    assert_int_equal(libvchan_recv(p.server, got, 4), 4);
    assert_int_equal(libvchan_read(p.server, got, 1), -1);
    assert_int_equal(libvchan_write(p.server, got, 1), -1);
    libvchan_close(p.server);
}

static void async_connect(void **state)
{
    libvchan_t *client, *server;
    struct pollfd w = {.events = POLLIN};
    int ret = 1;

    (void)state;
    setenv("VCHAN_DOMAIN", "2", 1);
    client = libvchan_client_init_async(1, 17, &w.fd);
    assert_non_null(client);
    assert_int_equal(libvchan_client_init_async_finish(client, false), 1);
    server = offer(17, 4096);
    while (ret == 1 && poll(&w, 1, 1000) == 1)
        ret = libvchan_client_init_async_finish(client, false);
    assert_int_equal(ret, 0);
    assert_int_equal(libvchan_is_open(client), VCHAN_CONNECTED);
    libvchan_close(client);
    libvchan_close(server);
}

/* A client waits for a server that comes later, and for a stale socket file to be replaced. */
static void late_server(void **state)
{
    libvchan_t *stale = offer(18, 4096), *server;
    pid_t pid;
    int status;

    (void)state;
    libvchan_close(stale);
    pid = fork();
    if (pid == 0) {
        libvchan_t *client = join(18);

        _exit(client && libvchan_send(client, "!", 1) == 1 ? 0 : 1);
    }
    usleep(50000);
    server = offer(18, 4096);
    assert_int_equal(libvchan_recv(server, (char[1]){0}, 1), 1);
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    libvchan_close(server);
}

static void blocking_both_ways(void **state)
{
    enum { SIZE = 3 << 20 };
    libvchan_t *server = offer(19, 65536);
    unsigned char *data = malloc(SIZE);
    pid_t pid = fork();
    int status;

    (void)state;
    for (int i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 7 >> 3);
    if (pid == 0) {
        libvchan_t *client = join(19);

        for (size_t done = 0; done < SIZE;) {
            int n = libvchan_read(client, data + done, SIZE - done);

            if (n <= 0)
                _exit(1);
            done += (size_t)n;
        }
        for (int i = 0; i < SIZE; i++)
            if (data[i] != (unsigned char)(i * 7 >> 3))
                _exit(2);
        libvchan_close(client);
        _exit(0);
    }
    for (size_t done = 0; done < SIZE;) {
        int n = libvchan_write(server, data + done, SIZE - done);

        assert_true(n > 0);
        done += (size_t)n;
    }
    libvchan_close(server); /* sends the rest */
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    free(data);
}

/* After a fork the child's copy must neither keep the channel up nor end it. */
static void forget(void **state)
{
    struct pair p = make_pair(20);
    pid_t pid;

    (void)state;
    libvchan_is_open(p.server);
    pid = fork();
    if (pid == 0) {
        libvchan_forget(p.server);
        libvchan_forget(p.client);
        usleep(300000);
        _exit(0);
    }
    assert_int_equal(libvchan_send(p.client, "a", 1), 1);
    assert_int_equal(libvchan_recv(p.server, (char[1]){0}, 1), 1);
    usleep(50000);
    libvchan_close(p.client);
    assert_int_equal(libvchan_is_open(p.server), VCHAN_DISCONNECTED);
    libvchan_close(p.server);
    waitpid(pid, NULL, 0);
}

/* A wait after poll() must not block, whatever was done in between. */
static void wait_never_hangs(void **state)
{
    struct pair p = make_pair(21);
    char got[4];

    (void)state;
    alarm(5);
    libvchan_send(p.client, "abc", 3);
    assert_true(readable(p.server));
    assert_int_equal(libvchan_read(p.server, got, 3), 3);
    assert_int_equal(libvchan_wait(p.server), 0);
    libvchan_send(p.client, "d", 1);
    assert_true(readable(p.server));
    libvchan_send(p.server, "e", 1);
    assert_int_equal(libvchan_read(p.server, got, 1), 1);
    assert_int_equal(libvchan_wait(p.server), 0);
    alarm(0);
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states),           cmocka_unit_test(ring_sizes),
        cmocka_unit_test(data_and_events),  cmocka_unit_test(events_are_edges),
        cmocka_unit_test(non_blocking),     cmocka_unit_test(tiny_pieces),
        cmocka_unit_test(data_after_close), cmocka_unit_test(async_connect),
        cmocka_unit_test(late_server),      cmocka_unit_test(blocking_both_ways),
        cmocka_unit_test(forget),           cmocka_unit_test(wait_never_hangs),
    };
    char command[64];
    int ret;

    if (!mkdtemp(dir))
        return 1;
    setenv("VCHAN_SOCKET_DIR", dir, 1);
    ret = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) || ret;
}
