/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests' scripts need beyond Debian's tools. In dom0: now; wait-key PATH VALUE SECONDS; hypercall N;
 * debug-key K; events DOMID N; grants DOMID N; vchan DOMID N MIB; vchan-serve DOMID. In a domU: key PATH
 * VALUE; serve (the other end of these, for dom0); vchan-peer (both ends at once, with the domain that
 * data/peer names). In both: registers SEED SECONDS (0: for ever; data/registers tells). Results: lines
 * "FIGURE name value"; exit status 0 when data and answers were right.
 */
#define _GNU_SOURCE
#define __XEN_TOOLS__ 1
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <ctype.h>
#include <libxenvchan.h>
#include <xencall.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>
#include <xen/version.h>
#include "registers.h"

#define PAGE   4096
#define GRANTS 32

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int failed(const char *what)
{
    fprintf(stderr, "helper: %s: %s\n", what, strerror(errno));
    return 1;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void median(const char *name, uint64_t *samples, int n)
{
    qsort(samples, (size_t)n, sizeof(*samples), compare);
    printf("FIGURE %s %llu\n", name, (unsigned long long)samples[n / 2]);
}

static struct xs_handle *store(void)
{
    static struct xs_handle *h;

    return h ? h : (h = xs_open(0));
}

/* The value at path once it is `want` (or anything, with NULL); NULL after that many seconds. */
static char *wait_key(const char *path, const char *want, int seconds)
{
    uint64_t end = now() + (uint64_t)seconds * 1000000000u;
    unsigned n;

    for (;;) {
        char *v = xs_read(store(), XBT_NULL, path, &n);

        if (v && *v && (!want || !strcmp(v, want)))
            return v;
        free(v);
        if (now() >= end)
            return NULL;
        usleep(20000);
    }
}

static char *domain_key(int domid, const char *key)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%d/%s", domid, key);
    return wait_key(path, NULL, 60);
}

static int hypercalls(int n)
{
    xencall_handle *x = xencall_open(NULL, 0);
    uint64_t *s = calloc((size_t)n, sizeof(*s));

    if (!x || !s)
        return failed("xencall_open");
    for (int i = 0; i < n; i++) {
        uint64_t t = now();

        if (xencall2(x, __HYPERVISOR_xen_version, XENVER_version, 0) != 0x40011)
            return failed("xen_version");
        s[i] = now() - t;
    }
    median("hypercall_ns", s, n);
    return 0;
}

/* One debug key of the hypervisor, without the tools' start-up cost. */
static int debug_key(const char *key)
{
    xc_interface *x = xc_interface_open(NULL, NULL, 0);

    return !x || xc_send_debug_keys(x, key) ? failed("debug key") : 0;
}

static int event_take(xenevtchn_handle *e)
{
    int p = xenevtchn_pending(e);

    return p < 0 || xenevtchn_unmask(e, (evtchn_port_t)p) < 0 ? -1 : p;
}

static int events(int domid, int n)
{
    xenevtchn_handle *e = xenevtchn_open(NULL, 0);
    char *port = domain_key(domid, "data/port");
    uint64_t *s = calloc((size_t)n, sizeof(*s));
    struct pollfd f;
    int p;

    if (!e || !port || !s ||
        (p = xenevtchn_bind_interdomain(e, (uint32_t)domid, (evtchn_port_t)atoi(port))) < 0)
        return failed("event channel");
    f = (struct pollfd){.fd = xenevtchn_fd(e), .events = POLLIN};
    while (poll(&f, 1, 50) > 0)
        event_take(e); /* a fresh binding fires once */
    for (int i = 0; i < n; i++) {
        uint64_t t = now();

        if (xenevtchn_notify(e, (evtchn_port_t)p) || poll(&f, 1, 10000) <= 0 || event_take(e) != p)
            return failed("event round trip");
        s[i] = now() - t;
    }
    median("event_round_trip_ns", s, n);
    return 0;
}

static int grant_batch(xengnttab_handle *g, int domid, uint32_t *refs, unsigned batch, int n)
{
    uint64_t *m = calloc((size_t)n, sizeof(*m)), *u = calloc((size_t)n, sizeof(*u));
    char name[32];

    for (int i = 0; i < n; i++) {
        uint64_t t = now();
        volatile char *a =
            xengnttab_map_domain_grant_refs(g, batch, (uint32_t)domid, refs, PROT_READ | PROT_WRITE);

        if (!a)
            return failed("grant map");
        m[i] = now() - t;
        for (unsigned j = 0; j < batch; j++) {
            if (a[j * PAGE] != (char)('A' + j % 26))
                return failed("grant: wrong data");
            a[j * PAGE + 1]++;
        }
        t = now();
        if (xengnttab_unmap(g, (void *)(uintptr_t)a, batch))
            return failed("grant unmap");
        u[i] = now() - t;
    }
    snprintf(name, sizeof(name), "grant_map_%u_ns", batch);
    median(name, m, n);
    snprintf(name, sizeof(name), "grant_unmap_%u_ns", batch);
    median(name, u, n);
    return 0;
}

