/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies between the hypervisor and the running guest's memory, by guest virtual address (walked with its
 * CR3) or guest physical address. Only frames the domain may access as RAM; nothing is mapped longer than the
 * copy.
 */
#pragma once

#include "bh/types.h"

struct domain;
struct vcpu;

/* v: always the current vCPU. 0 or -XEN_EFAULT. Partial copies may have happened on error. */
int copy_from_guest(struct vcpu *v, void *dst, uint64_t gva, size_t size) __must_check;
int copy_to_guest(struct vcpu *v, uint64_t gva, const void *src, size_t size) __must_check;
int copy_to_gpa(struct domain *d, gpaddr_t gpa, const void *src, size_t size) __must_check;
/* Guest virtual to physical with the vCPU's page tables; write: needs write access. 0 or -XEN_EFAULT. */
int guest_walk(struct vcpu *v, uint64_t gva, bool write, gpaddr_t *gpa);
/* Instruction bytes at rip (up to 15, fewer at a hole). Returns their number. */
unsigned guest_fetch(struct vcpu *v, uint64_t rip, uint8_t *buf, unsigned len);

/* A frame of the domain's own RAM at g, referenced and addressable until page_put(). */
void *guest_frame_get(struct domain *d, gfn_t g, mfn_t *m);
