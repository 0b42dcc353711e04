/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen's libraries as far as libvchan-xen uses them, for several "domains" in one process: grants are ordinary
 * memory, event channels are eventfds, xenstore is a table. $VCHAN_DOMAIN at the time of opening says whose
 * handle it is.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "fake_xen.h"
#include "xen_internal.h"

enum { MAX = 4096 };

bool fake_peer_bound = true;
bool fake_domain_exists = true;
unsigned fake_transactions;
bool fake_free_unshared;

static int current(void)
{
    const char *text = getenv("VCHAN_DOMAIN");

    return text ? atoi(text) : 0;
}

/* ---- event channels: one port a handle ---- */

struct xenevtchn_handle {
    int domain, fd;
    evtchn_port_t port, peer; /* 0: none */
};

static xenevtchn_handle *ports[MAX];

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    xenevtchn_handle *h = calloc(1, sizeof(*h));

    (void)logger;
    (void)flags;
    h->domain = current();
    h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return h;
}

static evtchn_port_t new_port(xenevtchn_handle *h)
{
    evtchn_port_t port = 1;

    while (ports[port])
        port++;
    ports[port] = h;
    h->port = port;
    return port;
}

static void raise_event(xenevtchn_handle *h)
{
    uint64_t one = 1;

    if (h && write(h->fd, &one, sizeof(one)) < 0)
        abort();
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
    if (h->peer && ports[h->peer])
        ports[h->peer]->peer = 0;
    ports[port] = NULL;
    h->port = h->peer = 0;
    return 0;
}

int xenevtchn_close(xenevtchn_handle *h)
{
    if (h->port)
        xenevtchn_unbind(h, h->port);
    close(h->fd);
    free(h);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
    return h->fd;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
    (void)port;
    if (h->peer)
        raise_event(ports[h->peer]);
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *h, uint32_t domid)
{
    (void)domid;
    return (xenevtchn_port_or_error_t)new_port(h);
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t domid,
                                                     evtchn_port_t remote)
{
    if (remote >= MAX || !ports[remote] || ports[remote]->domain != (int)domid || ports[remote]->peer) {
        errno = EINVAL;
        return -1;
    }
    new_port(h);
    h->peer = remote;
    ports[remote]->peer = h->port;
    raise_event(h); /* as Xen does */
    return (xenevtchn_port_or_error_t)h->port;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
    uint64_t count;

    if (read(h->fd, &count, sizeof(count)) < 0)
        return -1;
    return (xenevtchn_port_or_error_t)h->port;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
    (void)h;
    (void)port;
    return 0;
}

struct xencall_handle *xen_status_open(void)
{
    return NULL;
}

void xen_status_close(struct xencall_handle *call)
{
    (void)call;
}

bool xen_status_bound(struct xencall_handle *call, evtchn_port_t port)
{
    (void)call;
    (void)port;
    return fake_peer_bound;
}

/* ---- grants: pages stay till the end of the test, unless it says otherwise ---- */

static void *grants[MAX];

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return malloc(1);
}

int xengntshr_close(xengntshr_handle *h)
{
    free(h);
    return 0;
}

void *xengntshr_share_pages(xengntshr_handle *h, uint32_t domid, int count, uint32_t *refs, int writable)
{
    char *pages = aligned_alloc(4096, (size_t)count * 4096);

    (void)h;
    (void)domid;
    (void)writable;
    for (int i = 0, ref = 1; i < count; i++) {
        while (grants[ref])
            ref++;
        refs[i] = (uint32_t)ref;
        grants[ref] = pages + i * 4096;
    }
    return pages;
}

void *xengntshr_share_page_notify(xengntshr_handle *h, uint32_t domid, uint32_t *ref, int writable,
                                  uint32_t offset, evtchn_port_t port)
{
    (void)offset;
    (void)port;
    return xengntshr_share_pages(h, domid, 1, ref, writable);
}

int xengntshr_unshare(xengntshr_handle *h, void *start, uint32_t count)
{
    (void)h;
    if (!fake_free_unshared)
        return 0;
    for (int ref = 0; ref < MAX; ref++)
        if ((char *)grants[ref] >= (char *)start && (char *)grants[ref] < (char *)start + count * 4096)
            grants[ref] = NULL;
    free(start);
    return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return malloc(1);
}

int xengnttab_close(xengnttab_handle *h)
{
    free(h);
    return 0;
}

/* The pages of one ring are one piece of memory here. */
void *xengnttab_map_domain_grant_refs(xengnttab_handle *h, uint32_t count, uint32_t domid, uint32_t *refs,
                                      int prot)
{
    (void)h;
    (void)domid;
    (void)prot;
    for (uint32_t i = 0; i < count; i++)
        if (refs[i] >= MAX || !grants[refs[i]] || grants[refs[i]] != (char *)grants[refs[0]] + i * 4096) {
            errno = EINVAL;
            return NULL;
        }
    return grants[refs[0]];
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *h, uint32_t domid, uint32_t ref, int prot,
                                     uint32_t offset, evtchn_port_t port)
{
    (void)offset;
    (void)port;
    return xengnttab_map_domain_grant_refs(h, 1, domid, &ref, prot);
}

