/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Xen's public ABI headers (Debian's libxen-dev) as the hypervisor sees them. */
#pragma once

#include <stdint.h>
#include <stddef.h>
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/features.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sysctl.h>
#include <xen/domctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#pragma GCC diagnostic pop

/* Inside the hypervisor only: execute the instruction again (a hypercall's continuation). */
#define XEN_ERESTART 0x7000

/* XENMEM commands carry the progress of a continued call above the operation. */
#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK     ((1 << MEMOP_EXTENT_SHIFT) - 1)
