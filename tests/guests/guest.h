/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a micro-kernel of these tests has: one vCPU in long mode, 4 GiB mapped one to one, interrupts off,
 * traps caught, hypercalls, and results printed as TAP lines. A program defines guest_main() and is linked
 * with guest.c and start.S; the same image boots as dom0 and as domU.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define PAGE_SIZE     4096ul
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define EMPTY_GFN     0x80000ul /* 2 GiB and up: nothing is there on machines of the tests */
#define UPCALL_VECTOR 0xf3
#define BAD_POINTER   0x7f0000000000ul     /* not mapped */
#define NON_CANONICAL 0x80007f0000000000ul /* not an address (stock Xen looks at its low 48 bits only) */
#define MS            1000000ull

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Written by each program; returning ends the test. */
void guest_main(void);

/* The boot line's words: the number behind "name=", or fallback. */
uint64_t word_number(const char *name, uint64_t fallback);
extern const struct hvm_start_info *start_info;
static inline bool is_dom0(void)
{
    return start_info->flags & 1u << 0;
}

/* Output: %s %c %d %u %x with l and ll, %p-like addresses by %lx. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One TAP line. */
void check(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One TAP line: what a call gave against what Xen's ABI says. */
void expect(long got, long want, const char *what);
/* Print the plan and switch the machine off; what runs on afterwards is a failure. */
void guest_end(void) __attribute__((noreturn));

/* Hypercalls: numbers and operations are those of the public headers. */
typedef long (*hypercall_entry)(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
                                unsigned long d, unsigned long e);
extern hypercall_entry hypercall_entered;
#define HYPERCALL5(nr, a, b, c, d, e)                                                                        \
    hypercall_entered((unsigned long)(nr), (unsigned long)(a), (unsigned long)(b), (unsigned long)(c),       \
                      (unsigned long)(d), (unsigned long)(e))
#define HYPERCALL(nr, a, b, c) HYPERCALL5(__HYPERVISOR_##nr, a, b, c, 0, 0)
#define evtchn(op, arg)        HYPERCALL(event_channel_op, EVTCHNOP_##op, arg, 0)
#define grant(op, arg, n)      HYPERCALL(grant_table_op, GNTTABOP_##op, arg, n)
#define memory(op, arg)        HYPERCALL(memory_op, XENMEM_##op, arg, 0)
#define hvm(op, arg)           HYPERCALL(hvm_op, HVMOP_##op, arg, 0)
#define vcpuop(op, vcpu, arg)  HYPERCALL(vcpu_op, VCPUOP_##op, vcpu, arg)
#define sched(op, arg)         HYPERCALL(sched_op, SCHEDOP_##op, arg, 0)

/* Run fn; the vector of the exception that ended it, or -1. The error code stands in trap_error. */
int try_call(void (*fn)(void *arg), void *arg);
extern uint64_t trap_error;
/* hypercall nr from ring 3 */
long in_user_mode(unsigned long nr);

/* Shared info at a frame that was empty; upcalls by the callback vector are counted in `upcalls`. */
shared_info_t *shared_info_map(void);
int callback_vector_set(uint64_t value);
extern volatile unsigned upcalls, nmis;
extern volatile bool upcall_needs_eoi;
/* Map frame idx of a space of XENMEM_add_to_physmap to gfn; errno. */
long physmap(unsigned space, unsigned long idx, unsigned long gfn);
/* Let interrupts in for a moment. */
static inline void interrupts_window(void)
{
    __asm__ volatile("sti; nop; nop; cli" ::: "memory");
}
/* What XENMEM and the hypervisor call free: the whole machine's free frames (dom0 only). */
unsigned long free_pages(void);

uint64_t random64(void);
extern uint64_t random_seed;

static inline uint64_t rdtsc(void)
{
    uint32_t a, d;

    __asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
    return (uint64_t)d << 32 | a;
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t a, d;

    __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(msr));
    return (uint64_t)d << 32 | a;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
void *memset(void *p, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