int xengnttab_unmap(xengnttab_handle *h, void *start, uint32_t count)
{
    (void)h;
    (void)start;
    (void)count;
    return 0;
}

/* ---- xenstore ---- */

struct node {
    char path[128], value[32];
    int reader; /* besides the owner; -1: not yet set */
};

struct xs_handle {
    int domain, fd;
    char watches[8][128];
    int watch_count, events;
};

static struct node nodes[256];
static struct xs_handle *handles[64];

static void absolute(struct xs_handle *h, const char *path, char *full)
{
    if (*path == '/' || *path == '@')
        snprintf(full, 128, "%s", path);
    else
        snprintf(full, 128, "/local/domain/%d/%s", h->domain, path);
}

static struct node *find(const char *full)
{
    for (struct node *n = nodes; n < nodes + 256; n++)
        if (n->path[0] && strcmp(n->path, full) == 0)
            return n;
    return NULL;
}

static void fire(const char *full)
{
    for (int i = 0; i < 64; i++)
        for (int w = 0; handles[i] && w < handles[i]->watch_count; w++)
            if (strcmp(handles[i]->watches[w], full) == 0) {
                uint64_t one = 1;

                handles[i]->events++;
                if (write(handles[i]->fd, &one, sizeof(one)) < 0)
                    abort();
            }
}

struct xs_handle *xs_open(unsigned long flags)
{
    struct xs_handle *h = calloc(1, sizeof(*h));

    (void)flags;
    h->domain = current();
    h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    for (int i = 0; i < 64; i++)
        if (!handles[i]) {
            handles[i] = h;
            return h;
        }
    abort();
}

void xs_close(struct xs_handle *h)
{
    for (int i = 0; i < 64; i++)
        if (handles[i] == h)
            handles[i] = NULL;
    close(h->fd);
    free(h);
}

static int owner(const char *full)
{
    int domain = -1;

    return sscanf(full, "/local/domain/%d", &domain) == 1 ? domain : -1;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
    char full[128], own[16];
    struct node *n;

    fake_transactions += t != XBT_NULL;
    absolute(h, path, full);
    snprintf(own, sizeof(own), "%d", h->domain);
    *len = (unsigned)strlen(own);
    if (strcmp(path, "domid") == 0)
        return strdup(own);
    n = find(full);
    if (!n) {
        errno = fake_domain_exists ? EACCES : ENOENT;
        return NULL;
    }
    if (owner(full) != h->domain && n->reader != h->domain) {
        errno = EACCES;
        return NULL;
    }
    *len = (unsigned)strlen(n->value);
    return strdup(n->value);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data, unsigned len)
{
    char full[128];
    struct node *n;

    fake_transactions += t != XBT_NULL;
    absolute(h, path, full);
    n = find(full);
    for (struct node *free_node = nodes; !n; free_node++)
        if (!free_node->path[0])
            n = free_node;
    snprintf(n->path, sizeof(n->path), "%s", full);
    snprintf(n->value, sizeof(n->value), "%.*s", (int)len, (const char *)data);
    n->reader = -1;
    fire(full);
    return true;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path, struct xs_permissions *p,
                        unsigned count)
{
    char full[128];
    struct node *n;

    fake_transactions += t != XBT_NULL;
    absolute(h, path, full);
    n = find(full);
    if (!n || count != 2 || p[0].id != (unsigned)h->domain || p[0].perms != XS_PERM_NONE ||
        p[1].perms != XS_PERM_READ)
        abort();
    n->reader = (int)p[1].id;
    fire(full);
    return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    char full[128];

    fake_transactions += t != XBT_NULL;
    absolute(h, path, full);
    for (struct node *n = nodes; n < nodes + 256; n++)
        if (n->path[0] && strncmp(n->path, full, strlen(full)) == 0 &&
            (n->path[strlen(full)] == '/' || !n->path[strlen(full)]))
            n->path[0] = 0;
    return true;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    uint64_t one = 1;

    (void)token;
    absolute(h, path, h->watches[h->watch_count++]);
    h->events++; /* the first event comes at once */
    return write(h->fd, &one, sizeof(one)) > 0;
}

char **xs_check_watch(struct xs_handle *h)
{
    uint64_t one;

    if (!h->events)
        return NULL;
    h->events--;
    if (read(h->fd, &one, sizeof(one)) < 0)
        abort();
    return malloc(sizeof(char *));
}

char **xs_read_watch(struct xs_handle *h, unsigned *count)
{
    (void)count;
    return xs_check_watch(h);
}

int xs_fileno(struct xs_handle *h)
{
    return h->fd;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned domid)
{
    (void)h;
    (void)domid;
    return fake_domain_exists;
}

unsigned fake_xenstore_nodes(void)
{
    unsigned count = 0;

    for (struct node *n = nodes; n < nodes + 256; n++)
        count += n->path[0] != 0;
    return count;
}