static int grants(int domid, int n)
{
    static char page[PAGE] __attribute__((aligned(PAGE)));
    xengnttab_handle *g = xengnttab_open(NULL, 0);
    char *list = domain_key(domid, "data/grants");
    uint32_t refs[GRANTS];
    unsigned k = 0;
    xengnttab_grant_copy_segment_t c = {.dest.virt = page,
                                        .source.foreign.domid = (uint16_t)domid,
                                        .len = PAGE,
                                        .flags = GNTCOPY_source_gref};

    if (!g || !list)
        return failed("no grants");
    for (char *w = strtok(list, " "); w && k < GRANTS; w = strtok(NULL, " "))
        refs[k++] = (uint32_t)atoi(w);
    if (k != GRANTS || grant_batch(g, domid, refs, 1, n) || grant_batch(g, domid, refs, k, n))
        return 1;
    c.source.foreign.ref = refs[1];
    if (xengnttab_grant_copy(g, 1, &c) || c.status || page[0] != 'B')
        return failed("grant copy");
    return 0;
}

static int all(int (*io)(struct libxenvchan *, void *, size_t), struct libxenvchan *c, void *buf, size_t n)
{
    for (size_t done = 0; done < n;) {
        int r = io(c, (char *)buf + done, n - done);

        if (r < 0)
            return -1;
        done += (size_t)r;
    }
    return 0;
}

static int put(struct libxenvchan *c, void *buf, size_t n)
{
    return libxenvchan_write(c, buf, n);
}

static int get(struct libxenvchan *c, void *buf, size_t n)
{
    return libxenvchan_read(c, buf, n);
}

enum { BULK = 65536, LARGEST_RING = 1 << 20 };
static uint32_t bulk[BULK / 4], expected[BULK / 4];

static void pattern(uint32_t *words, uint32_t seed)
{
    for (uint32_t i = 0; i < BULK / 4; i++)
        words[i] = (seed + i) * 2654435761u;
}

/* Some whole BULKs in one direction; the contents are compared at the far end when `checked`. */
static int stream(struct libxenvchan *c, int send, int checked, uint32_t bytes)
{
    for (uint32_t done = 0; done < bytes; done += BULK) {
        if (checked)
            pattern(send ? bulk : expected, done);
        if (all(send ? put : get, c, bulk, BULK))
            return -1;
        if (checked && !send && memcmp(bulk, expected, BULK))
            return errno = EBADMSG, -1;
    }
    return 0;
}

/* Requests are two numbers: 'e' n: echo n single bytes; 'd' n: take n bytes, then answer one; 'u' n: send n
 * bytes; 'D' and 'U': the same with known contents. */
static void vchan_answer(struct libxenvchan *c)
{
    uint32_t rq[2];

    c->blocking = 1;
    while (!all(get, c, rq, sizeof(rq))) {
        int down = tolower((int)rq[0]) == 'd';

        if (rq[0] == 'e') {
            for (uint32_t i = 0; i < rq[1]; i++)
                if (all(get, c, bulk, 1) || all(put, c, bulk, 1))
                    return;
            continue;
        }
        if (stream(c, !down, isupper((int)rq[0]), rq[1]) || (down && all(put, c, bulk, 1)))
            return;
    }
}

static int vchan_bulk(struct libxenvchan *c, uint32_t op, uint32_t bytes, const char *name)
{
    uint32_t rq[2] = {op, bytes};
    int down = tolower((int)op) == 'd';
    uint64_t t = now();

    if (all(put, c, rq, sizeof(rq)))
        return failed("vchan request");
    if (stream(c, down, isupper((int)op), bytes) || (down && all(get, c, bulk, 1)))
        return failed("vchan data");
    if (name)
        printf("FIGURE %s %.0f\n", name, bytes / 1024.0 / ((double)(now() - t) / 1e9));
    return 0;
}

