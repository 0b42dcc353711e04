/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions per operation: under QEMU's -icount shift=0 the time-stamp counter counts them. The loop's own
 * cost is taken off. With clock=1 it only tells when its first instruction ran, by the RTC, which starts at
 * midnight.
 */
#include "guest.h"
#include <xen/arch-x86/cpuid.h>

#define ROUNDS 500u
#define BATCH  64u
#define TABLE  (EMPTY_GFN + 0x10)
#define PLACE  (EMPTY_GFN + 0x40)

static uint64_t first_tsc;
static uint32_t port;
static shared_info_t *s;
static struct gnttab_map_grant_ref maps[BATCH];
static struct gnttab_unmap_grant_ref unmaps[BATCH];
static char pages[BATCH][4096] __attribute__((aligned(4096)));

static void op_nothing(void)
{
    __asm__ volatile("");
}

static void op_hypercall(void)
{
    HYPERCALL(xen_version, XENVER_version, 0, 0);
}

static void op_cpuid(void)
{
    uint32_t r[4];

    cpuid(0, 0, r);
}

/* The receiver is this vCPU; what Linux does to take the event is done by hand. */
static void op_send(void)
{
    struct evtchn_send e = {.port = port};

    evtchn(send, &e);
    s->evtchn_pending[port / 64] = 0;
    s->vcpu_info[0].evtchn_pending_sel = 0;
    s->vcpu_info[0].evtchn_upcall_pending = 0;
}

static void op_timer(void)
{
    HYPERCALL(set_timer_op, 1ull << 60, 0, 0);
}

static void op_grants(void)
{
    grant(map_grant_ref, maps, BATCH);
    for (unsigned i = 0; i < BATCH; i++)
        unmaps[i].handle = maps[i].handle;
    grant(unmap_grant_ref, unmaps, BATCH);
}

static uint64_t measure(void (*op)(void), unsigned rounds)
{
    uint64_t t;

    for (unsigned i = 0; i < 8; i++)
        op();
    t = rdtsc();
    for (unsigned i = 0; i < rounds; i++)
        op();
    return (rdtsc() - t) / rounds;
}

static domid_t own_domid(void)
{
    uint32_t r[4];

    cpuid(0x40000004, 0, r);
    return r[0] & XEN_HVM_CPUID_DOMID_PRESENT ? (domid_t)r[2] : 0;
}

static void prepare(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    domid_t self = own_domid();
    volatile grant_entry_v1_t *table = (volatile grant_entry_v1_t *)(TABLE * PAGE_SIZE);

    s = shared_info_map();
    evtchn(bind_ipi, &b);
    port = b.port;
    check(physmap(XENMAPSPACE_grant_table, 0, TABLE) == 0, "the grant table is there");
    for (unsigned i = 0; i < BATCH; i++) {
        table[16 + i].domid = self;
        table[16 + i].frame = (uint32_t)((uintptr_t)pages[i] >> 12);
        table[16 + i].flags = GTF_permit_access;
        maps[i] = (struct gnttab_map_grant_ref){
            .host_addr = (PLACE + i) << 12, .flags = GNTMAP_host_map, .ref = 16 + i, .dom = self};
        unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = (PLACE + i) << 12};
    }
}

static unsigned rtc(uint8_t reg)
{
    uint8_t v;

    outb(0x70, reg);
    v = inb(0x71);
    return (v >> 4) * 10u + (v & 15u);
}

/* Nanoseconds from power-on to the first instruction: wait for the next full second and go back by the TSC.
 */
static void tell_start(void)
{
    unsigned second = rtc(0);
    uint64_t khz, at;
    uint32_t r[4];

    cpuid(0x40000003, 0, r);
    khz = r[2];
    while (rtc(0) == second)
        ;
    at = (rtc(4) * 3600ull + rtc(2) * 60ull + rtc(0)) * 1000000000ull;
    at -= (rdtsc() - first_tsc) * 1000000 / khz;
    print("FIGURE first_instruction_ns %lu\n", at);
}

void guest_main(void)
{
    uint64_t loop, pair;

    first_tsc = rdtsc();
    if (word_number("clock", 0)) {
        tell_start();
        return;
    }
    prepare();
    loop = measure(op_nothing, ROUNDS);
    print("FIGURE hypercall %lu\n", measure(op_hypercall, ROUNDS) - loop);
    print("FIGURE cpuid %lu\n", measure(op_cpuid, ROUNDS) - loop);
    print("FIGURE evtchn_send %lu\n", measure(op_send, ROUNDS) - loop);
    print("FIGURE set_timer %lu\n", measure(op_timer, ROUNDS) - loop);
    HYPERCALL(set_timer_op, 0, 0, 0);
    pair = measure(op_grants, 50) / BATCH;
    /* stock Xen moves a frame that its own domain maps, and then refuses it */
    if (!maps[0].status && !unmaps[BATCH - 1].status)
        print("FIGURE grant_pair %lu\n", pair);
}
