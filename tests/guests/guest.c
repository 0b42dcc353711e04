/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The micro-kernels' common part: start, traps, output, a few calls that most programs need. */
#include "guest.h"
#include <stdarg.h>

#define GATE_INTERRUPT 0x8e00ull
#define GATE_USER      0xee00ull

const struct hvm_start_info *start_info;
hypercall_entry hypercall_entered;
uint64_t trap_error, random_seed;
volatile unsigned upcalls, nmis;
volatile bool upcall_needs_eoi;
static unsigned tests_run, tests_failed;
static shared_info_t *shared;
static struct xencons_interface *ring;
static uint32_t ring_port;

long hypercall_amd(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
                   unsigned long e);
long hypercall_intel(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
                     unsigned long e);
void guest_start(uint32_t info);
void trap(struct trap_frame *f);
void try_abort(int vector) __attribute__((noreturn));
void user_return(void);
extern char trap_stubs[], tss[];
extern uint64_t gdt[], try_stack;
extern uint32_t hypercall_is_vmcall;

void *memset(void *p, int c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile char *)p)[i] = (char)c;
    return p;
}

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile char *)d)[i] = ((const char *)s)[i];
    return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

static void ring_write(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (ring->out_prod - ring->out_cons >= sizeof(ring->out))
            HYPERCALL(sched_op, SCHEDOP_yield, 0, 0);
        ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = s[i];
        __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
    }
    evtchn(send, &(struct evtchn_send){.port = ring_port});
}

static void output(const char *s, size_t n)
{
    if (ring)
        ring_write(s, n);
    else
        HYPERCALL(console_io, CONSOLEIO_write, n, s);
}

struct text {
    char s[256];
    size_t n;
};

static void put(struct text *t, char c)
{
    if (t->n < sizeof(t->s))
        t->s[t->n++] = c;
}

