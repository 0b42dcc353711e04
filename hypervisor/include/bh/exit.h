/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both CPU back ends hand to common code when a guest stops for something (pvh/). */
#pragma once

#include "bh/types.h"

struct domain;
struct vcpu;

/* A trapped access to guest physical memory without a mapping that allows it: logs, emulates or faults. */
void emul_memory_fault(struct vcpu *v, gpaddr_t gpa, bool write, bool fetch);
/* A trapped port access of 1, 2 or 4 bytes. */
void emul_port(struct vcpu *v, uint16_t port, unsigned size, bool write, uint64_t *val);
int emul_domain_init(struct domain *d);
void emul_domain_free(struct domain *d);
/* I/O permission bitmap (12 KiB, bit set: trap) of a domain; shared all-ones one for domains without ports.
 */
paddr_t emul_iopm(const struct domain *d);

/* MSRs that are not the back end's own. False: #GP. */
bool msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *val);
bool msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t val);
/* Write the hypercall stubs into a frame of the domain. False: it has none there. */
bool hypercall_page_fill(struct domain *d, gfn_t g);

/* HLT at CPL 0: wait for an event. */
void vcpu_halt(struct vcpu *v);
void guest_inject_gp(struct vcpu *v);
void guest_inject_ud(struct vcpu *v);
/* XSETBV 0: false: #GP */
bool guest_xsetbv(struct vcpu *v, uint64_t val);
