/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvchan on Xen: making, finding and ending channels. A server shares pages and writes two keys below
 * data/vchan/<client>/<port> of its own domain; the client watches the second one. No xenstore transaction is
 * used: ring-ref is complete before event-channel appears, and the number of channels is not limited by
 * xenstored's quota of transactions.
 *
 * The descriptor for poll() is an epoll set of the event channel and a slow timer, by which the death of the
 * peer's domain is noticed: Xen sends no event for that.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "xen_internal.h"

#define PAGE          4096u
#define SMALL_ORDER   10 /* rings inside the shared page, made by other implementations */
#define LARGE_ORDER   11
#define PAGE_ORDER    12
#define MAX_ORDER     20
#define CHECK_SECONDS 5

static void report(const libvchan_t *c, const char *what)
{
    int saved = errno;

    fprintf(stderr, "libvchan: %s domain %d port %d: %s: %s\n", c->server ? "server for" : "client of",
            c->domain, c->port, what, strerror(saved));
    errno = saved;
}

static uint16_t ring_order(size_t wanted)
{
    uint16_t order = PAGE_ORDER;

    while (order < MAX_ORDER && ((size_t)1 << order) < wanted)
        order++;
    return order;
}

static int watch_fd(const libvchan_t *c, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return fd < 0 ? -1 : epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int start_timer(libvchan_t *c)
{
    struct itimerspec every = {{.tv_sec = CHECK_SECONDS}, {.tv_sec = CHECK_SECONDS}};

    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return c->timer < 0 || timerfd_settime(c->timer, 0, &every, NULL) < 0 ? -1 : watch_fd(c, c->timer);
}

/* dom0's key may be missing: then we are dom0. */
static int own_domain(struct xs_handle *xs)
{
    unsigned len;
    char *text = xs_read(xs, XBT_NULL, "domid", &len);
    int own = text ? atoi(text) : 0;

    free(text);
    return own;
}

static libvchan_t *channel_new(bool server, int domain, int port)
{
    libvchan_t *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->server = server;
    c->domain = domain;
    c->port = port;
    c->blocking = true;
    c->timer = -1;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->evtchn = c->epoll < 0 ? NULL : xenevtchn_open(NULL, 0);
    if (!c->evtchn)
        report(c, "cannot open the event channel device");
    c->xs = c->evtchn ? xs_open(0) : NULL;
    if (c->evtchn && !c->xs)
        report(c, "cannot connect to xenstore");
    if (c->xs) {
        c->call = xen_status_open();
        c->own = own_domain(c->xs);
        return c;
    }
    libvchan_close(c);
    return NULL;
}

/* ---- server ---- */

static int share_ring(libvchan_t *c, struct ring *r, uint16_t order, struct ring_shared *shared,
                      uint32_t *refs)
{
    r->pages = 1u << (order - PAGE_ORDER);
    r->size = 1u << order;
    r->shared = shared;
    r->data = xengntshr_share_pages(c->gntshr, (uint32_t)c->domain, (int)r->pages, refs, 1);
    return r->data ? 0 : -1;
}

static int share_pages(libvchan_t *c, size_t read_min, size_t write_min)
{
    uint16_t read_order = ring_order(read_min), write_order = ring_order(write_min);

    c->gntshr = xengntshr_open(NULL, 0);
    if (!c->gntshr) {
        report(c, "cannot open the grant allocation device");
        return -1;
    }
    c->page = xengntshr_share_page_notify(c->gntshr, (uint32_t)c->domain, &c->page_ref, 1,
                                          offsetof(struct vchan_interface, srv_live), c->evtchn_port);
    if (!c->page)
        goto fail;
    memset(c->page, 0, PAGE);
    c->page->left_order = read_order;
    c->page->right_order = write_order;
    c->page->cli_live = VCHAN_WAITING;
    c->page->srv_live = VCHAN_CONNECTED;
    c->page->cli_notify = VCHAN_NOTIFY_WRITE;
    if (share_ring(c, &c->read, read_order, &c->page->left, c->page->grants) < 0 ||
        share_ring(c, &c->write, write_order, &c->page->right, c->page->grants + c->read.pages) < 0)
        goto fail;
    return 0;
fail:
    report(c, "cannot share pages (xen_gntalloc's limit?)");
    return -1;
}

/* Write one key that only the client may read besides us. */
static int write_key(libvchan_t *c, const char *name, uint32_t value)
{
    struct xs_permissions permissions[2] = {{.id = (unsigned)c->own, .perms = XS_PERM_NONE},
                                            {.id = (unsigned)c->domain, .perms = XS_PERM_READ}};
    char path[128], text[16];

    snprintf(path, sizeof(path), "%s/%s", c->path, name);
    snprintf(text, sizeof(text), "%u", value);
    if (xs_write(c->xs, XBT_NULL, path, text, (unsigned)strlen(text)) &&
        xs_set_permissions(c->xs, XBT_NULL, path, permissions, 2))
        return 0;
    report(c, path);
    return -1;
}

/* The order matters: when event-channel can be read, ring-ref can. */
static int publish(libvchan_t *c)
{
    snprintf(c->path, sizeof(c->path), "data/vchan/%d/%d", c->domain, c->port);
    xs_rm(c->xs, XBT_NULL, c->path); /* left by a server that was killed */
    return write_key(c, "ring-ref", c->page_ref) < 0 ? -1 : write_key(c, "event-channel", c->evtchn_port);
}

/* The client has what it needs; take the keys away unless they are already another server's. */
static void unpublish(libvchan_t *c)
{
    char path[128], *value;
    unsigned len;

    if (!c->xs)
        return;
    snprintf(path, sizeof(path), "%s/event-channel", c->path);
    value = xs_read(c->xs, XBT_NULL, path, &len);
    if (value && (evtchn_port_t)strtoul(value, NULL, 10) == c->evtchn_port)
        xs_rm(c->xs, XBT_NULL, c->path);
    free(value);
    xs_close(c->xs);
    c->xs = NULL;
}

libvchan_t *libvchan_server_init(int domain, int port, size_t read_min, size_t write_min)
{
    libvchan_t *c = channel_new(true, domain, port);
    xenevtchn_port_or_error_t local;

    if (!c)
        return NULL;
    local = xenevtchn_bind_unbound_port(c->evtchn, (uint32_t)domain);
    if (local < 0) {
        report(c, "cannot make an event channel");
        goto fail;
    }
    c->evtchn_port = (evtchn_port_t)local;
    if (share_pages(c, read_min, write_min) < 0 || publish(c) < 0)
        goto fail;
    if (watch_fd(c, xenevtchn_fd(c->evtchn)) == 0 && start_timer(c) == 0)
        return c;
fail:
    libvchan_close(c);
    return NULL;
}

/* ---- client ---- */

/* In-page rings come from other implementations; only one of the two can have each place. */
static bool orders_valid(uint16_t left, uint16_t right)
{
    uint16_t both[2] = {left, right};

    for (int i = 0; i < 2; i++)
        if (both[i] < SMALL_ORDER || both[i] > MAX_ORDER)
            return false;
    return left >= PAGE_ORDER || left != right;
}

static int map_ring(libvchan_t *c, struct ring *r, uint16_t order, struct ring_shared *shared,
                    const uint32_t *refs)
{
    r->shared = shared;
    r->size = 1u << order;
    r->pages = order >= PAGE_ORDER ? 1u << (order - PAGE_ORDER) : 0;
    if (r->pages)
        r->data = xengnttab_map_domain_grant_refs(c->gnttab, r->pages, (uint32_t)c->domain, (uint32_t *)refs,
                                                  PROT_READ | PROT_WRITE);
    else
        r->data = (uint8_t *)c->page + r->size;
    return r->data ? 0 : -1;
}

static int map_rings(libvchan_t *c)
{
    uint16_t left = __atomic_load_n(&c->page->left_order, __ATOMIC_ACQUIRE);
    uint16_t right = __atomic_load_n(&c->page->right_order, __ATOMIC_ACQUIRE);
    uint32_t refs[2u << (MAX_ORDER - PAGE_ORDER)];
    uint32_t left_pages;

    if (!orders_valid(left, right)) {
        errno = EPROTO;
        return -1;
    }
    left_pages = left >= PAGE_ORDER ? 1u << (left - PAGE_ORDER) : 0;
    memcpy(refs, c->page->grants, sizeof(refs)); /* the page has room for the most */
    if (map_ring(c, &c->write, left, &c->page->left, refs) < 0)
        return -1;
    return map_ring(c, &c->read, right, &c->page->right, refs + left_pages);
}

static void unmap_client(libvchan_t *c)
{
    if (c->read.data && c->read.pages)
        xengnttab_unmap(c->gnttab, c->read.data, c->read.pages);
    if (c->write.data && c->write.pages)
        xengnttab_unmap(c->gnttab, c->write.data, c->write.pages);
    if (c->page)
        xengnttab_unmap(c->gnttab, c->page, 1);
    c->page = NULL;
    c->read.data = c->write.data = NULL;
}

/* Take the server's pages; fails without harm for keys of a server that is gone. */
static int attach(libvchan_t *c, uint32_t ref, uint32_t remote_port)
{
    xenevtchn_port_or_error_t local = xenevtchn_bind_interdomain(c->evtchn, (uint32_t)c->domain, remote_port);

    if (local < 0)
        return -1;
    c->evtchn_port = (evtchn_port_t)local;
    c->page = xengnttab_map_grant_ref_notify(c->gnttab, (uint32_t)c->domain, ref, PROT_READ | PROT_WRITE,
                                             offsetof(struct vchan_interface, cli_live), c->evtchn_port);
    if (!c->page || map_rings(c) < 0) {
        int saved = errno;

        unmap_client(c);
        xenevtchn_unbind(c->evtchn, c->evtchn_port);
        errno = saved;
        return -1;
    }
    c->page->srv_notify = VCHAN_NOTIFY_WRITE;
    __atomic_store_n(&c->page->cli_live, VCHAN_CONNECTED, __ATOMIC_SEQ_CST);
    xenevtchn_notify(c->evtchn, c->evtchn_port);
    return 0;
}

static bool read_number(libvchan_t *c, const char *name, uint32_t *number)
{
    char path[128], *text, *end;
    unsigned len;

    snprintf(path, sizeof(path), "%s/%s", c->path, name);
    text = xs_read(c->xs, XBT_NULL, path, &len);
    if (!text)
        return false;
    *number = (uint32_t)strtoul(text, &end, 10);
    len = (unsigned)(end - text);
    free(text);
    return len > 0;
}

/* dom0 asks xenstored itself, which knows of a death before the domain's folder is removed. */
static bool domain_exists(libvchan_t *c)
{
    char path[48], *value;
    unsigned len;

    if (c->own == 0)
        return xs_is_domain_introduced(c->xs, (unsigned)c->domain);
    snprintf(path, sizeof(path), "/local/domain/%d", c->domain);
    value = xs_read(c->xs, XBT_NULL, path, &len);
    free(value);
    return value || errno != ENOENT;
}

/* Our own number may have changed (restore): the path and its watch are made anew then. */
static int watch_keys(libvchan_t *c)
{
    char path[96], key[128];

    c->own = own_domain(c->xs);
    snprintf(path, sizeof(path), "/local/domain/%d/data/vchan/%d/%d", c->domain, c->own, c->port);
    if (strcmp(path, c->path) == 0)
        return 0;
    snprintf(c->path, sizeof(c->path), "%s", path);
    snprintf(key, sizeof(key), "%s/event-channel", path);
    if (xs_watch(c->xs, key, "keys"))
        return 0;
    report(c, "cannot watch xenstore");
    return -1;
}

libvchan_t *libvchan_client_init_async(int domain, int port, EVTCHN *fd)
{
    libvchan_t *c = channel_new(false, domain, port);

    if (!c)
        return NULL;
    c->gnttab = xengnttab_open(NULL, 0);
    if (!c->gnttab)
        report(c, "cannot open the grant table device");
    if (!c->gnttab || !xs_watch(c->xs, "domid", "domid") || watch_keys(c) < 0) {
        libvchan_close(c);
        return NULL;
    }
    xs_watch(c->xs, "@releaseDomain", "release"); /* only dom0 may */
    *fd = xs_fileno(c->xs);
    return c;
}

/* 0 connected, 1 not yet, -1 failed. */
static int try_connect(libvchan_t *c)
{
    uint32_t ref, port;

    if (watch_keys(c) < 0)
        return -1;
    if (read_number(c, "event-channel", &port) && read_number(c, "ring-ref", &ref)) {
        if (attach(c, ref, port) == 0)
            return 0;
        report(c, "cannot use the server's pages, waiting for others");
    }
    return domain_exists(c) ? 1 : -1;
}

int libvchan_client_init_async_finish(libvchan_t *c, bool blocking)
{
    int state;

    if (c->connected)
        return 0;
    for (;;) {
        char **event;

        while ((event = xs_check_watch(c->xs)))
            free(event);
        state = try_connect(c);
        if (state != 1 || !blocking)
            break;
        event = xs_read_watch(c->xs, &(unsigned){0});
        if (!event)
            return -1;
        free(event);
    }
    if (state)
        return state;
    c->connected = true;
    xs_close(c->xs);
    c->xs = NULL;
    return watch_fd(c, xenevtchn_fd(c->evtchn)) < 0 || start_timer(c) < 0 ? -1 : 0;
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

/* ---- both ---- */

int libvchan_is_open(libvchan_t *c)
{
    uint8_t live;

    if (c->dead || !c->page)
        return VCHAN_DISCONNECTED;
    live = __atomic_load_n(c->server ? &c->page->cli_live : &c->page->srv_live, __ATOMIC_ACQUIRE);
    if (c->server && live == VCHAN_WAITING && !c->connected)
        return VCHAN_WAITING;
    return live == VCHAN_CONNECTED ? VCHAN_CONNECTED : VCHAN_DISCONNECTED;
}

static void check_peer(libvchan_t *c)
{
    uint64_t ticks;

    if (read(c->timer, &ticks, sizeof(ticks)) < 0)
        return;
    if (c->connected ? !xen_status_bound(c->call, c->evtchn_port) : c->server && c->xs && !domain_exists(c))
        c->dead = true;
}

static int take_event(libvchan_t *c)
{
    xenevtchn_port_or_error_t port = xenevtchn_pending(c->evtchn);

    if (port < 0 || xenevtchn_unmask(c->evtchn, (evtchn_port_t)port) < 0)
        return -1;
    if (c->server && !c->connected && libvchan_is_open(c) != VCHAN_WAITING) {
        c->connected = true;
        unpublish(c);
    }
    return 0;
}

int libvchan_wait(libvchan_t *c)
{
    struct epoll_event events[2];
    int n, ret = 0;

    do
        n = epoll_wait(c->epoll, events, 2, -1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (events[i].data.fd == c->timer)
            check_peer(c);
        else
            ret = take_event(c);
    }
    return ret;
}

static void leave_page(libvchan_t *c)
{
    if (!c->page)
        return;
    __atomic_store_n(c->server ? &c->page->srv_live : &c->page->cli_live, VCHAN_DISCONNECTED,
                     __ATOMIC_SEQ_CST);
    xenevtchn_notify(c->evtchn, c->evtchn_port);
}

static void unshare_server(libvchan_t *c)
{
    if (c->read.data)
        xengntshr_unshare(c->gntshr, c->read.data, c->read.pages);
    if (c->write.data)
        xengntshr_unshare(c->gntshr, c->write.data, c->write.pages);
    if (c->page)
        xengntshr_unshare(c->gntshr, c->page, 1);
}

/* Unmapping and closing copies tells the peer nothing while another process has them. */
void libvchan_forget(libvchan_t *c)
{
    if (!c)
        return;
    if (c->gnttab) {
        unmap_client(c);
        xengnttab_close(c->gnttab);
    }
    if (c->gntshr) {
        unshare_server(c);
        xengntshr_close(c->gntshr);
    }
    xen_status_close(c->call);
    if (c->evtchn)
        xenevtchn_close(c->evtchn);
    if (c->timer >= 0)
        close(c->timer);
    if (c->epoll >= 0)
        close(c->epoll);
    free(c);
}

void libvchan_close(libvchan_t *c)
{
    if (!c)
        return;
    leave_page(c);
    if (c->server)
        unpublish(c);
    else if (c->xs)
        xs_close(c->xs);
    libvchan_forget(c);
}