static void put_number(struct text *t, uint64_t v, unsigned base)
{
    char digits[20];
    int n = 0;

    do
        digits[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (n)
        put(t, digits[--n]);
}

static void format(struct text *t, const char *fmt, va_list ap)
{
    for (; *fmt; fmt++) {
        unsigned longs = 0;

        if (*fmt != '%') {
            put(t, *fmt);
            continue;
        }
        while (*++fmt == 'l')
            longs++;
        if (*fmt == 's') {
            for (const char *s = va_arg(ap, const char *); *s; s++)
                put(t, *s);
        } else if (*fmt == 'c') {
            put(t, (char)va_arg(ap, int));
        } else if (*fmt == 'd') {
            int64_t v = longs ? va_arg(ap, int64_t) : va_arg(ap, int);

            if (v < 0)
                put(t, '-');
            put_number(t, v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
        } else {
            put_number(t, longs ? va_arg(ap, uint64_t) : va_arg(ap, unsigned), *fmt == 'x' ? 16 : 10);
        }
    }
}

void print(const char *fmt, ...)
{
    struct text t = {.n = 0};
    va_list ap;

    va_start(ap, fmt);
    format(&t, fmt, ap);
    va_end(ap);
    output(t.s, t.n);
}

static void result(bool ok, struct text *what)
{
    struct text t = {.n = 0};

    tests_failed += !ok;
    for (const char *s = ok ? "ok " : "not ok "; *s; s++)
        put(&t, *s);
    put_number(&t, ++tests_run, 10);
    for (const char *s = " - "; *s; s++)
        put(&t, *s);
    for (size_t i = 0; i < what->n; i++)
        put(&t, what->s[i]);
    put(&t, '\n');
    output(t.s, t.n);
}

void check(bool ok, const char *fmt, ...)
{
    struct text t = {.n = 0};
    va_list ap;

    va_start(ap, fmt);
    format(&t, fmt, ap);
    va_end(ap);
    result(ok, &t);
}

void expect(long got, long want, const char *what)
{
    check(got == want, "%s", what);
    if (got != want)
        print("# got %ld, wanted %ld\n", got, want);
}

void guest_end(void)
{
    print("1..%u\nguest: end, %u failed\n", tests_run, tests_failed);
    if (is_dom0())
        outw(0x604, 0x2000); /* ACPI soft-off of QEMU's machines: PM1a control, S5 */
    sched(shutdown, &(struct sched_shutdown){.reason = tests_failed ? SHUTDOWN_crash : SHUTDOWN_poweroff});
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void upcall(void)
{
    upcalls++;
    if (shared)
        __atomic_store_n(&shared->vcpu_info[0].evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    if (upcall_needs_eoi)
        wrmsr(0x80b, 0);
}

void trap(struct trap_frame *f)
{
    uint64_t cr2;

    if (f->vector == UPCALL_VECTOR) {
        upcall();
        return;
    }
    if (f->vector == 2) {
        nmis++;
        return;
    }
    if (f->vector == 0x80) {
        f->rip = (uint64_t)user_return;
        f->cs = 8;
        f->ss = 0x10;
        f->rsp = *(uint64_t *)(tss + 4);
        f->rflags = 2;
        return;
    }
    trap_error = f->error;
    if (try_stack)
        try_abort((int)f->vector);
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    check(false, "trap %lu error %lx at %lx cr2 %lx rsp %lx", f->vector, f->error, f->rip, cr2, f->rsp);
    guest_end();
}

static void traps_init(void)
{
    static uint64_t idt[256][2];
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) p = {sizeof(idt) - 1, (uint64_t)idt};
    uint64_t t = (uint64_t)tss;

    for (unsigned i = 0; i < 256; i++) {
        uint64_t a = (uint64_t)trap_stubs + i * 16, type = i == 3 || i == 0x80 ? GATE_USER : GATE_INTERRUPT;

        idt[i][0] = (a & 0xffff) | 8 << 16 | type << 32 | (a >> 16 & 0xffff) << 48;
        idt[i][1] = a >> 32;
    }
    __asm__ volatile("lidt %0" ::"m"(p));
    gdt[5] = 0x0000890000000067ull | (t & 0xffffff) << 16 | (t >> 24 & 0xff) << 56;
    __asm__ volatile("ltr %w0" ::"r"(0x28));
}

static uint64_t hvm_param(uint32_t index)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = index};

    return hvm(get_param, &p) ? 0 : p.value;
}

static void console_init(void)
{
    if (is_dom0())
        return;
    ring = (struct xencons_interface *)(hvm_param(HVM_PARAM_CONSOLE_PFN) * PAGE_SIZE);
    ring_port = (uint32_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
}

static void vendor_init(void)
{
    uint32_t r[4];

    cpuid(0, 0, r);
    hypercall_is_vmcall = r[1] == 0x756e6547; /* "Genu" */
    hypercall_entered = hypercall_is_vmcall ? hypercall_intel : hypercall_amd;
}

void guest_start(uint32_t info)
{
    start_info = (const struct hvm_start_info *)(uintptr_t)info;
    vendor_init();
    traps_init();
    console_init();
    random_seed = word_number("seed", rdtsc());
    guest_main();
    guest_end();
}

uint64_t word_number(const char *name, uint64_t fallback)
{
    const char *line = (const char *)start_info->cmdline_paddr;

    for (; line && *line; line++) {
        size_t n = 0;
        uint64_t v = 0;

        while (name[n] && line[n] == name[n])
            n++;
        if (name[n] || line[n] != '=')
            continue;
        for (line += n + 1; *line >= '0' && *line <= '9'; line++)
            v = v * 10 + (uint64_t)(*line - '0');
        return v;
    }
    return fallback;
}

long physmap(unsigned space, unsigned long idx, unsigned long gfn)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = space, .idx = idx, .gpfn = gfn};

    return memory(add_to_physmap, &a);
}

shared_info_t *shared_info_map(void)
{
    if (!shared && !physmap(XENMAPSPACE_shared_info, 0, EMPTY_GFN))
        shared = (shared_info_t *)(EMPTY_GFN * PAGE_SIZE);
    return shared;
}

int callback_vector_set(uint64_t value)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = value};

    return (int)hvm(set_param, &p);
}

unsigned long free_pages(void)
{
    static struct xen_sysctl s;

    s = (struct xen_sysctl){.cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    return HYPERCALL(sysctl, &s, 0, 0) ? 0 : s.u.physinfo.free_pages;
}

/* xorshift64* */
uint64_t random64(void)
{
    random_seed = random_seed ? random_seed : 1;
    random_seed ^= random_seed >> 12;
    random_seed ^= random_seed << 25;
    random_seed ^= random_seed >> 27;
    return random_seed * 0x2545f4914f6cdd1dull;
}
