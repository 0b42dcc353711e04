/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls: one table of handlers, one table of privileges (core/hypercall_table.c). A handler that has too
 * much to do returns -XEN_ERESTART after storing its progress in the guest's arguments: the instruction is
 * executed again.
 */
#pragma once

#include "bh/guest_access.h"
#include "bh/xen.h"

struct domain;
struct vcpu;

struct hypercall_args {
    uint64_t a[5]; /* rdi rsi rdx r10 r8; handlers may change them when they return -XEN_ERESTART */
};
typedef long (*hypercall_fn)(struct vcpu *v, struct hypercall_args *args);

/* From the exit handler: VMMCALL/VMCALL at CPL 0 in 64-bit mode. False: the instruction is to be executed
 * again. */
bool hypercall_dispatch(struct vcpu *v);
/* A sub-operation: its structure is copied in once, and copied back after success where it has results. */
struct subop {
    long (*fn)(struct vcpu *v, void *arg);
    uint8_t size;
    bool copy_back;
};
#define SUBOP_MAX_SIZE 256u /* none is larger: subop.size has 8 bits */
/* Carry out number `op` of a table for `v`, with the structure at gva in the memory of `caller`. */
static inline long subop_call(struct vcpu *caller, struct vcpu *v, const struct subop *ops, size_t nr,
                              uint64_t op, uint64_t gva)
{
    uint64_t arg[SUBOP_MAX_SIZE / sizeof(uint64_t)];
    long rc;

    if (op >= nr || !ops[op].fn)
        return -XEN_ENOSYS;
    if (copy_from_guest(caller, arg, gva, ops[op].size))
        return -XEN_EFAULT;
    rc = ops[op].fn(v, arg);
    return !rc && ops[op].copy_back && copy_to_guest(caller, gva, arg, ops[op].size) ? -XEN_EFAULT : rc;
}

/* Who may use an operation on whom. */
enum priv { PRIV_SELF_OR_CONTROL, PRIV_CONTROL, PRIV_HWDOM };
bool priv_allows(const struct domain *caller, const struct domain *target, enum priv p);

#define HYPERCALL(name) long do_##name(struct vcpu *v, struct hypercall_args *args)
HYPERCALL(memory_op);
HYPERCALL(multicall);
HYPERCALL(xen_version);
HYPERCALL(console_io);
HYPERCALL(grant_table_op);
HYPERCALL(vm_assist);
HYPERCALL(vcpu_op);
HYPERCALL(sched_op);
HYPERCALL(event_channel_op);
HYPERCALL(physdev_op);
HYPERCALL(hvm_op);
HYPERCALL(sysctl);
HYPERCALL(domctl);
HYPERCALL(platform_op);
HYPERCALL(set_timer_op);