static int vchan(int domid, int n, int mib)
{
    uint32_t rq[2] = {'e', (uint32_t)n};
    uint64_t *s = calloc((size_t)n, sizeof(*s));
    struct libxenvchan *c;
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%d/data/vchan", domid);
    if (!domain_key(domid, "data/vchan/event-channel") || !(c = libxenvchan_client_init(NULL, domid, path)))
        return failed("vchan client");
    c->blocking = 1;
    if (all(put, c, rq, sizeof(rq)))
        return failed("vchan request");
    for (int i = 0; i < n; i++) {
        uint64_t t = now();
        char out = (char)i, in = 0;

        if (all(put, c, &out, 1) || all(get, c, &in, 1) || in != out)
            return failed("vchan echo");
        s[i] = now() - t;
    }
    median("vchan_round_trip_ns", s, n);
    return vchan_bulk(c, 'd', (uint32_t)mib << 20, "vchan_to_domu_kib_s") ||
           vchan_bulk(c, 'u', (uint32_t)mib << 20, "vchan_from_domu_kib_s") ||
           vchan_bulk(c, 'D', (uint32_t)mib << 20, NULL) || vchan_bulk(c, 'U', (uint32_t)mib << 20, NULL);
}

static int set_key(const char *path, const char *value)
{
    return store() && xs_write(store(), XBT_NULL, path, value, (unsigned)strlen(value)) ? 0 : failed(path);
}

static void serve_events(void)
{
    xenevtchn_handle *e = xenevtchn_open(NULL, 0);
    char text[16];
    int p = e ? xenevtchn_bind_unbound_port(e, 0) : -1;

    snprintf(text, sizeof(text), "%d", p);
    set_key("data/port", text);
    while (p >= 0 && event_take(e) >= 0)
        xenevtchn_notify(e, (evtchn_port_t)p);
    _exit(1);
}

/* One client after the other on this domain's data/vchan, with rings of that many bytes a side. */
static int vchan_serve(int client, size_t ring)
{
    char path[64];
    unsigned n;
    char *id = xs_read(store(), XBT_NULL, "domid", &n);

    snprintf(path, sizeof(path), "/local/domain/%s/data/vchan", id ? id : "0");
    for (;;) {
        struct libxenvchan *c = libxenvchan_server_init(NULL, client, path, ring, ring);

        if (!c)
            return failed("vchan server");
        vchan_answer(c);
        libxenvchan_close(c);
    }
}

/*
 * Server and client at once, with the domain that data/peer names; data/result tells how the client fared.
 * Each process opens the store for itself.
 */
static int vchan_peer(void)
{
    int server = fork() == 0, peer = atoi(wait_key("data/peer", NULL, 600)), rc;

    if (server)
        return vchan_serve(peer, LARGEST_RING);
    wait_key("data/go", "1", 600);
    rc = vchan(peer, 200, 4);
    fflush(stdout);
    return set_key("data/result", rc ? strerror(errno) : "right");
}

static int serve(void)
{
    xengntshr_handle *g = xengntshr_open(NULL, 0);
    uint32_t refs[GRANTS];
    char list[GRANTS * 12] = "", *pages;

    if (fork() == 0)
        serve_events();
    pages = g ? xengntshr_share_pages(g, 0, GRANTS, refs, 1) : NULL;
    if (!pages)
        return failed("share pages");
    for (int i = 0; i < GRANTS; i++) {
        pages[i * PAGE] = (char)('A' + i % 26);
        sprintf(list + strlen(list), "%u ", refs[i]);
    }
    set_key("data/grants", list);
    return vchan_serve(0, BULK);
}

static int tell_registers(const char *text)
{
    return set_key("data/registers", text);
}

int main(int argc, char **argv)
{
    const char *cmd = argc > 1 ? argv[1] : "";
    int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0, rc = 2;

    if (!strcmp(cmd, "now"))
        rc = printf("%llu\n", (unsigned long long)now()) < 0;
    else if (!strcmp(cmd, "wait-key") && argc == 5)
        rc = !wait_key(argv[2], argv[3], atoi(argv[4]));
    else if (!strcmp(cmd, "key") && argc == 4)
        rc = set_key(argv[2], argv[3]);
    else if (!strcmp(cmd, "hypercall"))
        rc = hypercalls(a);
    else if (!strcmp(cmd, "debug-key") && argc == 3)
        rc = debug_key(argv[2]);
    else if (!strcmp(cmd, "events"))
        rc = events(a, b);
    else if (!strcmp(cmd, "grants"))
        rc = grants(a, b);
    else if (!strcmp(cmd, "vchan") && argc == 5)
        rc = vchan(a, b, atoi(argv[4]));
    else if (!strcmp(cmd, "vchan-serve"))
        rc = vchan_serve(a, LARGEST_RING);
    else if (!strcmp(cmd, "vchan-peer"))
        rc = vchan_peer();
    else if (!strcmp(cmd, "registers"))
        rc = registers_hold((unsigned)a, (unsigned)b, tell_registers);
    else if (!strcmp(cmd, "serve"))
        rc = serve();
    fflush(NULL);
    _exit(rc); /* libxenstore's thread may still be reading */
}
