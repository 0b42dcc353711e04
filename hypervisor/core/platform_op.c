/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the hardware domain about the machine: PLATFORMOP, PHYSDEVOP, console_io. */
#include "bh/console.h"
#include "bh/domain.h"
#include "bh/hwdom.h"
#include "bh/lib.h"
#include "bh/time.h"

#define PLATFORM_VERSION       0x03000001u
#define XENPF_get_dom0_console 64 /* newer than the headers of 4.17: Linux asks for it since 6.4 */
_Static_assert(XENPF_INTERFACE_VERSION == PLATFORM_VERSION, "platform interface of Xen 4.17");

static long settime64(const struct xenpf_settime64 *t)
{
    if (t->mbz)
        return -XEN_EINVAL;
    wallclock_ns = t->secs * 1000000000ull + t->nsecs - t->system_time;
    for_each_domain (d)
        domain_update_wallclock(d);
    return 0;
}

static long cpuinfo(struct xenpf_pcpuinfo *c)
{
    c->max_present = nr_cpus - 1;
    if (c->xen_cpuid >= nr_cpus) {
        c->flags = XEN_PCPU_FLAGS_INVALID;
        return 0;
    }
    c->flags = XEN_PCPU_FLAGS_ONLINE;
    c->apic_id = cpus[c->xen_cpuid]->apic_id;
    c->acpi_id = c->xen_cpuid;
    return 0;
}

/* The result is the description's size, 0 without a screen. */
static long get_dom0_console(struct xen_platform_op *op)
{
    struct dom0_vga_console_info info;

    if (!screen_describe(&info))
        return 0;
    memcpy(op->u.pad, &info, sizeof(info));
    return sizeof(info);
}

HYPERCALL(platform_op)
{
    struct xen_platform_op op;
    long rc;

    if (!priv_allows(v->domain, NULL, PRIV_HWDOM))
        return -XEN_EPERM;
    if (copy_from_guest(v, &op, args->a[0], sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != PLATFORM_VERSION)
        return -XEN_EACCES;
    switch (op.cmd) {
    case XENPF_settime64:
        return settime64(&op.u.settime64);
    case XENPF_get_cpuinfo:
        rc = cpuinfo(&op.u.pcpu_info);
        break;
    case XENPF_get_dom0_console:
        rc = get_dom0_console(&op);
        break;
    default:
        return -XEN_ENOSYS;
    }
    return rc >= 0 && copy_to_guest(v, args->a[0], &op, sizeof(op)) ? -XEN_EFAULT : rc;
}

HYPERCALL(physdev_op)
{
    union {
        struct physdev_pci_mmcfg_reserved mmcfg;
        struct physdev_pci_device dev; /* as the begin of physdev_pci_device_add */
    } u;
    struct domain *d = v->domain;

    if (!priv_allows(d, NULL, PRIV_HWDOM))
        return -XEN_ENOSYS;
    switch (args->a[0]) {
    case PHYSDEVOP_pci_mmcfg_reserved:
        if (copy_from_guest(v, &u.mmcfg, args->a[1], sizeof(u.mmcfg)))
            return -XEN_EFAULT;
        return vpci_mmcfg_reserved(d, u.mmcfg.address, u.mmcfg.segment, u.mmcfg.start_bus, u.mmcfg.end_bus);
    case PHYSDEVOP_pci_device_add:
    case PHYSDEVOP_pci_device_remove:
        if (copy_from_guest(v, &u.dev, args->a[1], sizeof(u.dev)))
            return -XEN_EFAULT;
        if (args->a[0] == PHYSDEVOP_pci_device_add)
            return vpci_device_add(d, u.dev.seg, u.dev.bus, u.dev.devfn);
        return vpci_device_remove(d, u.dev.seg, u.dev.bus, u.dev.devfn);
    case PHYSDEVOP_dbgp_op:
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

/* A piece at a time: a serial line takes milliseconds for it, with interrupts off. */
static long console_write_op(struct vcpu *v, struct hypercall_args *args)
{
    char buf[128];
    size_t n = MIN(args->a[1], sizeof(buf));

    if (copy_from_guest(v, buf, args->a[2], n))
        return -XEN_EFAULT;
    console_write(buf, n);
    args->a[1] -= n;
    args->a[2] += n;
    return args->a[1] ? -XEN_ERESTART : 0;
}

HYPERCALL(console_io)
{
    char buf[256];
    size_t n;

    if (!priv_allows(v->domain, NULL, PRIV_HWDOM))
        return -XEN_EPERM;
    switch (args->a[0]) {
    case CONSOLEIO_write:
        return console_write_op(v, args);
    case CONSOLEIO_read:
        n = console_read(buf, MIN(args->a[1], sizeof(buf)));
        return copy_to_guest(v, args->a[2], buf, n) ? -XEN_EFAULT : (long)n;
    default:
        return -XEN_ENOSYS;
    }
}
