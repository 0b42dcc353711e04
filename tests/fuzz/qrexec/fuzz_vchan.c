/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Xen backend of libvchan against a peer that writes anything into the shared page. First byte: whether a
 * client meets a hostile server's page, or which side of a channel that works until then is ours.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fake_xen.h"
#include "xen_internal.h"

enum { RING = 4096, MAX_OPS = 200 };

struct input {
    const uint8_t *data;
    size_t size;
};

static uint32_t take(struct input *in, size_t bytes)
{
    uint32_t value = 0;

    if (bytes > in->size)
        bytes = in->size;
    memcpy(&value, in->data, bytes);
    in->data += bytes;
    in->size -= bytes;
    return value;
}

static libvchan_t *offer(void)
{
    setenv("VCHAN_DOMAIN", "1", 1);
    return libvchan_server_init(2, 10, RING, RING);
}

static libvchan_t *join(void)
{
    libvchan_t *c;
    EVTCHN fd;

    setenv("VCHAN_DOMAIN", "2", 1);
    c = libvchan_client_init_async(1, 10, &fd);
    if (c && libvchan_client_init_async_finish(c, false) != 0) {
        libvchan_close(c);
        c = NULL;
    }
    return c;
}

/* Exactly as much memory as asked for, so that one byte too many is seen. */
static void move_bytes(libvchan_t *c, unsigned way, size_t size)
{
    char *bytes = calloc(1, size + !size);
    int ret = way == 0   ? libvchan_read(c, bytes, size)
              : way == 1 ? libvchan_write(c, bytes, size)
              : way == 2 ? libvchan_recv(c, bytes, size)
                         : libvchan_send(c, bytes, size);

    if (ret > (int)size)
        abort();
    free(bytes);
}

static void one_operation(libvchan_t *c, struct input *in)
{
    uint32_t *const indices[] = {&c->read.shared->prod, &c->read.shared->cons, &c->write.shared->prod,
                                 &c->write.shared->cons};
    unsigned op = take(in, 1);

    switch (op & 3) {
    case 0:
        *indices[op >> 2 & 3] = take(in, 4);
        break;
    case 1:
        *indices[op >> 2 & 3] += take(in, 2);
        break;
    case 2:
        move_bytes(c, op >> 2 & 3, take(in, 2));
        break;
    default:
        if (libvchan_data_ready(c) > (int)c->read.size || libvchan_buffer_space(c) > (int)c->write.size)
            abort();
        c->page->cli_notify = c->page->srv_notify = (uint8_t)op;
    }
}

static void use(libvchan_t *c, struct input *in)
{
    libvchan_set_blocking(c, false);
    for (int i = 0; in->size && i < MAX_OPS; i++)
        one_operation(c, in);
}

static void on_hostile_page(struct input *in)
{
    libvchan_t *server = offer(), *client;
    size_t size = in->size < sizeof(*server->page) ? in->size : sizeof(*server->page);

    memcpy(server->page, in->data, size);
    in->data += size;
    in->size -= size;
    client = join();
    if (client)
        use(client, in);
    libvchan_close(client);
    libvchan_close(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static libvchan_t *server, *client;
    struct input in = {data, size};
    unsigned how = take(&in, 1);

    fake_free_unshared = true;
    if ((how & 3) == 0) {
        on_hostile_page(&in);
        return 0;
    }
    if (!server) {
        server = offer();
        client = join();
        if (!client)
            abort();
        libvchan_wait(server);
    }
    memset(&server->page->left, 0, sizeof(server->page->left));
    memset(&server->page->right, 0, sizeof(server->page->right));
    server->page->cli_live = server->page->srv_live = 1;
    server->dead = client->dead = false;
    use(how & 1 ? server : client, &in);
    return 0;
}
